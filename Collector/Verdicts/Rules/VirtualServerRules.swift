// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Virtual servers of the active unit that serve nobody, in this order:
/// 1. not down in two reads, or disabled by an operator → nothing;
/// 2. every member that is down lies in a CIDR whose way is broken, or may be, or its pool has a verdict of its
///    own that is critical → impact of that;
/// 3. → virtual-server-down; three and most of them at once → one for the load balancer.
func virtualServerFindings(
    in world: World,
    _ paths: [JudgedPath],
    _ findings: [Finding],
    isDoubted: (Prefix) -> Bool
) -> [Finding] {
    let broken = Set(
        paths.filter { path in
            path.isCut || path.isLostOnSwitch
                || path.findings.contains { $0.severity == .critical }
        }.map(\.trace.prefix)
    )
    return world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }.flatMap { facts in
        guard let unit = facts.activeUnit(at: world.now), let read = unit.latest else {
            return [Finding]()
        }
        let pools = Set(
            findings.filter { $0.loadBalancer == facts.name && $0.severity == .critical }
                .compactMap(\.pool)
        )
        let before = Set(unit.previous?.value.virtualServers.filter(\.isDown).map(\.name) ?? [])
        let down = read.value.virtualServers.filter { server in
            server.isDown && before.contains(server.name)
                && !isExplained(server, facts.name, pools, broken, in: world)
        }
        let all = read.value.virtualServers.count { $0.enabled == "enabled" }
        let isCrowd = down.count >= 3 && down.count * 5 >= all * 3
        return down.map { finding($0, facts, read, isCrowd, broken, isDoubted, in: world) }
    }
}

private func isExplained(
    _ server: VirtualServer,
    _ loadBalancer: String,
    _ pools: Set<String>,
    _ broken: Set<Prefix>,
    in world: World
) -> Bool {
    guard let pool = server.pool else { return false }
    if pools.contains(pool) { return true }
    let down = world.members(of: loadBalancer, inPool: pool).filter { $0.isUp == false }
    guard !down.isEmpty else { return false }
    return down.allSatisfy { member in
        guard let prefix = member.address.flatMap({ world.owners.longestMatch($0)?.prefix }) else {
            return false
        }
        return broken.contains(prefix)
    }
}

private func finding(
    _ server: VirtualServer,
    _ facts: LoadBalancerFacts,
    _ read: Read<LoadBalancerTable>,
    _ isCrowd: Bool,
    _ broken: Set<Prefix>,
    _ isDoubted: (Prefix) -> Bool,
    in world: World
) -> Finding {
    let members = world.members(of: facts.name, inPool: server.pool ?? "")
    let down = members.filter { $0.isUp == false }
    let place = "\(server.name) (\(server.destination.split(separator: "/").last ?? ""))"
    var what = "\(place) is offline"
    if server.address?.isEnabled == false {
        what += ": its address is disabled"
    } else if down.isEmpty {
        what += ", which no route or pod CIDR explains"
    } else {
        what += ", \(down.count) of \(members.count) members are down"
        what +=
            world.isEveryMemberDown(of: facts.name)
            ? noneUp(facts.name) : suspicion(down, broken, isDoubted, isCrowd, in: world)
    }
    var finding = Finding(
        .virtualServerDown,
        loadBalancer: facts.name,
        pool: server.pool,
        what: what,
        evidence: [Evidence(facts.name, server.name, server.reason, at: read.at)]
            + addressEvidence(server, facts, read)
            + down.prefix(3).map { member in
                Evidence(
                    facts.name,
                    "\(member.pool) \(socketText(member.address, member.port))",
                    "\(member.monitor): \(member.reason)",
                    at: read.at
                )
            },
        verify: [
            Verification(
                on: world.device(of: facts.name),
                "tmsh show ltm virtual \(server.name)",
                shows: "Availability offline, and in Reason why"
            )
        ]
            + (server.pool.map { pool in
                [
                    Verification(
                        on: world.device(of: facts.name),
                        showMembers(of: pool),
                        shows: "which members are down, and by which monitor"
                    )
                ]
            } ?? []),
        // What a root took down that has just been mended comes back with its monitors' next answers.
        hold: read.value.monitorTimeout
    )
    finding.virtualServer = server.name
    finding.isOfWhole = isCrowd
    return finding
}

extension World {
    /// Every member of every pool is known to be down.
    func isEveryMemberDown(of loadBalancer: String) -> Bool {
        sight(of: loadBalancer).map { $0.gap == nil && $0.index.areAllDown } ?? false
    }
}

func noneUp(_ loadBalancer: String) -> String {
    ", and no member of \(loadBalancer) is up: look at its own VLAN, self IP and route to the pods first"
}

/// Whose fault it may be, as far as the way to the members is known.
private func suspicion(
    _ down: [PoolMember],
    _ broken: Set<Prefix>,
    _ isDoubted: (Prefix) -> Bool,
    _ isCrowd: Bool,
    in world: World
) -> String {
    let ways = down.map { member in
        member.address.flatMap { world.owners.longestMatch($0)?.prefix }
    }
    let lost = ways.count { $0.map(broken.contains) ?? false }
    if lost > 0 { return ", \(lost) of them in pod CIDRs whose way is broken" }
    if ways.contains(where: { $0.map(isDoubted) ?? false }) {
        return "; whether the way to them is good is not all known now"
    }
    return ", which no route or pod CIDR explains"
        + (isCrowd ? "" : ": look at the application and its monitor")
}

extension PathTrace {
    /// Some stage up to the load balancer's route could not be judged.
    var isDoubted: Bool {
        stages.contains { stage in
            guard case .unknown = stage.state else { return false }
            return ![.member, .virtualServer, .gtm].contains(stage.stage)
        }
    }
}

/// What about its address keeps everybody away, whatever its members do.
private func addressEvidence(
    _ server: VirtualServer,
    _ facts: LoadBalancerFacts,
    _ read: Read<LoadBalancerTable>
) -> [Evidence] {
    guard let address = server.address, let trouble = address.trouble else { return [] }
    return [Evidence(facts.name, "address \(address.name)", trouble, at: read.at)]
}

extension VirtualAddress {
    fileprivate var trouble: String? {
        if !isEnabled { return "disabled" }
        return answersARP || isAdvertised ? nil : "answers no ARP and is not advertised"
    }
}

/// The virtual servers before pools with members in the CIDR.
func judgeVirtualServers(
    _ path: inout JudgedPath,
    _ sight: LoadBalancerSight,
    _ readAt: Timestamp
) {
    let servers = sight.virtualServers(before: path.trace.prefix)
    guard !servers.isEmpty else {
        path.add(StageResult(.virtualServer, at: sight.name, .notChecked))
        return
    }
    let down = servers.filter(\.isDown)
    let state: StageState
    if let first = down.first {
        let found = down.count == 1 ? "\(first.name) offline" : "\(down.count) offline"
        state = .wrong(expected: "available", found: found)
    } else if servers.contains(where: {
        $0.availability == "available" && $0.address?.trouble == nil
    }) {
        state = .ok
    } else if let address = servers.lazy.compactMap(\.address).first(where: { $0.trouble != nil }) {
        // As somebody has set it: many an address is routed to without either.
        state = .unknown(reason: "address \(address.name) \(address.trouble ?? "")")
    } else {
        state = .unknown(reason: servers[0].reason.isEmpty ? "no state" : servers[0].reason)
    }
    path.add(
        StageResult(
            .virtualServer,
            at: sight.name,
            state,
            detail: servers.prefix(3).map(\.name).joined(separator: ", "),
            readAt: readAt
        )
    )
}
