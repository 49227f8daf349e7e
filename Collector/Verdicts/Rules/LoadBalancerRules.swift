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
    guard !world.loadBalancers.isEmpty else {
        path.add(StageResult(.ltmRoute, .notChecked))
        path.add(StageResult(.member, .notChecked))
        path.add(StageResult(.virtualServer, .notChecked))
        return
    }
    for sight in world.loadBalancers {
        guard let readAt = sight.read?.at else {
            let reason = unreadableReason(sight.facts, at: world.now)
            path.add(StageResult(.ltmRoute, at: sight.name, .unknown(reason: reason)))
            path.add(StageResult(.member, at: sight.name, .unknown(reason: reason)))
            path.add(StageResult(.virtualServer, at: sight.name, .unknown(reason: reason)))
            continue
        }
        judgeRoute(&path, sight, readAt, in: world)
        judgeMembers(&path, sight, readAt, in: world)
        judgeVirtualServers(&path, sight, readAt)
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
    _ sight: LoadBalancerSight,
    _ readAt: Timestamp,
    in world: World
) {
    let (prefix, name) = (path.trace.prefix, sight.name)
    guard sight.facts.podsVia.isByRoute else {
        path.add(StageResult(.ltmRoute, at: name, .notChecked))
        return
    }
    guard let routes = sight.routes.active else { return }
    let (state, words) = routes.latest.look(at: prefix)
    guard state.isBroken else {
        path.add(StageResult(.ltmRoute, at: name, state, detail: words, readAt: readAt))
        return
    }
    guard routes.previous?.state(of: prefix).isBroken ?? false else {
        let reason = "not usable in the last read, the next must agree"
        path.add(StageResult(.ltmRoute, at: name, .unknown(reason: reason), readAt: readAt))
        return
    }
    path.add(StageResult(.ltmRoute, at: name, state, readAt: readAt))
    let what = problem(state)
    path.cut(
        Finding(
            .ltmRouteMissing,
            node: path.trace.node,
            prefix: prefix,
            loadBalancer: name,
            what: what,
            evidence: [Evidence(name, "route for \(prefix)", what, at: readAt)],
            verify: [
                Verification(
                    on: world.device(of: name),
                    listRoutes,
                    shows: state == .missing ? "no network that covers \(prefix)" : nil
                ),
                Verification(
                    on: world.device(of: name),
                    "tmsh show net route",
                    shows: state == .missing ? "none that covers it either" : nil
                ),
            ]
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
    _ sight: LoadBalancerSight,
    _ readAt: Timestamp,
    in world: World
) {
    let (prefix, name) = (path.trace.prefix, sight.name)
    let count = sight.index.count(in: prefix)
    guard count.all > 0 else {
        // Of what could not be read nobody knows whether it has some.
        let state = sight.gap.map { StageState.unknown(reason: $0) } ?? .notChecked
        path.add(StageResult(.member, at: name, state, detail: "no pods exposed"))
        return
    }
    path.add(
        StageResult(
            .member,
            at: name,
            memberState(count),
            detail: "\(count.up) of \(count.all) up",
            readAt: readAt
        )
    )
    // Whatever the switches say wrongly explains members that are down behind them.
    guard !path.isCut, !path.isLostOnSwitch, count.down > 0 else { return }
    judgeDownMembers(&path, sight, readAt, in: world)
}

private func judgeDownMembers(
    _ path: inout JudgedPath,
    _ sight: LoadBalancerSight,
    _ readAt: Timestamp,
    in world: World
) {
    let (prefix, name) = (path.trace.prefix, sight.name)
    let members = sight.index.members(in: prefix)
    let down = members.filter { $0.isUp == false }
    let isWholeCIDR = isWholeCIDRDown(members) && sight.index.isUpElsewhere(than: prefix)
    // A whole CIDR is the network's business, and only what is known to hold acquits it.
    guard !isWholeCIDR || path.holdsToTheSwitches else { return }
    // A member dies on its monitor's time-out, and is believed one read later.
    let hold = (sight.read?.value.monitorTimeout ?? 0) + (sight.unit?.staleAfter ?? 0) / 3
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
            loadBalancer: name,
            pool: Set(down.map(\.pool)).count == 1 ? down.first?.pool : nil,
            what:
                "\(down.count) of \(members.count) members \(down.count == 1 ? "is" : "are") down",
            evidence: down.sorted { ($0.pool, $0.port) < ($1.pool, $1.port) }
                .prefix(isWholeCIDR ? 2 : 5).map {
                    Evidence(
                        name,
                        "\($0.pool) \(socketText($0.address, $0.port))",
                        "\($0.monitor): \($0.reason)",
                        at: readAt
                    )
                } + (isWholeCIDR ? path.holding : []),
            verify: down.prefix(1).map {
                Verification(
                    on: world.device(of: name),
                    showMembers(of: $0.pool),
                    shows: "which members are down, since when, and by which monitor"
                )
            } + (isWholeCIDR ? wayBack(path, down, sight, in: world) : []),
            hold: hold
        )
    )
}

