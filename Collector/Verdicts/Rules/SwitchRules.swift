// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// The switch stage of one path, per configured switch, in this order:
/// 1. not read, stale → unknown;
/// 2. the CIDR is there by a next hop of this node → ok;
/// 3. by another next hop → wrong; two reads → switch-wrong-next-hop;
/// 4. absent → missing once two reads agree; a root (switch-route-missing) only if both were taken
///    after the node exported it on a session with this switch that is up.
func judgeSwitches(_ path: inout JudgedPath, of node: NodeIntent, in world: World) {
    guard !world.snapshot.switches.isEmpty else {
        path.add(StageResult(.switchRIB, .notChecked))
        return
    }
    let expected = addresses(of: node, in: world)
    for facts in world.snapshot.switches.values.sorted(by: { $0.name < $1.name }) {
        judgeSwitch(&path, facts, expected, in: world)
    }
}

/// A node may announce with any of its addresses, its router id included (facts: aliases).
private func addresses(of node: NodeIntent, in world: World) -> Set<IPAddress> {
    let ids = world.snapshot.nodes[node.name]?.birds.values.compactMap(\.routerID) ?? []
    return Set(node.addresses + ids)
}

private func judgeSwitch(
    _ path: inout JudgedPath,
    _ facts: SwitchFacts,
    _ expected: Set<IPAddress>,
    in world: World
) {
    let (name, readings) = (facts.name, facts.readings)
    guard let table = readings.current(at: world.now), let readAt = readings.latest?.at else {
        let reason = unreadableReason(readings, at: world.now)
        path.add(StageResult(.switchRIB, at: name, .unknown(reason: reason)))
        return
    }
    let prefix = path.trace.prefix
    if let route = table.best(prefix, vrf: facts.vrf) {
        judgeRoute(&path, route, facts, expected, readAt)
        return
    }
    guard readings.confirmed({ $0.best(prefix, vrf: facts.vrf) == nil }) else {
        let reason = "absent in the last read, the next must agree"
        path.add(StageResult(.switchRIB, at: name, .unknown(reason: reason), readAt: readAt))
        return
    }
    let instead =
        table.otherVRF(prefix, than: facts.vrf).map { "it in VRF \($0)" }
        ?? covering(prefix, table, facts.vrf)
    let state = instead.map {
        StageState.wrong(expected: "\(prefix) in VRF \(facts.vrf)", found: $0)
    }
    path.add(StageResult(.switchRIB, at: name, state ?? .missing, readAt: readAt))
    guard let since = rootSince(path, facts, expected) else { return }
    let what = "switch \(name) lacks it" + (instead.map { ", it has \($0)" } ?? "")
    path.findings.append(finding(.switchRouteMissing, path, facts, what, since, readAt))
}

private func judgeRoute(
    _ path: inout JudgedPath,
    _ route: SwitchRoute,
    _ facts: SwitchFacts,
    _ expected: Set<IPAddress>,
    _ readAt: Timestamp
) {
    let found = route.nextHops.map(\.description).joined(separator: ", ")
    let isRight =
        expected.isEmpty || (!route.nextHops.isEmpty && expected.isSuperset(of: route.nextHops))
    guard !isRight else {
        let detail = "via \(found), \(route.protocolName)"
        path.add(StageResult(.switchRIB, at: facts.name, .ok, detail: detail, readAt: readAt))
        return
    }
    let wanted = expected.sorted().map(\.description).joined(separator: " or ")
    path.add(
        StageResult(
            .switchRIB,
            at: facts.name,
            .wrong(expected: wanted, found: found.isEmpty ? route.protocolName : found),
            readAt: readAt
        )
    )
    let prefix = path.trace.prefix
    let isConfirmed = facts.readings.confirmed {
        $0.best(prefix, vrf: facts.vrf).map {
            !expected.isSuperset(of: $0.nextHops) || $0.nextHops.isEmpty
        }
            ?? false
    }
    guard isConfirmed, let since = rootSince(path, facts, expected) else { return }
    let what = "switch \(facts.name) sends it to \(found.isEmpty ? route.protocolName : found)"
    path.findings.append(finding(.switchWrongNextHop, path, facts, what, since, readAt))
}

/// Since when the switch should have had it: nil if an earlier stage fails, or if one of the two
/// reads began before the export (plus settling) and so proves nothing, or if the switch itself
/// does not call the session up in both: then it is on its way, or the session's own matter.
private func rootSince(
    _ path: JudgedPath,
    _ facts: SwitchFacts,
    _ addresses: Set<IPAddress>
) -> Timestamp? {
    guard !path.isCut, facts.readings.confirmed({ $0.hasSession(with: addresses) }) else {
        return nil
    }
    let since = path.carrying.filter { $0.switchName == facts.name }.map(\.since).min()
    guard let since, let previous = facts.readings.previous else { return nil }
    // A reflected or re-announced route reaches the RIB within 1.2 s of the session (measured with
    // FRR); a read that began within 2 s of the export says nothing yet.
    let took = facts.readings.lastDuration ?? 0
    return previous.at - took > since + 2_000 ? since : nil
}

