// SPDX-License-Identifier: Apache-2.0
import Routing

extension Snapshot {
    mutating func apply(_ update: ClusterUpdate, at now: Timestamp) {
        var cluster = kubernetes ?? ClusterFacts()
        // One reference: what follows changes the collections where they are.
        kubernetes = nil
        let wasSettled = cluster.isSettled
        var touched: Set<String> = []
        switch update {
        case .nodes(let change): touched = Set(cluster.nodes.apply(change, at: now).keys)
        case .ciliumNodes(let change):
            touched = Set(cluster.ciliumNodes.apply(change, at: now).keys)
        case .blockAffinities(let change):
            for (key, old) in cluster.blockAffinities.apply(change, at: now) {
                let both = [old?.node, cluster.blockAffinities.objects[key]?.node]
                touched.formUnion(both.compactMap(\.self))
            }
        case .services(let change): cluster.services.apply(change, at: now)
        case .endpointSlices(let change):
            let changed = cluster.endpointSlices.apply(change, at: now)
            cluster.note(changed, at: now)
        case .exposures(let change): cluster.exposures.apply(change, at: now)
        }
        kubernetes = cluster
        guard intentSource == .kubernetes, cluster.isSettled else { return }
        intend(wasSettled ? touched : nil, cluster, at: now)
    }

    /// What the named nodes own now; nil: all of them.
    private mutating func intend(
        _ touched: Set<String>?,
        _ cluster: ClusterFacts,
        at now: Timestamp
    ) {
        if let touched, touched.isEmpty { return }
        var intents = touched == nil ? [:] : intent.latest?.value ?? [:]
        let blocks = Dictionary(grouping: cluster.blockAffinities.objects.values, by: \.node)
        for name in touched ?? Set(cluster.nodes.objects.keys) {
            intents[name] = cluster.intent(of: name, blocks[name] ?? [], inside: podSupernets)
        }
        intent.succeeded(intents, at: now)
    }
}

extension ClusterFacts {
    /// Whether who owns what can be told: the nodes are known, and so is what their CNI says of them, or
    /// that it cannot be asked.
    var isSettled: Bool {
        nodes.isComplete && (ciliumNodes.isComplete || ciliumNodes.failure != nil)
            && (blockAffinities.isComplete || blockAffinities.failure != nil)
    }

    /// Nil if there is no such node. The CNI's own word goes before the Node's: where it has its own IPAM
    /// the Node's CIDR is another allocator's and used by nobody.
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
            podCIDRs: claims["BlockAffinity"] ?? claims["CiliumNode"] ?? claims["Node"] ?? [],
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
