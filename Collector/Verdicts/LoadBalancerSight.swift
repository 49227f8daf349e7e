// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What may be believed of one load balancer now, that of its active unit. A class, so that each of thousands of paths
/// is handed one reference.
final class LoadBalancerSight: Sendable {
    let facts: LoadBalancerFacts
    /// Nil where none is active.
    let unit: Readings<LoadBalancerTable>?
    let read: Read<LoadBalancerTable>?
    /// How each unit reaches pod CIDRs.
    let routes: RouteSights
    let index: MemberIndex
    /// Why some members may not be known.
    let gap: String?
    private let pools: [String: LoadBalancerPool]
    private let serversByPool: [String: [VirtualServer]]
    /// As `serversByPool`, by the pool's place in the index.
    private let serversByNumber: [[VirtualServer]]
    private let wideIPsByServer: [String: [WideIP]]

    var name: String { facts.name }

    init(_ facts: LoadBalancerFacts, _ owners: OwnedCIDRs, at now: Timestamp) {
        self.facts = facts
        let unit = facts.activeUnit(at: now)
        self.unit = unit
        read = unit?.latest
        routes = RouteSights(facts, at: now)
        let table = unit?.latest?.value
        pools = unit.flatMap { table?.pools(at: now, staleAfter: $0.staleAfter) } ?? [:]
        let index = MemberIndex(pools, owners)
        self.index = index
        gap = table?.gap
        let servers = Dictionary(grouping: table?.virtualServers ?? [], by: { $0.pool ?? "" })
        serversByPool = servers
        serversByNumber = servers.isEmpty ? [] : index.pools.map { servers[$0.name] ?? [] }
        wideIPsByServer = Self.byServer(table?.wideIPs ?? [])
    }

    private static func byServer(_ wideIPs: [WideIP]) -> [String: [WideIP]] {
        var all: [String: [WideIP]] = [:]
        for wideIP in wideIPs {
            for server in Set(wideIP.members.compactMap(\.virtualServer)) {
                all[server, default: []].append(wideIP)
            }
        }
        return all
    }

    func members(inPool pool: String) -> [PoolMember] { pools[pool]?.members ?? [] }

    /// The virtual servers that send to a pool.
    func virtualServers(before pool: String) -> [VirtualServer] { serversByPool[pool] ?? [] }

    /// Those that send to any pool with members in a CIDR, in order of their pools.
    func virtualServers(before prefix: Prefix) -> [VirtualServer] {
        guard !serversByNumber.isEmpty else { return [] }
        return index.poolNumbers(in: prefix).flatMap { serversByNumber[$0] }
    }

    /// The wide IPs that lead to a virtual server.
    func wideIPs(before server: String) -> [WideIP] { wideIPsByServer[server] ?? [] }
}
