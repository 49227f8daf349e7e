// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

func judgeRoute(
    _ path: inout JudgedPath,
    _ route: SwitchRoute,
    _ sight: SwitchSight,
    _ expected: Set<IPAddress>,
    in world: World
) {
    guard expected.isEmpty || isRight(route, expected) else {
        return judgeWrongHop(&path, route, sight, expected, in: world)
    }
    let found = text(route)
    guard let wanted = pathsLacking(path, route, sight) else {
        let detail = "via \(found), \(route.protocolName)"
        path.add(
            StageResult(.switchRIB, at: sight.name, .ok, detail: detail, readAt: sight.readAt)
        )
        return
    }
    add(&path, sight, wrong: "\(wanted) next hops", "\(route.nextHops.count): \(found)")
    let prefix = path.trace.prefix
    let isConfirmed = sight.confirmed(prefix) {
        $0.best(prefix, vrf: sight.vrf).map { $0.nextHops.count < wanted } ?? false
    }
    guard isConfirmed, let since = rootSince(path, sight, expected) else { return }
    let lacking = nextHops(path, sight, in: world).subtracting(route.nextHops).sorted()
    let isKnown = lacking.count == wanted - route.nextHops.count
    let rest = isKnown ? ", not \(lacking.map(\.description).joined(separator: ", "))" : ""
    let what =
        "switch \(sight.name) uses \(route.nextHops.count) of \(wanted) next hops: \(found)\(rest)"
    path.findings.append(finding(.switchPartialPaths, path, sight, what, since))
}

private func isRight(_ route: SwitchRoute, _ expected: Set<IPAddress>) -> Bool {
    !route.nextHops.isEmpty && expected.isSuperset(of: route.nextHops)
}

/// How many next hops it should have, if it has fewer: one for each uplink to this switch. A switch
/// that was never seen to use several is configured for one (NX-OS and FRR differ in their defaults).
private func pathsLacking(_ path: JudgedPath, _ route: SwitchRoute, _ sight: SwitchSight) -> Int? {
    guard route.nextHops.count < path.carrying.count(where: { $0.switchName == sight.name }) else {
        return nil
    }
    let uplinks = Set(path.carrying.filter { $0.switchName == sight.name }.map(\.uplink)).count
    let isExpected =
        switch sight.facts.pathsExpected {
        case .any: false
        case .all: true
        case .seen:
            sight.usesSeveralPaths || sight.usedSeveralPaths(to: path.trace.prefix)
        }
    return isExpected && route.nextHops.count < uplinks ? uplinks : nil
}

/// The node's addresses on the uplinks that carry it to this switch.
private func nextHops(
    _ path: JudgedPath,
    _ sight: SwitchSight,
    in world: World
) -> Set<IPAddress> {
    guard let facts = world.snapshot.nodes[path.trace.node] else { return [] }
    let uplinks = Set(path.carrying.filter { $0.switchName == sight.name }.map(\.uplink))
    let sessions = facts.birds.values.flatMap(\.sessions.values).filter {
        uplinks.contains($0.name)
    }
    return Set(sessions.flatMap { world.addresses(towards: $0, facts) }.map(\.address))
}

extension SwitchSight {
    static let severalMemory: Int64 = 86_400_000

    /// Within the last day: what was changed on purpose is forgotten by then.
    fileprivate func usedSeveralPaths(to prefix: Prefix) -> Bool {
        guard way == .polled, let seen = view.histories[prefix]?.severalSeenAt else { return false }
        return now - seen < Self.severalMemory
    }
}

private func judgeWrongHop(
    _ path: inout JudgedPath,
    _ route: SwitchRoute,
    _ sight: SwitchSight,
    _ expected: Set<IPAddress>,
    in world: World
) {
    blameForLoss(&path, sight)
    let found = text(route)
    let wanted = expected.sorted().map(\.description).joined(separator: " or ")
    add(&path, sight, wrong: wanted, found)
    let prefix = path.trace.prefix
    let isConfirmed = sight.confirmed(prefix) {
        $0.best(prefix, vrf: sight.vrf).map { !isRight($0, expected) } ?? false
    }
    guard isConfirmed, let since = rootSince(path, sight, expected) else { return }
    let strangers = Set(route.nextHops.compactMap { world.addressOwners[$0] })
        .subtracting([path.trace.node]).sorted().prefix(3)
    let whose = strangers.isEmpty ? "no node's" : strangers.joined(separator: ", ") + "'s"
    var what = "switch \(sight.name) sends it to \(found)"
    if !route.nextHops.isEmpty { what += " (\(whose))" }
    if let hidden = sight.table.hidden(prefix, vrf: sight.vrf).first(where: {
        isRight($0, expected)
    }) {
        what +=
            ": its \(route.protocolName) route hides \(hidden.protocolName)'s via \(text(hidden))"
    }
    var finding = finding(.switchWrongNextHop, path, sight, what, since, expected: expected)
    if !strangers.isEmpty { finding.announced = (prefix, Array(strangers.prefix(1))) }
    path.findings.append(finding)
}

/// A route without a gateway leads to a device or to nothing.
private func text(_ route: SwitchRoute) -> String {
    switch route.nextHops.count {
    case 0: "no next hop (\(route.protocolName))"
    case 1: route.nextHops[0].description
    default: route.nextHops.map(\.description).joined(separator: ", ")
    }
}

private func add(
    _ path: inout JudgedPath,
    _ sight: SwitchSight,
    wrong expected: String,
    _ found: String
) {
    let state = StageState.wrong(expected: expected, found: found)
    path.add(StageResult(.switchRIB, at: sight.name, state, readAt: sight.readAt))
}
