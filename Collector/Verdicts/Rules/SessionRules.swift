// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Whether a session flaps, and so much of it as is not told by its state of now: FAULTS.md's three transitions
/// in ten minutes, without those of BIRD's own restarts and of operators. While it does so, it is told as down
/// by itself once it stays down.
func flapping(
    _ path: JudgedPath,
    _ session: BGPSession,
    _ facts: NodeFacts,
    in world: World
) -> Finding? {
    guard world.mayFlap, facts.history.mayFlap else { return nil }
    let histories = facts.history.sessions.filter { $0.key.name == session.name }
    let transitions = histories.values.flatMap(\.transitions).sorted()
        .filter { $0 > world.now - flapWindow }
    // What most sessions of the switch did at that moment is the switch's.
    let name = world.switchName(of: session)
    let shared =
        name.flatMap { world.sharedMoments[$0] }?.map { $0.share(of: transitions) }
        .reduce(0, +) ?? 0
    guard transitions.count - shared >= flapCount || shared >= switchFlapCount,
        let first = transitions.first
    else { return nil }
    let node = path.trace.node
    let error = session.firstError.isEmpty ? session.lastError : session.firstError
    let cause = error.isEmpty ? "" : ", \(error)"
    let state = session.isEstablished ? "up" : "down"
    let what = "\(transitions.count) transitions in ten minutes, \(state) now\(cause)"
    return Finding(
        .sessionFlapping,
        node: node,
        prefix: path.trace.prefix,
        uplink: session.name,
        switchName: name,
        since: first,
        what: what,
        evidence: [
            Evidence("agent \(node)", text(session), what, at: facts.lastHeard)
        ]
            + transitions.suffix(3).map {
                Evidence("agent \(node)", text(session), "went up or down", at: $0)
            },
        verify: [
            Verification(
                on: node,
                facts.birdc(showProtocol(session.name), session: session),
                shows: "since when it is as it is; while it is down, in Last error why"
            )
        ]
            + (name.flatMap(world.sight(ofSwitch:)).map { sight in
                let summary = sight.showSummary(path.trace.prefix.family)
                return [summary.showing("the node's line up for less than ten minutes, or not up")]
            } ?? [])
    )
}

/// Which session it is: by its neighbour people know it on the switch.
func text(_ session: BGPSession) -> String {
    "session \(session.name)" + (session.neighbor.map { " (neighbor \($0))" } ?? "")
}

/// A switch that loses its sessions is told as that each time: it flaps when it does so again and again.
private let switchFlapCount = 3 * flapCount

extension NodeFacts {
    /// When transitions that count now will be too old to.
    func flapEnds() -> [Timestamp] {
        history.sessions.values.filter { $0.transitions.count >= flapCount }
            .flatMap { $0.transitions.flatMap { [$0 + flapWindow, $0 + shortAbsence + 1] } }
    }

    /// BIRD holds routes back on the session until a graceful restart of its own is over.
    func isRecovering(_ session: BGPSession) -> Bool {
        session.channels.contains(where: \.isRecovering)
            || birds.values.contains { $0.sessions[session.name] != nil && $0.isRecovering }
    }
}

/// BIRD's default for how long it waits in all (`graceful restart wait`), where no restart time was negotiated.
private let usualWait: Int64 = 240_000
/// For the routes to go out afterwards.
private let recoverySlack: Int64 = 10_000

/// Since when a recovery lasts too long, if it lasts that long.
func recoveryEnd(of session: BGPSession) -> Timestamp? {
    session.since.map { since in
        since + (session.restartTime.map { Int64($0) * 1_000 } ?? usualWait) + recoverySlack
    }
}

func restartStuck(
    _ path: JudgedPath,
    _ session: BGPSession,
    _ facts: NodeFacts,
    in world: World
) -> Finding? {
    guard let end = recoveryEnd(of: session), world.now >= end, let since = session.since else {
        return nil
    }
    let node = path.trace.node
    let name = world.switchName(of: session)
    let agreed = session.restartTime.map { "\($0) s were agreed" }
    let wait = agreed ?? "\(usualWait / 1_000) s are usual"
    let keeper = name.map { "switch \($0)" } ?? "its neighbor"
    let meanwhile =
        session.restartTime == nil
        ? "no graceful restart was agreed with \(keeper), so it kept nothing meanwhile"
        : "\(keeper) forwards by what it kept from before, until its own stale-path time is over"
    let what =
        "BIRD is still in recovery from its graceful restart, for which \(wait); \(meanwhile)"
    return Finding(
        .restartStuck,
        node: node,
        prefix: path.trace.prefix,
        uplink: session.name,
        switchName: name,
        since: since,
        what: what,
        evidence: [
            Evidence("agent \(node)", text(session), "Established", at: since),
            Evidence(
                "agent \(node)",
                "export \(session.name)",
                "nothing, BIRD is in recovery",
                at: facts.lastHeard
            ),
            Evidence("agent \(node)", "end of recovery", "due then, \(wait)", at: end),
        ],
        verify: [
            Verification(
                on: node,
                facts.birdc("show status", session: session),
                shows: "Graceful restart recovery in progress"
            ),
            Verification(on: node, facts.birdc(showProtocol(session.name), session: session))
                .showing("Established, and 0 exported"),
        ]
            + (name.flatMap(world.sight(ofSwitch:)).map {
                [$0.show(path.trace.prefix, "bgp").showing("stale, or nothing from this node")]
            }
                ?? [])
    )
}

