// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What a cause takes down: its CIDRs, their nodes, and the pool members and virtual servers in
/// them on every load balancer's active unit.
func impact(of group: CauseGroup, in world: World) -> Impact {
    var impact = Impact()
    impact.prefixes = group.prefixes
    impact.nodes = group.nodes
    for facts in world.snapshot.loadBalancers.values {
        let members = group.prefixes.flatMap { world.members(of: facts.name, in: $0) }
        impact.poolMembers += members.count
        let own = group.findings.filter { $0.loadBalancer == facts.name }.compactMap(\.pool)
        let pools = Set(members.map(\.pool)).union(group.prefixes.isEmpty ? own : [])
        impact.pools += pools.sorted()
        let servers = facts.activeUnit(at: world.now)?.latest?.value.virtualServers ?? []
        let named = group.findings.filter { $0.loadBalancer == facts.name }
            .compactMap(\.virtualServer)
        let before = servers.filter { $0.pool.map(pools.contains) ?? false }.map(\.name)
        impact.virtualServers += Set(named + before).sorted()
    }
    return impact
}
