// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Stands for "in no pod CIDR" among the keys of members.
private let unowned = Prefix(host: IPAddress(family: .ipv4, bits: 0))

/// A snapshot with the look-ups that rules share.
struct World {
    private(set) var snapshot: Snapshot
    private(set) var now: Timestamp
    /// Nodes that should exist, by name; empty while intent is not known.
    let intents: [String: NodeIntent]
    /// Who owns a pod CIDR.
    let owners: PrefixMap<String>
    /// Nodes with each of their pod CIDRs, in order.
    let paths: [(node: NodeIntent, prefix: Prefix)]
    let owned: PrefixSet
    private let addressesByNode: [String: Set<IPAddress>]
    /// Whose address a next hop is.
    let addressOwners: [IPAddress: String]
    /// Switch names by the address BIRD knows them by.
    let switchByNeighbor: [IPAddress: String]
    /// Some session moved so often that it may flap.
    let mayFlap: Bool
    /// Some node has lost routes to pods.
    let hasLostPods: Bool
    /// Addresses of ready pods; known only where some node has lost routes to pods.
    let readyPods: Set<IPAddress>
    /// When most sessions of a switch moved at once, by its name.
    let sharedMoments: [String: [SharedMoment]]
    /// By name, in order.
    let switches: [SwitchFacts]
    /// Of the switches of which something is fresh.
    private(set) var sights: [String: SwitchSight]

    /// Pool members of each load balancer's active unit, by the pod CIDR they lie in.
    private let membersByCIDR: [String: [Prefix: [PoolMember]]]

    /// CIDRs with a member that is up, by load balancer.
    private let aliveCIDRs: [String: Set<Prefix>]
    /// Members and virtual servers of each load balancer's active unit, by pool.
    private let membersByPool: [String: [String: LoadBalancerPool]]
    private let serversByPool: [String: [String: [VirtualServer]]]

    private let wideIPsByServer: [String: [String: [WideIP]]]
    /// Why members of a load balancer may not be known, by its name.
    let gaps: [String: String]

    /// How each load balancer's units reach pod CIDRs.
    let routeSights: [String: RouteSights]

    init(_ snapshot: Snapshot, now: Timestamp) {
        self.snapshot = snapshot
        self.now = now
        intents = snapshot.intent.latest?.value ?? [:]
        owners = Self.owners(of: intents)
        paths = intents.values.sorted { $0.name < $1.name }.flatMap { node in
            node.podCIDRs.sorted().map { (node, $0) }
        }
        owned = PrefixSet(owners.prefixes)
        let addresses = intents.mapValues { Self.addresses(of: $0, snapshot) }
        addressesByNode = addresses
        addressOwners = Self.addressOwners(of: addresses)
        var switches: [IPAddress: String] = [:]
        for facts in snapshot.switches.values.sorted(by: { $0.name > $1.name }) {
            for neighbor in facts.neighbors { switches[neighbor] = facts.name }
        }
        switchByNeighbor = switches
        mayFlap = Self.mayFlap(snapshot)
        hasLostPods = snapshot.nodes.values.contains { $0.history.podSweep != nil }
        readyPods = hasLostPods ? Self.readyPods(snapshot) : []
        sharedMoments = mayFlap ? Self.sharedMoments(snapshot, switches) : [:]
        self.switches = snapshot.switches.values.sorted { $0.name < $1.name }
        sights = snapshot.switches.compactMapValues { SwitchSight($0, at: now) }
        let owners = owners
        let units = snapshot.loadBalancers.compactMapValues { $0.activeUnit(at: now) }
        let pools = units.mapValues { unit in
            unit.latest?.value.pools(at: now, staleAfter: unit.staleAfter) ?? [:]
        }
        membersByCIDR = pools.mapValues { Self.membersByCIDR($0, owners) }
        aliveCIDRs = membersByCIDR.mapValues { groups in
            Set(groups.filter { $0.value.contains { $0.isUp == true } }.keys)
        }
        routeSights = snapshot.loadBalancers.mapValues { RouteSights($0, at: now) }
        membersByPool = pools
        serversByPool = units.mapValues { unit in
            Dictionary(grouping: unit.latest?.value.virtualServers ?? [], by: { $0.pool ?? "" })
        }
        wideIPsByServer = units.mapValues { Self.byServer($0.latest?.value.wideIPs ?? []) }
        gaps = units.compactMapValues { $0.latest?.value.gap }
        let several = sights.filter { usesSeveralPaths($0.value) }.map(\.key)
        for name in several { sights[name]?.usesSeveralPaths = true }
    }

    /// The same site, later: whatever is kept here of it has not changed.
    mutating func advance(to snapshot: Snapshot, now: Timestamp) {
        (self.snapshot, self.now) = (snapshot, now)
        for name in sights.keys { sights[name]?.now = now }
    }

    private static func readyPods(_ snapshot: Snapshot) -> Set<IPAddress> {
        guard let cluster = snapshot.kubernetes, cluster.endpointSlices.isComplete
        else { return [] }
        return Set(cluster.endpoints.values.flatMap(\.ready.values).flatMap(\.keys).map(\.address))
    }

