// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// How long a node may be without an agent after this collector began to listen: an agent's longest
/// retry is 30 s, and its first report follows at once.
let firstReportGrace: Int64 = 60_000
/// How long an agent that said goodbye may take to return: a DaemonSet replaces a pod in that time.
let goodbyeGrace: Int64 = 60_000

// agent-silent, source-unreadable and sink-failing: about our own sight and voice, never about the network.

func deviceFindings(in world: World) -> [Finding] {
    unreadableSwitches(in: world) + unreadableUnits(in: world)
        + unitsWithoutTraffic(in: world) + unreadableIntent(in: world)
        + unreadableCluster(in: world) + failingSinks(in: world)
}

func silentAgent(_ node: NodeSight, in world: World) -> Finding? {
    guard world.snapshot.hasAgents else { return nil }
    if world.snapshot.intentSource == .agents {
        guard node.told != nil else { return nil }
    } else {
        guard let intent = node.intent, !isInTransit(intent, now: world.now) else { return nil }
    }
    let name = node.name
    guard let (what, since) = silence(of: node, in: world) else { return nil }
    return Finding(
        .agentSilent,
        node: name,
        since: since,
        what: what,
        evidence: [Evidence("collector", "agent \(name)", what, at: since)],
        verify: [
            Verification(
                on: name,
                "pgrep -a podpath-agent",
                shows: "nothing: it does not run; else its log tells why it does not report"
            )
        ] + agentPods(of: name, in: world)
    )
}

/// Where it may run as a pod.
private func agentPods(of node: String, in world: World) -> [Verification] {
    guard world.snapshot.intentSource == .kubernetes else { return [] }
    let pods = "kubectl get pods -A -o wide --field-selector spec.nodeName=\(node) | grep podpath"
    return [Verification(on: "kubernetes", pods, shows: "its pod: Running, or why not")]
}

private func silence(of node: NodeSight, in world: World) -> (String, Timestamp)? {
    guard let facts = node.told else {
        let grace = world.snapshot.startedAt + firstReportGrace
        guard world.now > grace, !mayLackProof(since: grace, in: world) else { return nil }
        let words = "has not reported since the collector started"
        let other = world.misnamedAgent(of: node.name)
        let rest = other.map {
            "; one that calls itself \($0) does, and there is no node of that name"
        }
        return (words + (rest ?? ""), world.snapshot.startedAt)
    }
    let age = world.now - facts.lastHeard
    guard age > world.snapshot.agentStaleAfter else { return nil }
    switch facts.connection {
    case .left:
        guard age > goodbyeGrace else { return nil }
        return ("stopped on purpose and did not return", facts.lastHeard)
    case .connected: return ("sends nothing on an open connection", facts.lastHeard)
    case .lost(let reason):
        let missed = facts.lastHeard + world.snapshot.agentStaleAfter
        guard facts.isProvedByCertificate || !mayLackProof(since: missed, in: world) else {
            return nil
        }
        return ("is disconnected: \(reason)", facts.lastHeard)
    }
}

/// Whether all that keeps an agent out may be that nobody can review its token: until everybody had the time to come
/// back. Who was missed before that began is missed for another reason.
private func mayLackProof(since missed: Timestamp, in world: World) -> Bool {
    world.snapshot.kubernetes?.tokenReviews.excuse(at: world.now).map { missed >= $0.since }
        ?? false
}

private func unreadableSwitches(in world: World) -> [Finding] {
    world.switches.flatMap { facts in
        facts.views.sorted { $0.key < $1.key }.compactMap { way, view in
            guard let (what, since) = trouble(view.readings, way, in: world) else { return nil }
            let isOnly = facts.views.count == 1
            return Finding(
                .sourceUnreadable,
                switchName: facts.name,
                since: since,
                what: isOnly ? what : "by \(way.words): \(what)",
                evidence: [Evidence("switch \(facts.name)", way.words, what, at: since)],
                verify: reach(facts.door)
                    + [facts.showSummary(.ipv4).showing("that it answers you, and its neighbors")]
            )
        }
    }
}

/// Whether the device answers at all, from where it is asked.
private func reach(_ door: String?) -> [Verification] {
    guard let door else { return [] }
    guard door.contains("://") else {
        guard IPAddress(door) != nil else { return [] }
        let ping = "ping -c 3 -W 1 \(shellWord(door))"
        return [Verification(on: "collector", ping, shows: "whether it answers")]
    }
    let ask = "curl -sk -m 5 -o /dev/null -w '%{http_code}\\n' \(shellWord(door))"
    let shows = "000: it cannot be reached; any other number: it answers"
    return [Verification(on: "collector", ask, shows: shows)]
}

/// A switch that should come by itself has as long as an agent.
private func trouble(
    _ readings: Readings<SwitchTable>,
    _ way: SwitchWay,
    in world: World
) -> (String, Timestamp)? {
    let started = world.snapshot.startedAt
    let hasCome = readings.latest != nil || readings.failure != nil
    guard way != .polled, !hasCome, world.now - started > firstReportGrace else {
        return trouble(readings, at: world.now)
    }
    return ("it has not connected since the collector started", started)
}

