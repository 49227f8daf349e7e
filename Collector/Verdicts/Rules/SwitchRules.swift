// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// The switch stage of one path, per configured switch, in this order:
/// 1. no way to it is fresh → unknown;
/// 2. the CIDR is there by next hops of this node, as many as carry it → ok;
/// 3. by fewer, where the switch uses several → wrong; two reads → switch-partial-paths;
/// 4. by another next hop → wrong; two reads → switch-wrong-next-hop;
/// 5. absent → missing, or wrong where something is there in its place; a root (switch-route-missing)
///    only if what proves it began after the node exported it on a session with this switch that is up;
/// 6. gone and back three times in ten minutes while the node's session held → switch-route-flapping,
///    and a short absence is no root of its own.
func judgeSwitches(
    _ path: inout JudgedPath,
    facing: [String],
    _ addresses: Set<IPAddress>,
    in world: World
) {
    guard !world.snapshot.switches.isEmpty else {
        path.add(StageResult(.switchRIB, .notChecked))
        return
    }
    for (facts, sight) in zip(world.switches, world.sightsInOrder) {
        // Another rack's switch has nothing to know of this node.
        if !facing.isEmpty, !facing.contains(facts.name) {
            let detail = "no session of the node leads to it"
            path.add(StageResult(.switchRIB, at: facts.name, .notChecked, detail: detail))
            continue
        }
        guard let sight else {
            let reason = unreadableReason(facts, at: world.now)
            path.add(StageResult(.switchRIB, at: facts.name, .unknown(reason: reason)))
            continue
        }
        judgeSwitch(&path, sight, addresses, in: world)
    }
}

private func judgeSwitch(
    _ path: inout JudgedPath,
    _ sight: SwitchSight,
    _ expected: Set<IPAddress>,
    in world: World
) {
    let (prefix, now) = (path.trace.prefix, world.now)
    let flapping = judgeFlapping(&path, sight, expected, now: now)
    let presence = sight.presence(of: prefix, announcedBy: expected)
    switch presence {
    case .here(let route): judgeRoute(&path, route, sight, expected, in: world)
    case .unread(let reason), .doubted(let reason):
        if case .doubted = presence { blameForLoss(&path, sight) }
        path.add(
            StageResult(
                .switchRIB,
                at: sight.name,
                .unknown(reason: reason),
                readAt: sight.readAt
            )
        )
    case .absent(let provenSince):
        blameForLoss(&path, sight)
        let found = sight.explanation(of: prefix)
        judgeAbsence(&path, sight, found?.found, found?.words)
        let gone = sight.view.histories[prefix]?.goneSince ?? .zero
        guard !flapping || now - gone > shortAbsence,
            let since = rootSince(path, sight, expected, provenSince: provenSince)
        else { return }
        let what = "switch \(sight.name) lacks it" + (found.map { ", \($0.words)" } ?? "")
        path.findings.append(
            finding(.switchRouteMissing, path, sight, what, since, expected: expected)
        )
    }
}

/// What is down behind the switch may be down for that; not what does not come this way.
func blameForLoss(_ path: inout JudgedPath, _ sight: SwitchSight) {
    guard path.carrying.contains(where: { $0.switchName == sight.name }) else { return }
    path.isLostOnSwitch = true
}

private func judgeAbsence(
    _ path: inout JudgedPath,
    _ sight: SwitchSight,
    _ found: String?,
    _ words: String?
) {
    let expected = "\(path.trace.prefix) in VRF \(sight.vrf)"
    path.add(
        StageResult(
            .switchRIB,
            at: sight.name,
            found.map { .wrong(expected: expected, found: $0) } ?? .missing,
            detail: words,
            readAt: sight.readAt
        )
    )
}

// MARK: - Roots

/// A reflected or re-announced route reaches the RIB within 1.2 s of the session (measured with FRR); a
/// read that began within 2 s of the export says nothing yet.
let settling: Int64 = 2_000

/// Since when the node has exported it to this switch without a break.
func carriedSince(_ path: JudgedPath, _ sight: SwitchSight) -> Timestamp? {
    path.carrying.filter { $0.switchName == sight.name }.map(\.since).min()
}

