// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// The load balancer's stages of one path, per load balancer, in this order:
/// 1. not read, stale, no active unit → unknown;
/// 2. no usable route covers all of the CIDR in two reads → ltm-route-missing;
/// 3. no member inside the CIDR → not checked: nothing is exposed there;
/// 4. every monitored member down while others are up and nothing earlier fails → ltm-cidr-down;
/// 5. some members down → ltm-members-down, judged over all CIDRs: the application's business.
func judgeLoadBalancers(_ path: inout JudgedPath, in world: World) {
    guard !world.snapshot.loadBalancers.isEmpty else {
        path.add(StageResult(.ltmRoute, .notChecked))
        path.add(StageResult(.member, .notChecked))
        path.add(StageResult(.virtualServer, .notChecked))
        return
    }
    for facts in world.snapshot.loadBalancers.values.sorted(by: { $0.name < $1.name }) {
        guard let unit = facts.activeUnit(at: world.now), let read = unit.latest else {
            let reason = unreadableReason(facts, at: world.now)
            path.add(StageResult(.ltmRoute, at: facts.name, .unknown(reason: reason)))
            path.add(StageResult(.member, at: facts.name, .unknown(reason: reason)))
            path.add(StageResult(.virtualServer, at: facts.name, .unknown(reason: reason)))
            continue
        }
        judgeRoute(&path, facts, read, in: world)
        judgeMembers(&path, facts, unit, read, in: world)
        let members = world.members(of: facts.name, in: path.trace.prefix)
        judgeVirtualServers(&path, facts, read, members, in: world)
    }
}

private func unreadableReason(_ facts: LoadBalancerFacts, at now: Timestamp) -> String {
    let units = facts.units.sorted { $0.key < $1.key }.map(\.value)
    guard let unread = units.first(where: { $0.freshness(at: now) != .fresh }) else {
        return units.isEmpty ? "no unit is configured" : "no unit is active"
    }
    return unreadableReason(unread, at: now)
}

// MARK: - Route

private func judgeRoute(
    _ path: inout JudgedPath,
    _ facts: LoadBalancerFacts,
    _ read: Read<LoadBalancerTable>,
    in world: World
) {
    let prefix = path.trace.prefix
    guard facts.podsVia.isByRoute else {
        path.add(StageResult(.ltmRoute, at: facts.name, .notChecked))
        return
    }
    guard let sight = world.routeSights[facts.name]?.active else { return }
    let state = sight.latest.state(of: prefix)
    guard state.isBroken else {
        let detail = sight.latest.usable(prefix)
        path.add(StageResult(.ltmRoute, at: facts.name, state, detail: detail, readAt: read.at))
        return
    }
    guard sight.previous?.state(of: prefix).isBroken ?? false else {
        let reason = "not usable in the last read, the next must agree"
        path.add(
            StageResult(.ltmRoute, at: facts.name, .unknown(reason: reason), readAt: read.at)
        )
        return
    }
    path.add(StageResult(.ltmRoute, at: facts.name, state, readAt: read.at))
    let what = problem(state)
    path.cut(
        Finding(
            .ltmRouteMissing,
            node: path.trace.node,
            prefix: prefix,
            loadBalancer: facts.name,
            what: what,
            evidence: [Evidence(facts.name, "route for \(prefix)", what, at: read.at)],
            verify: [Verification(on: world.device(of: facts.name), "tmsh show net route")]
        )
    )
}

private func problem(_ state: StageState) -> String {
    if case .wrong(_, let found) = state { return found }
    return "no route covers it"
}

// MARK: - Members

private func judgeMembers(
    _ path: inout JudgedPath,
    _ facts: LoadBalancerFacts,
    _ unit: Readings<LoadBalancerTable>,
    _ read: Read<LoadBalancerTable>,
    in world: World
) {
    let prefix = path.trace.prefix
    let members = world.members(of: facts.name, in: prefix)
    let (up, down) = (members.count { $0.isUp == true }, members.filter { $0.isUp == false })
    guard !members.isEmpty else {
        // Of what could not be read nobody knows whether it has some.
        let state = world.gaps[facts.name].map { StageState.unknown(reason: $0) } ?? .notChecked
        path.add(StageResult(.member, at: facts.name, state, detail: "no pods exposed"))
        return
    }
    path.add(
        StageResult(
            .member,
            at: facts.name,
            memberState(members, up: up, down: down.count),
            detail: "\(up) of \(members.count) up",
            readAt: read.at
        )
    )
    // Whatever the switches say wrongly explains members that are down behind them.
    guard !path.isCut, !path.isLostOnSwitch, !down.isEmpty else { return }
    let isWholeCIDR =
        isWholeCIDRDown(members) && world.isUpElsewhere(than: prefix, on: facts.name)
    // A whole CIDR is the network's business, and only what is known to hold acquits it.
    guard !isWholeCIDR || path.holdsToTheSwitches else { return }
    // A member dies on its monitor's time-out, and is believed one read later.
    let hold = read.value.monitorTimeout + unit.staleAfter / 3
    let kind: Kind = isWholeCIDR ? .ltmCIDRDown : .ltmMembersDown
    // What is lost with one uplink of several is that uplink's, though the CIDR has another way.
    guard
        !path.findings.contains(where: {
            $0.severity == .critical || $0.kind == .sessionDown && !isWholeCIDR
        })
    else { return }
    path.findings.append(
        Finding(
            kind,
            node: path.trace.node,
            prefix: prefix,
            loadBalancer: facts.name,
            pool: Set(down.map(\.pool)).count == 1 ? down.first?.pool : nil,
            what: "\(down.count) of \(members.count) members down",
            evidence: down.sorted { ($0.pool, $0.port) < ($1.pool, $1.port) }.prefix(5).map {
                Evidence(
                    facts.name,
                    "\($0.pool) \($0.address.map(\.description) ?? ""):\($0.port)",
                    "\($0.monitor): \($0.reason)",
                    at: read.at
                )
            },
            verify: down.prefix(1).map {
                Verification(
                    on: world.device(of: facts.name),
                    "tmsh show ltm pool \($0.pool) members"
                )
            },
            hold: hold
        )
    )
}

extension JudgedPath {
    /// Every stage up to the switches is known to hold, on one way at least.
    fileprivate var holdsToTheSwitches: Bool {
        let node = trace.states(.kernel) + trace.states(.bird)
        let switches = trace.states(.switchRIB).map(\.state)
        return node.allSatisfy { $0.state == .ok } && !carrying.isEmpty
            && (switches.contains(.ok) || switches.allSatisfy { $0 == .notChecked })
    }
}

private func memberState(_ members: [PoolMember], up: Int, down: Int) -> StageState {
    if down > 0 {
        return .wrong(expected: "\(members.count) up", found: "\(down) of \(members.count) down")
    }
    return up > 0 ? .ok : .unknown(reason: "no member has a monitor's verdict")
}

/// All monitored members inside the CIDR are down, of two pods at least: one pod is no CIDR.
private func isWholeCIDRDown(_ members: [PoolMember]) -> Bool {
    let monitored = members.filter { $0.isUp != nil }
    let downPods = Set(monitored.filter { $0.isUp == false }.compactMap(\.address))
    return downPods.count >= 2 && monitored.allSatisfy { $0.isUp == false }
}
