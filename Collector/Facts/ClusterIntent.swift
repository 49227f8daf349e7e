// SPDX-License-Identifier: Apache-2.0
import Routing

extension Snapshot {
    mutating func apply(_ update: ClusterUpdate, at now: Timestamp) {
        var cluster = kubernetes ?? ClusterFacts()
        // One reference: what follows changes the collections where they are.
        kubernetes = nil
        let (wasSettled, allocatorBefore) = (cluster.isSettled, cluster.allocator)
        var touched: Set<String> = []
        switch update {
        case .nodes(let change): touched = Set(cluster.nodes.apply(change, at: now).keys)
        case .ciliumNodes(let change):
            touched = Set(cluster.ciliumNodes.apply(change, at: now).keys)
        case .blockAffinities(let change):
            for (key, old) in cluster.blockAffinities.apply(change, at: now) {
                let both = [old?.node, cluster.blockAffinities.objects[key]?.node]
                touched.formUnion(cluster.nodeNames(spelled: both.compactMap(\.self)))
            }
        case .services(let change): cluster.serve(change, at: now)
        case .endpointSlices(let change):
            let changed = cluster.endpointSlices.apply(change, at: now)
            cluster.note(changed, at: now)
        case .exposures(let change): cluster.expose(\.exposures, change, at: now)
        case .virtualServers(let change): cluster.expose(\.virtualServers, change, at: now)
        case .transportServers(let change): cluster.expose(\.transportServers, change, at: now)
        case .controllers(let change): cluster.controllers.apply(change, at: now)
        case .ciliumSettings(let change): cluster.ciliumSettings.apply(change, at: now)
        case .masqueradeAgents(let change): cluster.masqueradeAgents.apply(change, at: now)
        }
        kubernetes = cluster
        guard intentSource == .kubernetes, cluster.isSettled else { return }
        let isSame = wasSettled && allocatorBefore == cluster.allocator
        intend(isSame ? touched : nil, cluster, at: now)
    }

    /// What the named nodes own now; nil: all of them.
    private mutating func intend(
        _ touched: Set<String>?,
        _ cluster: ClusterFacts,
        at now: Timestamp
    ) {
        if let touched, touched.isEmpty { return }
        var intents = touched == nil ? [:] : intent.latest?.value ?? [:]
        // Calico may spell a node's name otherwise than Kubernetes does.
        let affinities = cluster.blockAffinities.objects.values
        let blocks = Dictionary(grouping: affinities) { $0.node.lowercased() }
        let blocksByHost = Dictionary(grouping: affinities) { hostName($0.node) }
        for name in touched ?? Set(cluster.nodes.objects.keys) {
            let own = blocks[name.lowercased()] ?? blocksByHost[hostName(name)] ?? []
            intents[name] = cluster.intent(of: name, own, inside: podSupernets)
        }
        intent.succeeded(intents, at: now)
    }
}

/// Without its domain, and in one case.
private func hostName(_ name: String) -> String { name.prefix { $0 != "." }.lowercased() }

extension ClusterFacts {
    fileprivate mutating func expose(
        _ collection: WritableKeyPath<ClusterFacts, Watched<Exposure>>,
        _ change: WatchUpdate<Exposure>,
        at now: Timestamp
    ) {
        let (before, changed) = (exposedSince, self[keyPath: collection].apply(change, at: now))
        let objects = self[keyPath: collection].objects
        let left = Set(changed.values.compactMap { $0?.pool })
        for pool in left { exposedSince[pool] = nil }
        for new in changed.keys.compactMap({ objects[$0] }) { exposedSince[new.pool] = now }
        // Another object may ask for the same pool.
        for pool in left where exposedSince[pool] == nil {
            if objects.values.contains(where: { $0.pool == pool }) {
                exposedSince[pool] = before[pool]
            }
        }
    }

    /// A pool of AS3 is asked for as it is since the labels that lead to it are as they are.
    fileprivate mutating func serve(_ change: WatchUpdate<ClusterService>, at now: Timestamp) {
        for (key, old) in services.apply(change, at: now) {
            let (was, isNow) = (old?.as3Pool, services.objects[key]?.as3Pool)
            guard was != isNow else { continue }
            for pool in [was, isNow].compactMap(\.self) where exposedSince[pool] != nil {
                exposedSince[pool] = now
            }
        }
    }

    /// Node names for what Calico calls them.
    fileprivate func nodeNames(spelled names: [String]) -> [String] {
        let wanted = Set(names.map(hostName))
        return nodes.objects.keys.filter { wanted.contains(hostName($0)) }
    }

    /// Whether who owns what can be told: the nodes are known, and so is what their CNI says of them, be it
    /// that the cluster has no such CNI.
    var isSettled: Bool {
        nodes.isComplete && ciliumNodes.isComplete && blockAffinities.isComplete
    }

    /// Who gives CIDRs to nodes in this cluster: the CNI, as soon as it does so for any node. Then a Node's
    /// own CIDR is another allocator's, and used by nobody.
    package var allocator: String {
        if blockAffinities.objects.values.contains(where: \.isConfirmed) { return "BlockAffinity" }
        let hasCilium = ciliumNodes.objects.values.contains { !$0.podCIDRs.isEmpty }
        return hasCilium ? "CiliumNode" : "Node"
    }

    /// Nil if there is no such node.
    fileprivate func intent(
        of name: String,
        _ blocks: [BlockAffinity],
        inside supernets: [Prefix]
    ) -> NodeIntent? {
        guard let node = nodes.objects[name] else { return nil }
        var claims: [String: [Prefix]] = [:]
        func claim(_ kind: String, _ cidrs: [Prefix]) {
            let inside = cidrs.filter { cidr in supernets.contains { $0.overlaps(cidr) } }
            if !inside.isEmpty { claims[kind] = inside.sorted() }
        }
        claim("Node", node.podCIDRs)
        claim("CiliumNode", ciliumNodes.objects[name]?.podCIDRs ?? [])
        claim("BlockAffinity", blocks.filter(\.isConfirmed).map(\.block))
        return NodeIntent(
            name: name,
            podCIDRs: claims[allocator] ?? [],
            addresses: (node.addresses + (ciliumNodes.objects[name]?.addresses ?? [])).unique,
            isLeaving: node.isBeingDeleted,
            claims: claims,
            createdAt: node.createdAt,
            isReady: node.isReady
        )
    }
}

extension [IPAddress] {
    /// In order, each once.
    fileprivate var unique: [IPAddress] {
        var seen: Set<IPAddress> = []
        return filter { seen.insert($0).inserted }
    }
}