extension SwitchTable {
    /// True too where no summary names the node: nothing contradicts BIRD then.
    fileprivate func hasSession(with addresses: Set<IPAddress>) -> Bool {
        let known = addresses.compactMap { neighbors[$0] }
        return known.isEmpty || known.contains(where: \.isEstablished)
    }
}

private func covering(_ prefix: Prefix, _ table: SwitchTable, _ vrf: String) -> String? {
    let covering = table.routes.keys.filter { other in
        other != prefix && other.contains(prefix) && !other.isDefault
            && table.best(other, vrf: vrf) != nil
    }
    return covering.max { $0.length < $1.length }.map { "only \($0)" }
}

private func finding(
    _ kind: Kind,
    _ path: JudgedPath,
    _ facts: SwitchFacts,
    _ what: String,
    _ since: Timestamp,
    _ readAt: Timestamp
) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let uplink = path.carrying.first { $0.switchName == facts.name }?.uplink ?? ""
    return Finding(
        kind,
        node: node,
        prefix: prefix,
        switchName: facts.name,
        what: what,
        evidence: [
            Evidence("agent \(node)", "export \(uplink)", "sent, session Established", at: since),
            Evidence("switch \(facts.name)", "RIB \(prefix)", what, at: readAt),
        ],
        verify: [Verification(on: facts.name, "show ip route \(prefix)")]
    )
}

func unreadableReason<Value>(_ readings: Readings<Value>, at now: Timestamp) -> String {
    switch readings.freshness(at: now) {
    case .neverSeen: readings.failure.map { "not read yet: \($0.reason)" } ?? "not read yet"
    case .stale(let reason): "not readable: \(reason)"
    case .fresh: "fresh"
    }
}

// MARK: - Routes nobody owns

/// A CIDR inside the pod supernets that no node owns, in two reads of a switch. Aggregates above
/// owned CIDRs and host routes inside them are other matters; a CIDR that a drifted BIRD announces
/// belongs to the drift.
func staleRouteFindings(in world: World) -> [Finding] {
    guard !world.intents.isEmpty else { return [] }
    let drifted = driftedPrefixes(in: world)
    let owned = Array(world.owners.prefixes)
    return world.snapshot.switches.values.sorted { $0.name < $1.name }.flatMap { facts in
        guard let table = facts.readings.current(at: world.now) else { return [Finding]() }
        let strangers = table.routes.keys.filter { prefix in
            world.isInsideSupernets(prefix) && !world.snapshot.podSupernets.contains(prefix)
                && !owned.contains { $0.overlaps(prefix) } && !drifted.contains(prefix)
                && facts.readings.confirmed { $0.best(prefix, vrf: facts.vrf) != nil }
        }
        return strangers.sorted().map { staleFinding($0, table, facts, in: world) }
    }
}

private func driftedPrefixes(in world: World) -> Set<Prefix> {
    var drifted = Set<Prefix>()
    for (name, node) in world.intents {
        guard let facts = world.snapshot.nodes[name] else { continue }
        let statics = facts.birds.values.flatMap(\.statics).map(\.prefix)
        guard !statics.isEmpty, !node.podCIDRs.contains(where: statics.contains) else { continue }
        drifted.formUnion(statics.filter { !node.podCIDRs.contains($0) })
    }
    return drifted
}

private func staleFinding(
    _ prefix: Prefix,
    _ table: SwitchTable,
    _ facts: SwitchFacts,
    in world: World
) -> Finding {
    let hops = table.best(prefix, vrf: facts.vrf)?.nextHops ?? []
    let owners = Set(hops.compactMap { world.addressOwners[$0] }).sorted()
    let via = hops.map(\.description).joined(separator: ", ")
    let by = owners.isEmpty ? "" : " (\(owners.joined(separator: ", ")))"
    return Finding(
        .switchRouteStale,
        prefix: prefix,
        switchName: facts.name,
        what: "via \(via)\(by)",
        evidence: [
            Evidence(
                "switch \(facts.name)",
                "RIB \(prefix)",
                "via \(via)\(by)",
                at: facts.readings.latest?.at
            )
        ],
        verify: [Verification(on: facts.name, "show ip route \(prefix)")]
    )
}