/// Since when the switch should have had it: nil if an earlier stage fails, or if what proves the fault
/// (the last two reads, unless told otherwise) began before the export (plus settling), or if the switch
/// itself does not call the session up in both reads: then it is on its way, or the session's own matter.
func rootSince(
    _ path: JudgedPath,
    _ sight: SwitchSight,
    _ addresses: Set<IPAddress>,
    provenSince: Timestamp? = nil
) -> Timestamp? {
    guard !path.isCut, sight.confirmed({ $0.hasSession(with: addresses) }),
        let since = carriedSince(path, sight)
    else { return nil }
    return (provenSince ?? sight.provenSince) > since + settling ? since : nil
}

extension SwitchTable {
    /// True too where no summary names the node: nothing contradicts BIRD then.
    fileprivate func hasSession(with addresses: Set<IPAddress>) -> Bool {
        let known = addresses.compactMap { neighbors[$0] }
        return known.isEmpty || known.contains(where: \.isEstablished)
    }
}

func finding(
    _ kind: Kind,
    _ path: JudgedPath,
    _ sight: SwitchSight,
    _ what: String,
    _ since: Timestamp,
    expected: Set<IPAddress> = []
) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let uplinks = path.carrying.filter { $0.switchName == sight.name }
    let isPartial = kind == .switchPartialPaths
    let hops =
        expected.isEmpty ? "" : expected.sorted().map(\.description).joined(separator: " or ")
    let wanted = hops.isEmpty ? "" : ", expected via \(hops)"
    return Finding(
        kind,
        node: node,
        prefix: prefix,
        switchName: sight.name,
        // It broke when the switch last had it right, not when the node began to export it.
        since: kind == .switchRouteMissing ? brokenSince(prefix, sight, since) : since,
        what: what,
        evidence: [
            Evidence(
                "agent \(node)",
                "export \((isPartial ? uplinks : [uplinks.first].compactMap(\.self)).map(\.uplink).joined(separator: ", "))",
                "sent, session Established",
                at: uplinks.first?.since
            ),
            Evidence(sight.source, sight.fact(prefix), what + wanted, at: sight.readAt),
        ],
        verify: [
            sight.show(prefix).showing(kind.shownByRoute(hops)),
            sight.show(prefix, "bgp").showing(kind.shownByBGP),
        ]
    )
}

extension Kind {
    /// What the switch's route to the CIDR shows, if it should lead to `hops`.
    fileprivate func shownByRoute(_ hops: String) -> String? {
        switch self {
        case .switchRouteMissing: "no route to the CIDR itself"
        case .switchWrongNextHop where !hops.isEmpty: "another next hop than \(hops)"
        case .switchPartialPaths: "fewer next hops than the node has uplinks to it"
        case .switchRouteFlapping: "an age below ten minutes, or no route"
        default: nil
        }
    }

    fileprivate var shownByBGP: String? {
        switch self {
        case .switchRouteMissing: "whether BGP has it, and does not use it"
        case .switchWrongNextHop: "from which neighbor it has that"
        case .switchPartialPaths: "which neighbor's path is not there, or not multipath"
        default: nil
        }
    }
}

/// The last read that had it, if it went while the node exported it.
private func brokenSince(_ prefix: Prefix, _ sight: SwitchSight, _ exported: Timestamp) -> Timestamp
{
    let seen = ([sight.view] + sight.others.map(\.view)).compactMap { view in
        view.histories[prefix].flatMap { $0.goneSince == nil ? nil : $0.lastConfirmed }
    }.max()
    return max(seen ?? exported, exported)
}

// MARK: - Reasons

func unreadableReason(_ facts: SwitchFacts, at now: Timestamp) -> String {
    guard let (_, view) = facts.believed(at: now) else { return "no way to read it is configured" }
    return unreadableReason(view.readings, at: now)
}

func unreadableReason<Value>(_ readings: Readings<Value>, at now: Timestamp) -> String {
    switch readings.freshness(at: now) {
    case .neverSeen: readings.failure.map { "not read yet: \($0.reason)" } ?? "not read yet"
    case .stale(let reason): "not readable: \(reason)"
    case .fresh: "fresh"
    }
}