/// Whether a pod answers its own node, whether the monitor's packets come there, which way the answers take, what may
/// drop either, and what the switches forward by.
private func wayBack(
    _ path: JudgedPath,
    _ down: [PoolMember],
    _ sight: LoadBalancerSight,
    in world: World
) -> [Verification] {
    let sockets = down.compactMap { member in member.address.map { ($0, member.port) } }
    guard let (pod, port) = sockets.min(by: { $0 < $1 }) else { return [] }
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let network = sight.routes.active?.latest.network(towards: prefix)
    // Its own probes and the node's are no monitor's.
    let asking = network.map { " and net \($0)" } ?? ""
    var commands = [
        Verification(
            on: node,
            "timeout 3 bash -c '</dev/tcp/\(pod)/\(port) && echo open'",
            shows:
                "open: the pod listens, look at the way to it; refused or nothing: look at the pod"
        ),
        Verification(
            on: node,
            "timeout 20 tcpdump -n -i any -c 20 host \(pod)\(asking)",
            shows:
                "nothing: lost on the way to the node; requests alone: the node or the pod drops them;"
                + " answers that leave by no uplink: the node drops them; that do: lost on the way back"
        ),
    ]
    let switches = Set(path.carrying.compactMap(\.switchName)).sorted()
    commands += switches.prefix(2).compactMap {
        world.sight(ofSwitch: $0)?.show(prefix).showing("the CIDR, via the node")
    }
    if let address = network?.firstAddress {
        let kernel = world.snapshot.nodes[node]?.kernel
        let routes =
            (kernel?.routes(to: Prefix(host: pod)) ?? []) + (kernel?.routes(to: prefix) ?? [])
        let device = routes.lazy.flatMap(\.nextHops).compactMap(\.device).first
        let source = device.map { " from \(pod) iif \(shellWord($0))" } ?? ""
        let family = address.family == .ipv4 ? "-4" : "-6"
        commands.append(
            Verification(
                on: node,
                "ip \(family) route get \(address)\(source)",
                shows: "by which device the answers leave"
            )
        )
    }
    if prefix.family == .ipv4 {
        commands.append(
            Verification(
                on: node,
                "grep . /proc/sys/net/ipv4/conf/*/rp_filter",
                shows:
                    "1 on the device by which they come, or on all, where answers leave by another"
            )
        )
    }
    return commands
}

extension Prefix {
    /// One that somebody may have: what the network's own address is for no router tells.
    fileprivate var firstAddress: IPAddress? {
        isHost ? address : IPAddress(family: family, bits: address.bits + 1)
    }
}

extension JudgedPath {
    /// What was seen of each earlier stage that holds.
    fileprivate var holding: [Evidence] {
        let (agent, prefix) = ("agent \(trace.node)", trace.prefix)
        return trace.stages.filter { $0.state == .ok }.compactMap { seen in
            let at = seen.at ?? ""
            let (source, fact, value): (String, String, String) =
                switch seen.stage {
                case .kernel: (agent, "kernel route \(prefix)", seen.detail ?? "present")
                case .bird: (agent, "BIRD route \(prefix)", seen.detail ?? "present")
                case .export: (agent, "export \(at)", "sent, session Established")
                case .switchRIB: ("switch \(at)", "RIB \(prefix)", seen.detail ?? "has it")
                case .ltmRoute: (at, "route for \(prefix)", seen.detail ?? "has one")
                case .intent, .session, .member, .virtualServer, .gtm: ("", "", "")
                }
            return source.isEmpty ? nil : Evidence(source, fact, value, at: seen.readAt)
        }
    }

    /// Every stage up to the switches is known to hold, on one way at least.
    fileprivate var holdsToTheSwitches: Bool {
        let node = trace.states(.kernel) + trace.states(.bird)
        let switches = trace.states(.switchRIB).map(\.state)
        return node.allSatisfy { $0.state == .ok } && !carrying.isEmpty
            && (switches.contains(.ok) || switches.allSatisfy { $0 == .notChecked })
    }
}

private func memberState(_ count: MemberIndex.Count) -> StageState {
    if count.down > 0 {
        return .wrong(expected: "\(count.all) up", found: "\(count.down) of \(count.all) down")
    }
    return count.up > 0 ? .ok : .unknown(reason: "no member has a monitor's verdict")
}

/// All monitored members inside the CIDR are down, of two pods at least: one pod is no CIDR.
private func isWholeCIDRDown(_ members: [PoolMember]) -> Bool {
    let monitored = members.filter { $0.isUp != nil }
    let downPods = Set(monitored.filter { $0.isUp == false }.compactMap(\.address))
    return downPods.count >= 2 && monitored.allSatisfy { $0.isUp == false }
}