/// How long it is told after the restart: it is over by then, and comes again with the next.
private let restartMemory: Int64 = 600_000
/// A switch may notice the end before the agent does.
private let restartSlack: Int64 = 5_000

extension NodeFacts {
    fileprivate func restart(of session: BGPSession) -> SessionHistory.Restart? {
        history.sessions.filter { $0.key.name == session.name }.values.compactMap(\.restart)
            .max { $0.at < $1.at }
    }

    func restartEnds() -> [Timestamp] {
        history.sessions.values.compactMap(\.restart).filter(\.isGraceful).map {
            $0.at + restartMemory
        }
    }
}

/// BIRD restarted gracefully, the switch had agreed to keep its routes meanwhile, and lost the CIDR within the
/// restart time.
func restartNotHonoured(
    _ path: JudgedPath,
    _ session: BGPSession,
    _ facts: NodeFacts,
    in world: World
) -> Finding? {
    guard facts.history.hasRestartedGracefully,
        // Before BIRD has told what it has, a switch may rightly drop what it kept.
        !facts.isRecovering(session), let restart = facts.restart(of: session), restart.isGraceful,
        let time = restart.restartTime, world.now - restart.at < restartMemory,
        let name = world.switchName(of: session), let sight = world.sight(ofSwitch: name)
    else { return nil }
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let promised = restart.at + Int64(time) * 1_000
    // With a peer's going BMP tells no more of its routes, and nothing of what the switch has kept of them.
    let views = [(way: sight.way, view: sight.view)] + sight.others
    let histories = views.filter { $0.way != .bmp }.map { $0.view.histories[prefix] }
    // By another switch's reflection the CIDR may still be there, with the node's other address.
    let own = world.addresses(towards: session, facts).map(\.address)
    let hops = own.isEmpty ? Array(world.addresses(of: node)) : own
    let losses = histories.compactMap(\.self).flatMap { history in
        hops.compactMap { history.lostHops[$0] }
    }
    // What was lost before, with an earlier session, was seen before this one stood.
    let lasting = losses.filter { $0.from >= restart.established }.map(\.to)
    // What goes once the session is back BIRD itself has taken away.
    // The switch counts from when the session was lost, which the agent may have seen later.
    let due = promised - min(restartSlack, Int64(time) * 500)
    let end = min(due, restart.back.map { $0 + settling } ?? due)
    guard let lost = lasting.filter({ $0 >= restart.at - restartSlack && $0 < end }).min() else {
        return nil
    }
    let what = "it had agreed to keep it for \(time) s"
    return Finding(
        .switchRestartNotHonoured,
        node: node,
        prefix: prefix,
        uplink: session.name,
        switchName: name,
        since: lost,
        what: what,
        evidence: [
            Evidence(
                "agent \(node)",
                text(session),
                "restart time \(time) s negotiated",
                at: restart.at
            ),
            Evidence(sight.source, sight.fact(prefix), "gone", at: lost),
        ],
        verify: [
            sight.show(prefix)
                .showing("no route: still gone; an age below that of BIRD's restart: it is back"),
            Verification(
                on: node,
                facts.birdc(showProtocol(session.name), session: session),
                shows: "Graceful restart under Neighbor capabilities (BIRD 1: restart-aware)"
            ),
        ]
    )
}

/// Two daemons of a node that speak to one neighbour, or one that cannot have port 179.
func twoSpeakers(_ name: String, _ facts: NodeFacts) -> Finding? {
    sharedNeighbor(name, facts) ?? takenPort(name, facts)
}

private func sharedNeighbor(_ name: String, _ facts: NodeFacts) -> Finding? {
    guard facts.birds.count > 1 else { return nil }
    var speakers: [IPAddress: [String]] = [:]
    for (daemon, bird) in facts.birds where bird.condition == .readable {
        for session in bird.sessions.values where !session.isDisabled {
            if let neighbor = session.neighbor { speakers[neighbor, default: []].append(daemon) }
        }
    }
    let shared = speakers.mapValues { Set($0).sorted() }.filter { $0.value.count > 1 }
    guard let (neighbor, daemons) = shared.min(by: { $0.key < $1.key }) else { return nil }
    let list = daemons.joined(separator: " and ")
    return Finding(
        .birdTwoSpeakers,
        node: name,
        what:
            "\(daemons.count == 2 ? "two" : "\(daemons.count)") BIRDs, \(list), speak BGP to \(neighbor)",
        evidence: daemons.prefix(2).map {
            Evidence("agent \(name)", $0, "session with \(neighbor)", at: facts.lastHeard)
        },
        verify: daemons.prefix(2).map {
            Verification(
                on: name,
                "birdc -r -s \(shellWord($0)) show protocols",
                shows: "a BGP protocol of its own"
            )
        }
    )
}

