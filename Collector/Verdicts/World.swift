// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A snapshot with the look-ups that rules share.
struct World {
    private(set) var snapshot: Snapshot
    private(set) var now: Timestamp
    /// Nodes that should exist, by name; empty while intent is not known.
    let intents: [String: NodeIntent]
    /// Their names, in order.
    let nodes: [String]
    /// Who owns a pod CIDR.
    let owners: OwnedCIDRs
    /// Nodes with each of their pod CIDRs, in order.
    let paths: [(node: String, prefix: Prefix)]
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
    private(set) var switches: [SwitchFacts] = []
    /// Of each switch, in order; nil where nothing of it is fresh.
    private(set) var sightsInOrder: [SwitchSight?] = []
    /// By name, in order.
    private(set) var loadBalancers: [LoadBalancerSight] = []

    init(_ snapshot: Snapshot, now: Timestamp) {
        self.snapshot = snapshot
        self.now = now
        intents = snapshot.intent.latest?.value ?? [:]
        nodes = intents.keys.sorted()
        paths = Self.paths(of: nodes, intents)
        owners = OwnedCIDRs(paths)
        owned = PrefixSet(owners.prefixes)
        let nodesSeen = NodesSeen(intents, snapshot)
        addressesByNode = nodesSeen.addresses
        addressOwners = Self.addressOwners(of: nodes, addressesByNode)
        var switches: [IPAddress: String] = [:]
        for facts in snapshot.switches.values.sorted(by: { $0.name > $1.name }) {
            for neighbor in facts.neighbors { switches[neighbor] = facts.name }
        }
        switchByNeighbor = switches
        (mayFlap, hasLostPods) = (nodesSeen.mayFlap, nodesSeen.hasLostPods)
        readyPods = hasLostPods ? Self.readyPods(snapshot) : []
        sharedMoments = mayFlap ? Self.sharedMoments(snapshot, switches) : [:]
        readDevices()
    }

    /// Looks at all switches and load balancers anew.
    mutating func readDevices() {
        let (owners, addressOwners, now) = (owners, addressOwners, now)
        switches = snapshot.switches.values.sorted { $0.name < $1.name }
        sightsInOrder = switches.map { SwitchSight($0, owners, addressOwners, at: now) }
        loadBalancers = snapshot.loadBalancers.values.sorted { $0.name < $1.name }
            .map { LoadBalancerSight($0, owners, at: now) }
    }

    /// The same site, later: whatever is kept here of it has not changed.
    mutating func advance(to snapshot: Snapshot, now: Timestamp) {
        (self.snapshot, self.now) = (snapshot, now)
        sightsInOrder = sightsInOrder.map { $0.map { SwitchSight($0, at: now) } }
    }

    private static func readyPods(_ snapshot: Snapshot) -> Set<IPAddress> {
        guard let cluster = snapshot.kubernetes, cluster.endpointSlices.isComplete
        else { return [] }
        return Set(cluster.endpoints.values.flatMap(\.ready.values).flatMap(\.keys).map(\.address))
    }

    private static func paths(
        of nodes: [String],
        _ intents: [String: NodeIntent]
    ) -> [(node: String, prefix: Prefix)] {
        var paths: [(node: String, prefix: Prefix)] = []
        for node in nodes {
            for prefix in (intents[node]?.podCIDRs ?? []).sorted() { paths.append((node, prefix)) }
        }
        return paths
    }

    /// Where two nodes claim an address it is the first one's, in any process.
    private static func addressOwners(
        of nodes: [String],
        _ addresses: [String: Set<IPAddress>]
    ) -> [IPAddress: String] {
        var owners: [IPAddress: String] = [:]
        for name in nodes.reversed() {
            for address in addresses[name] ?? [] { owners[address] = name }
        }
        return owners
    }

    /// What is seen of a load balancer.
    func sight(of loadBalancer: String) -> LoadBalancerSight? {
        loadBalancers.first { $0.name == loadBalancer }
    }

    func members(of loadBalancer: String, in prefix: Prefix) -> [PoolMember] {
        sight(of: loadBalancer)?.index.members(in: prefix) ?? []
    }

    func members(of loadBalancer: String, inPool pool: String) -> [PoolMember] {
        sight(of: loadBalancer)?.members(inPool: pool) ?? []
    }

    /// The virtual servers that send to a pool.
    func virtualServers(of loadBalancer: String, before pool: String) -> [VirtualServer] {
        sight(of: loadBalancer)?.virtualServers(before: pool) ?? []
    }

    /// The wide IPs that lead to a virtual server.
    func wideIPs(of loadBalancer: String, before server: String) -> [WideIP] {
        sight(of: loadBalancer)?.wideIPs(before: server) ?? []
    }

    /// Of the switches of which something is fresh, in order.
    var sights: [SwitchSight] { sightsInOrder.compactMap(\.self) }

    /// What is seen of a switch; nil where nothing of it is fresh.
    func sight(ofSwitch name: String) -> SwitchSight? {
        sightsInOrder.lazy.compactMap(\.self).first { $0.name == name }
    }

    /// A node may announce with any of its addresses, its router id included (facts: aliases).
    func addresses(of node: String) -> Set<IPAddress> { addressesByNode[node] ?? [] }

    static func addresses(of node: NodeIntent, _ snapshot: Snapshot) -> Set<IPAddress> {
        let told = snapshot.nodes[node.name]?.ownAddresses(outside: snapshot.podSupernets) ?? []
        return Set(node.addresses + told)
    }

    /// Why what a node's agent told may not be believed now; nil if it may.
    func doubt(of told: NodeFacts?) -> String? {
        guard let heard = told?.lastHeard, let connection = told?.connection else {
            return "no agent has reported yet"
        }
        let age = now - heard
        if age <= snapshot.agentStaleAfter, connection == .connected { return nil }
        switch connection {
        case .connected: return "agent silent"
        case .left: return "agent stopped"
        case .lost(let reason):
            // A reconnect within the patience of a silent agent unsettles nothing.
            return age <= snapshot.agentStaleAfter ? nil : "agent lost: \(reason)"
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

    func switchName(of session: BGPSession) -> String? {
        session.neighbor.flatMap { switchByNeighbor[$0] }
    }

    func isInsideSupernets(_ prefix: Prefix) -> Bool {
        snapshot.podSupernets.contains { $0.contains(prefix) }
    }
}

/// What is asked of every node that an agent tells of, in one go: a fleet is thousands.
private struct NodesSeen {
    /// All that each node which should exist may announce with.
    private(set) var addresses: [String: Set<IPAddress>]
    private(set) var mayFlap = false
    private(set) var hasLostPods = false

    init(_ intents: [String: NodeIntent], _ snapshot: Snapshot) {
        addresses = intents.mapValues { Set($0.addresses) }
        for (name, facts) in snapshot.nodes {
            if facts.history.mayFlap { mayFlap = true }
            if facts.history.podSweep != nil { hasLostPods = true }
            let own = facts.ownAddresses(outside: snapshot.podSupernets)
            if !own.isEmpty { addresses[name]?.formUnion(own) }
        }
    }
}

extension NodeFacts {
    /// Its router ids, and what its uplinks have; no pods'.
    fileprivate func ownAddresses(outside supernets: [Prefix]) -> [IPAddress] {
        var all: [IPAddress] = []
        for bird in birds.values {
            if let id = bird.routerID { all.append(id) }
        }
        for link in kernel.addresses
        where !supernets.contains(where: { $0.contains(link.address) }) {
            all.append(link.address)
        }
        return all
    }
}