private func unreadableUnits(in world: World) -> [Finding] {
    world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }.flatMap { facts in
        facts.units.sorted { $0.key < $1.key }.compactMap { unit, readings in
            let whole = trouble(readings, at: world.now).map { ($0, $1, [String]()) }
            guard
                let (what, since, commands) = whole ?? unreadPools(readings)
                    ?? unreadParts(readings)
            else { return nil }
            let all = commands + ["tmsh show sys mcp-state", "tmsh show cm failover-status"]
            let isUnread = whole != nil
            // One of two that cannot be read is another matter than both.
            var finding = Finding(
                .sourceUnreadable,
                loadBalancer: facts.name,
                since: since,
                what: facts.units.count > 1 ? "unit \(facts.place(of: unit)): \(what)" : what,
                evidence: [Evidence(facts.name, "unit \(facts.place(of: unit))", what, at: since)],
                verify: (isUnread ? reach(unit) : [])
                    + all.map {
                        Verification(on: login(facts.name, unit: unit), $0).showing(answers[$0])
                    }
            )
            finding.source = unit
            finding.isPart = whole == nil
            return finding
        }
    }
}

/// What a unit that is well says; of what fails, its words are the ones to read.
private let answers = [
    "tmsh show sys mcp-state": "Running Phase: running, once it can be asked",
    "tmsh show cm failover-status": "ACTIVE or STANDBY: whether it carries the traffic",
    showQueries: unheardServers,
]

/// All units can be read, and two reads of each say that another carries the traffic: what it has is not known.
private func unitsWithoutTraffic(in world: World) -> [Finding] {
    world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }.compactMap { facts in
        let units = facts.units.sorted { $0.key < $1.key }
        let reads = units.map { ($0.value.current(at: world.now), $0.value.previous?.value) }
        let areIdle = reads.allSatisfy { now, before in
            now.map { $0.role != .active } ?? false && before.map { $0.role != .active } ?? false
        }
        // Of a pair of which one is configured the other may carry it.
        guard units.count > 1, areIdle else { return nil }
        let roles = zip(units, reads).map {
            "\(facts.place(of: $0.key)) is \($1.0?.role.rawValue ?? "")"
        }
        var finding = Finding(
            .sourceUnreadable,
            loadBalancer: facts.name,
            what: "no unit carries traffic",
            evidence: zip(units, roles).map {
                Evidence(facts.name, "role", $1, at: $0.value.latest?.at)
            },
            verify: units.map {
                Verification(
                    on: login(facts.name, unit: $0.key),
                    "tmsh show cm failover-status",
                    shows: "what it is, and why it is not ACTIVE"
                )
            },
            // A failover takes seconds, a unit that starts as the only one some more.
            hold: units.map(\.value.staleAfter).max().map { $0 / 3 }
        )
        finding.source = "role"
        return finding
    }
}

/// Learned routes or wide IPs that two rounds could not read, while all else could be.
private func unreadParts(
    _ readings: Readings<LoadBalancerTable>
) -> (String, Timestamp, [String])? {
    guard let latest = readings.latest?.value, let previous = readings.previous else { return nil }
    let parts = [
        (\LoadBalancerTable.liveRoutesProblem, "tmsh show net route"),
        (\.wideIPProblem, showQueries),
    ]
    for (part, command) in parts where previous.value[keyPath: part] != nil {
        if let problem = latest[keyPath: part] { return (problem, previous.at, [command]) }
    }
    return nil
}

/// Pools that two rounds could not read, while all else could be.
private func unreadPools(
    _ readings: Readings<LoadBalancerTable>
) -> (String, Timestamp, [String])? {
    guard let latest = readings.latest, let previous = readings.previous else { return nil }
    let twice = latest.value.unreadPools.filter { previous.value.unreadPools[$0.key] != nil }
    guard let first = twice.min(by: { $0.key < $1.key }) else { return nil }
    let more = twice.count - 1
    let rest = more == 0 ? "" : ", and \(more) more pool\(more == 1 ? "" : "s")"
    return ("pool \(first.key): \(first.value)\(rest)", previous.at, [showMembers(of: first.key)])
}

private func unreadableIntent(in world: World) -> [Finding] {
    guard let failure = world.snapshot.intent.failure, failure.attempts >= 2 else { return [] }
    return [
        Finding(
            .sourceUnreadable,
            since: failure.since,
            what: failure.reason,
            evidence: [
                Evidence(
                    "nodes (\(world.snapshot.intentSource.rawValue))",
                    "read",
                    failure.reason,
                    at: failure.since
                )
            ],
            verify: [
                world.snapshot.intentSource == .kubernetes
                    ? Verification(on: "kubernetes", "kubectl get nodes")
                        .showing("whether it answers you")
                    : Verification(on: "collector", "podpath-collector status")
                        .showing("the same reason")
            ]
        )
    ]
}