/// Instead of the session's being down, of which the port is the reason: as grave as that.
func takenPort(
    _ path: JudgedPath,
    _ session: BGPSession,
    _ facts: NodeFacts,
    isLast: Bool
) -> Finding? {
    guard isTakenPort(session.lastError) else { return nil }
    var finding = takenPort(path.trace.node, facts)
    finding?.prefix = path.trace.prefix
    if isLast { finding?.severity = .critical }
    return finding
}

private func takenPort(_ name: String, _ facts: NodeFacts) -> Finding? {
    let isSilent = facts.birds.values.allSatisfy { bird in
        bird.sessions.values.allSatisfy { $0.lastError.isEmpty && $0.firstError.isEmpty }
    }
    guard !isSilent else { return nil }
    let errors = facts.birds.sorted { $0.key < $1.key }.flatMap { daemon, bird in
        bird.sessions.values.sorted { $0.name < $1.name }.compactMap {
            session -> (String, String)? in
            [session.lastError, session.firstError].first(where: isTakenPort).map {
                ("\(daemon) \(session.name)", $0)
            }
        }
    }
    guard let (place, error) = errors.first else { return nil }
    return Finding(
        .birdTwoSpeakers,
        node: name,
        what:
            "BIRD has no listening socket for BGP (\(error)): another program has port 179, or the"
            + " address that it should listen on is missing",
        evidence: [Evidence("agent \(name)", place, error, at: facts.lastHeard)],
        verify: [
            Verification(
                on: name,
                "ss -ltnp sport = :179",
                shows: "another program than BIRD; no line: an address is missing, see BIRD's log"
            )
        ]
    )
}

/// BIRD 2 says so only when the protocol starts, and leaves it down: `Error: No listening socket`.
private func isTakenPort(_ error: String) -> Bool {
    let text = error.lowercased()
    return text.contains("address already in use") || text.contains("no listening socket")
        || text.contains("address in use")
}

/// When most sessions of a switch moved, for one reason.
struct SharedMoment: Hashable, Sendable {
    /// Of the length below, counted from zero.
    var moments: ClosedRange<Int64>
    /// Transitions that a session made in it, the median: what it made more is its own.
    var usual: Int

    /// Sessions that move within this, most of them, have moved for one reason; milliseconds.
    static let length: Int64 = 10_000

    func share(of transitions: [Timestamp]) -> Int {
        min(usual, transitions.count { moments.contains($0.milliseconds / Self.length) })
    }
}

extension NodeHistory {
    var hasRestartedGracefully: Bool {
        sessions.values.contains { $0.restart?.isGraceful ?? false }
    }

    var mayFlap: Bool { sessions.values.contains { $0.transitions.count >= flapCount } }
}

extension World {
    /// Moments at which more than half of a switch's sessions moved, two at least, by switch.
    static func sharedMoments(
        _ snapshot: Snapshot,
        _ switches: [IPAddress: String]
    ) -> [String: [SharedMoment]] {
        var sessions: [String: Int] = [:]
        var moved: [String: [SessionMoments]] = [:]
        for (node, facts) in snapshot.nodes {
            for (daemon, bird) in facts.birds {
                for session in bird.sessions.values {
                    guard let name = session.neighbor.flatMap({ switches[$0] }) else { continue }
                    sessions[name, default: 0] += 1
                    let key = SessionKey(daemon: daemon, name: session.name)
                    let transitions = facts.history.sessions[key]?.moves ?? []
                    guard !transitions.isEmpty else { continue }
                    let moments = transitions.map { $0.milliseconds / SharedMoment.length }
                    moved[name, default: []].append(SessionMoments(node: node, moments: moments))
                }
            }
        }
        return moved.reduce(into: [:]) { all, each in
            all[each.key] = each.value.shared(of: sessions[each.key] ?? 0)
        }
    }
}

/// When a session moved.
private struct SessionMoments {
    var node: String
    var moments: [Int64]
}

extension [SessionMoments] {
    /// Of so many sessions of the switch.
    fileprivate func shared(of sessions: Int) -> [SharedMoment] {
        var nodes: [Int64: Set<String>] = [:]
        for each in self {
            for moment in each.moments { nodes[moment, default: []].insert(each.node) }
        }
        let moments = nodes.keys.sorted().filter { moment in
            let near = (moment - 1...moment + 1).compactMap { nodes[$0] }
                .reduce(into: Set<String>()) { $0.formUnion($1) }
            return near.count >= 2 && near.count * 2 > sessions
        }
        return runs(of: moments).map { run in
            let counts = map { $0.moments.count(where: run.contains) }.sorted(by: >)
            let median = counts.count > sessions / 2 ? counts[sessions / 2] : 0
            return SharedMoment(moments: run, usual: Swift.max(1, median))
        }
    }

    private func runs(of moments: [Int64]) -> [ClosedRange<Int64>] {
        moments.reduce(into: []) { runs, moment in
            if let last = runs.last, last.upperBound + 1 == moment {
                runs[runs.count - 1] = last.lowerBound...moment
            } else {
                runs.append(moment...moment)
            }
        }
    }
}
