// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What a cause takes down: its CIDRs, their nodes, and the pool members and virtual servers in
/// them on every load balancer's active unit.
func impact(of group: CauseGroup, in world: World) -> Impact {
    var impact = Impact()
    impact.prefixes = group.prefixes
    impact.nodes = group.nodes
    // Where single members are down the others of their CIDRs are none of it.
    let isScattered = group.kind == .ltmMembersDown
    for facts in world.snapshot.loadBalancers.values.sorted(by: { $0.name < $1.name }) {
        let members = group.prefixes.flatMap { world.members(of: facts.name, in: $0) }
            .filter { !isScattered || $0.isUp == false }
        impact.poolMembers += members.count
        let findings = group.findings.filter { $0.loadBalancer == facts.name }
        let named = group.prefixes.isEmpty ? findings.compactMap(\.pool) : []
        let pools = Set(members.map(\.pool)).union(named)
        impact.pools += pools.sorted()
        let before = pools.flatMap { world.virtualServers(of: facts.name, before: $0) }.map(\.name)
        let servers = Set(findings.compactMap(\.virtualServer) + before).sorted()
        impact.virtualServers += servers
        let wideIPs = servers.flatMap { world.wideIPs(of: facts.name, before: $0) }.map(\.domain)
        impact.wideIPs += Set(wideIPs + findings.compactMap(\.wideIP)).sorted()
        impact.capacity += capacity(
            of: facts.name,
            behind: pools,
            without: isScattered ? [] : group.prefixes,
            in: world
        )
    }
    impact.capacity = Array(impact.capacity.sorted(by: isTighter).prefix(capacityLimit))
    if hasAnotherWay(group, in: world) { impact.hasAnotherWay = true }
    return impact
}

/// Of what breaks at one switch of several, or towards it.
func hasAnotherWay(_ group: CauseGroup, in world: World) -> Bool {
    switch group.kind {
    case .switchRouteMissing, .switchWrongNextHop:
        return !switchesHaving(group, in: world).isEmpty
    case .switchNeighborMissing, .switchPrefixLimit, .sessionDown:
        return !group.nodes.isEmpty
            && group.nodes.allSatisfy { isUp($0, without: group.uplinks, in: world) }
    default: return false
    }
}

private func isUp(_ node: String, without uplinks: [String], in world: World) -> Bool {
    world.snapshot.nodes[node]?.birds.values.contains { bird in
        bird.sessions.values.contains { $0.isEstablished && !uplinks.contains($0.name) }
    } ?? false
}

/// More a message does not need, and an API's reader asks the load balancer.
private let capacityLimit = 20

private func isTighter(_ left: Capacity, _ right: Capacity) -> Bool {
    // As shares, without division: a/b < c/d where a·d < c·b.
    let (one, other) = (left.remaining * right.members, right.remaining * left.members)
    return (one, left.virtualServer) < (other, right.virtualServer)
}

private func capacity(
    of loadBalancer: String,
    behind pools: Set<String>,
    without prefixes: [Prefix],
    in world: World
) -> [Capacity] {
    let lost = PrefixSet(prefixes)
    return pools.flatMap { pool -> [Capacity] in
        let servers = world.virtualServers(of: loadBalancer, before: pool)
        guard !servers.isEmpty else { return [] }
        let members = world.members(of: loadBalancer, inPool: pool)
        let remaining = members.count { member in
            member.isUp == true
                && !(member.address.map { lost.overlaps(Prefix(host: $0)) } ?? false)
        }
        return servers.map {
            Capacity(virtualServer: $0.name, remaining: remaining, members: members.count)
        }
    }
}