/// One finding for the API server, however many of its collections fail: with the first reason.
private func unreadableCluster(in world: World) -> [Finding] {
    var failing = (world.snapshot.kubernetes?.failures ?? []).filter {
        $0.what != ClusterFacts.reviewing && $0.failure.attempts >= 2
            && world.now - $0.failure.since > clusterPatience
    }
    // A minute after the first moment at which agents are not missed because of it, and to the last: an API server that
    // starts anew is nothing to tell, even if agents are slower to return than it was.
    if let reviews = world.snapshot.kubernetes?.tokenReviews,
        let excuse = reviews.excuse(at: world.now), reviews.lasted(at: world.now) > clusterPatience
    {
        failing.append((ClusterFacts.reviewing, excuse))
    }
    guard let first = failing.first else { return [] }
    let names = failing.map(\.what).joined(separator: ", ")
    var finding = Finding(
        .sourceUnreadable,
        since: failing.map(\.failure.since).min(),
        what: "\(names): \(first.failure.reason)",
        evidence: failing.map {
            Evidence("kubernetes", $0.what, $0.failure.reason, at: $0.failure.since)
        },
        verify: [
            Verification(on: "kubernetes", "kubectl get --raw /readyz", shows: "ok: it answers you")
        ]
            + (mayAsk(first.what, first.failure.reason).map {
                [Verification(on: "kubernetes", $0, shows: "no: the collector's role lacks it")]
            } ?? [])
    )
    finding.source = "kubernetes"
    finding.isPart = world.snapshot.kubernetes?.isReadInPart ?? false
    return [finding]
}

/// As the collector itself: the server names its account where it refuses it.
/// Without an account it would answer for whoever types it.
private func mayAsk(_ what: String, _ reason: String) -> String? {
    let mark = "system:serviceaccount:"
    guard let found = reason.firstRange(of: mark) else { return nil }
    let account = reason[found.upperBound...].prefix {
        $0.isASCII && ($0.isLetter || $0.isNumber || ":-.".contains($0))
    }
    return "kubectl auth can-i \(right(to: what)) --as=\(mark)\(account)"
}

private func right(to what: String) -> String {
    if what == ClusterFacts.reviewing { return "create tokenreviews.authentication.k8s.io" }
    let groups = [
        "CiliumNodes": "cilium.io", "BlockAffinities": "crd.projectcalico.org",
        "EndpointSlices": "discovery.k8s.io",
    ]
    let resource = what.lowercased() + (groups[what].map { ".\($0)" } ?? "")
    return "watch \(resource) --all-namespaces"
}

/// Those who are told do not hear.
private func failingSinks(in world: World) -> [Finding] {
    world.snapshot.sinks.sorted { $0.key < $1.key }.compactMap { name, facts in
        guard case .failing(let reason) = facts.health else { return nil }
        var finding = Finding(
            .sinkFailing,
            since: facts.since,
            what: reason,
            evidence: [Evidence("collector", "sink \(name)", reason, at: facts.since)],
            verify: [
                Verification(
                    on: "collector",
                    "podpath-collector notify-test \(shellWord(name)) --config FILE",
                    shows: "the same error as long as it lasts"
                ),
                Verification(
                    on: "collector",
                    "pgrep -af 'podpath-collector serve'",
                    shows: "the FILE, behind --config"
                ),
            ]
        )
        finding.source = name
        return finding
    }
}

/// Two failed attempts, or a last good read that is too old.
private func trouble<Value>(
    _ readings: Readings<Value>,
    at now: Timestamp
) -> (String, Timestamp)? {
    if let failure = readings.failure, failure.attempts >= 2 {
        return (failure.reason, failure.since)
    }
    guard case .stale(let reason) = readings.freshness(at: now), let latest = readings.latest
    else { return nil }
    return (reason, latest.at)
}

/// Identities of what could be said of sources and is not: two reads in a row are good, and fresh. A collector that
/// has just begun has to read before it can say so.
func wellRead(in world: World) -> Set<String> {
    let kind = Kind.sourceUnreadable.rawValue
    func isWell<Value>(_ readings: Readings<Value>) -> Bool {
        readings.previous != nil && readings.freshness(at: world.now) == .fresh
    }
    var identities: Set<String> = []
    for facts in world.switches where facts.views.values.allSatisfy({ isWell($0.readings) }) {
        identities.insert("\(kind)/\(facts.name)")
    }
    for facts in world.snapshot.loadBalancers.values {
        for (unit, readings) in facts.units where isWell(readings) {
            identities.insert("\(kind)/\(facts.name)/\(unit)")
        }
        if facts.activeUnitName(at: world.now) != nil {
            identities.insert("\(kind)/\(facts.name)/role")
        }
    }
    if world.snapshot.intent.latest != nil, world.snapshot.intent.failure == nil {
        identities.insert("\(kind)/nodes")
    }
    if let cluster = world.snapshot.kubernetes, cluster.failures.isEmpty,
        cluster.tokenReviews.excuse(at: world.now) == nil,
        cluster.nodes.isComplete, cluster.endpointSlices.isComplete
    {
        identities.insert("\(kind)/kubernetes")
    }
    for (name, facts) in world.snapshot.sinks where facts.health.isWell {
        identities.insert("\(Kind.sinkFailing.rawValue)/\(name)")
    }
    return identities
}