    private static func membersByCIDR(
        _ pools: [String: LoadBalancerPool],
        _ owners: PrefixMap<String>
    ) -> [Prefix: [PoolMember]] {
        let members = pools.sorted { $0.key < $1.key }.flatMap(\.value.members)
        return Dictionary(grouping: members.filter { $0.address != nil }) { member in
            member.address.flatMap { owners.longestMatch($0)?.prefix } ?? unowned
        }
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

    /// How many pod CIDRs have members on it.
    func cidrCount(of loadBalancer: String) -> Int {
        (membersByCIDR[loadBalancer] ?? [:]).count { $0.key != unowned }
    }

    func members(of loadBalancer: String, in prefix: Prefix) -> [PoolMember] {
        membersByCIDR[loadBalancer]?[prefix] ?? []
    }

    func members(of loadBalancer: String, inPool pool: String) -> [PoolMember] {
        membersByPool[loadBalancer]?[pool]?.members ?? []
    }

    /// The virtual servers that send to a pool.
    func virtualServers(of loadBalancer: String, before pool: String) -> [VirtualServer] {
        serversByPool[loadBalancer]?[pool] ?? []
    }

    /// The wide IPs that lead to a virtual server.
    func wideIPs(of loadBalancer: String, before server: String) -> [WideIP] {
        wideIPsByServer[loadBalancer]?[server] ?? []
    }

    /// Whether any member outside `prefix` is up.
    func isUpElsewhere(than prefix: Prefix, on loadBalancer: String) -> Bool {
        let alive = aliveCIDRs[loadBalancer] ?? []
        return alive.count > (alive.contains(prefix) ? 1 : 0)
    }

    private static func owners(of intents: [String: NodeIntent]) -> PrefixMap<String> {
        var owners = PrefixMap<String>()
        for (name, intent) in intents.sorted(by: { $0.key > $1.key }) {
            for prefix in intent.podCIDRs { owners[prefix] = name }
        }
        return owners
    }

    /// Where two nodes claim an address it is the first one's, in any process.
    private static func addressOwners(
        of nodes: [String: Set<IPAddress>]
    ) -> [IPAddress: String] {
        var owners: [IPAddress: String] = [:]
        for (name, addresses) in nodes.sorted(by: { $0.key > $1.key }) {
            for address in addresses { owners[address] = name }
        }
        return owners
    }

    /// Whether any owned CIDR has several next hops, all of its owner.
    private func usesSeveralPaths(_ sight: SwitchSight) -> Bool {
        sight.table.routes.contains { prefix, routes in
            guard routes.contains(where: { $0.nextHops.count > 1 }), let owner = owners[prefix],
                let best = sight.best(prefix), best.nextHops.count > 1
            else { return false }
            return best.nextHops.allSatisfy { addressOwners[$0] == owner }
        }
    }

    /// Switches that a session of the node leads to; nil while that is not known.
    func switchesFaced(by node: String) -> Set<String>? {
        guard let facts = snapshot.nodes[node] else { return nil }
        let faced = Set(facts.sessions.compactMap { switchName(of: $0) })
        return faced.isEmpty ? nil : faced
    }

    var sightsInOrder: [SwitchSight] { switches.compactMap { sights[$0.name] } }

    /// A node may announce with any of its addresses, its router id included (facts: aliases).
    func addresses(of node: String) -> Set<IPAddress> { addressesByNode[node] ?? [] }

    static func addresses(of node: NodeIntent, _ snapshot: Snapshot) -> Set<IPAddress> {
        let facts = snapshot.nodes[node.name]
        let ids = facts?.birds.values.compactMap(\.routerID) ?? []
        let own = facts?.kernel.addresses.map(\.address).filter { address in
            !snapshot.podSupernets.contains { $0.contains(address) }
        }
        return Set(node.addresses + ids + (own ?? []))
    }

    /// A node's facts, or why they may not be believed now.
    func facts(of node: String) -> (facts: NodeFacts?, reason: String) {
        guard let facts = snapshot.nodes[node] else { return (nil, "no agent has reported yet") }
        let age = now - facts.lastHeard
        if age <= snapshot.agentStaleAfter, facts.connection == .connected { return (facts, "") }
        switch facts.connection {
        case .connected: return (nil, "agent silent")
        case .left: return (nil, "agent stopped")
        case .lost(let reason):
            // A reconnect within the patience of a silent agent unsettles nothing.
            return age <= snapshot.agentStaleAfter
                ? (facts, "") : (nil, "agent lost: \(reason)")
        }
    }

    /// The agent that reports from the node under a name that is no node's: its host name, or that with a domain.
    func misnamedAgent(of node: String) -> String? {
        let addresses = Set(intents[node]?.addresses ?? [])
        let short = node.prefix { $0 != "." }
        return snapshot.nodes.filter { intents[$0.key] == nil }.sorted { $0.key < $1.key }.first {
            name,
            facts in
            name.prefix { $0 != "." } == short
                || facts.kernel.addresses.contains { addresses.contains($0.address) }
        }?.key
    }

    /// The sessions that are uplinks: those to configured switches, or all where none is known.
    func uplinks(of facts: NodeFacts) -> [BGPSession] {
        let sessions = facts.sessions
        let known = sessions.filter { switchName(of: $0) != nil }
        return known.isEmpty ? sessions : known
    }

    func switchName(of session: BGPSession) -> String? {
        session.neighbor.flatMap { switchByNeighbor[$0] }
    }

    func isInsideSupernets(_ prefix: Prefix) -> Bool {
        snapshot.podSupernets.contains { $0.contains(prefix) }
    }
}
