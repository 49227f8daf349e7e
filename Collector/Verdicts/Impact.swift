// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What a cause takes down: its CIDRs, their nodes, and the pool members and virtual servers in
/// them on every load balancer's active unit.
func impact(of group: CauseGroup, in world: World) -> Impact {
    var impact = Impact()
    impact.prefixes = group.prefixes
    impact.nodes = group.nodes
    for facts in world.snapshot.loadBalancers.values.sorted(by: { $0.name < $1.name }) {
        let members = group.prefixes.flatMap { world.members(of: facts.name, in: $0) }
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
    }
    return impact
}
