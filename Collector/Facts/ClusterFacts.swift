// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A collection that the API server is watched for. What was there stays through every failure: a
/// collection is emptied by a complete list only.
package struct Watched<Value: Sendable & Hashable>: Sendable, Equatable {
    package enum Condition: Sendable, Equatable {
        /// No complete list has come yet.
        case starting
        case synced
        /// The API server has no such resource: there are none, and that is known.
        case notOffered
    }

    package private(set) var condition = Condition.starting
    package private(set) var objects: [String: Value] = [:]
    package private(set) var failure: ReadFailure?
    /// Whether a watch is open.
    package private(set) var isWatched = false
    /// The last list, event or bookmark.
    package private(set) var lastHeard: Timestamp?
    /// When it was first complete.
    package private(set) var completeSince: Timestamp?

    package init() {}

    /// Whether an object that is not here is not there either.
    package var isComplete: Bool { condition != .starting }

    /// What is another now, as it was before; nil: it is new.
    @discardableResult
    package mutating func apply(
        _ update: WatchUpdate<Value>,
        at now: Timestamp
    ) -> [String: Value?] {
        if case .interrupted = update {
            isWatched = false
            return [:]
        }
        if let reason = trouble(update) {
            isWatched = false
            failure = ReadFailure(
                reason: reason,
                since: failure?.since ?? now,
                attempts: (failure?.attempts ?? 0) + 1
            )
            return [:]
        }
        failure = nil
        lastHeard = now
        isWatched = true
        switch update {
        case .failed, .heard, .interrupted: return [:]
        case .listed(let all):
            condition = .synced
            completeSince = completeSince ?? now
            return replace(with: all)
        case .notOffered:
            condition = .notOffered
            completeSince = completeSince ?? now
            return replace(with: [:])
        case .changed(let changes):
            var before: [String: Value?] = [:]
            for (key, value) in changes where objects[key] != value {
                before.updateValue(objects[key], forKey: key)
                objects[key] = value
            }
            return before
        }
    }

    /// A resource that was there and is not offered any more may be one that an API server has not loaded
    /// yet, after its start.
    private func trouble(_ update: WatchUpdate<Value>) -> String? {
        switch update {
        case .failed(let reason): reason
        case .notOffered where !objects.isEmpty:
            "the API server does not offer the resource any more"
        default: nil
        }
    }

    private mutating func replace(with all: [String: Value]) -> [String: Value?] {
        var before: [String: Value?] = [:]
        for (key, value) in objects where all[key] != value {
            before.updateValue(value, forKey: key)
        }
        for key in all.keys where objects[key] == nil { before.updateValue(nil, forKey: key) }
        objects = all
        return before
    }
}

/// What the watch of one collection brings.
package enum WatchUpdate<Value: Sendable & Hashable>: Sendable, Equatable {
    /// Everything there is.
    case listed([String: Value])
    /// What changed since; nil: deleted.
    case changed([String: Value?])
    /// Still there: a watch that begins, a bookmark, or an event that changes nothing of what is kept.
    case heard
    /// The watch ended, as it must now and then: until the next begins nothing is heard of changes.
    case interrupted
    case notOffered
    case failed(String)
}

extension WatchUpdate {
    /// Takes in what came after it, if both together are one update: then nothing of either is lost.
    mutating func merge(_ newer: WatchUpdate) -> Bool {
        switch (self, newer) {
        case (.changed(let changes), .changed(let more)):
            self = .changed(changes.merging(more) { $1 })
        case (.listed(var all), .changed(let changes)):
            for (key, value) in changes { all[key] = value }
            self = .listed(all)
        case (.listed, .heard), (.changed, .heard), (.heard, .heard): break
        case (_, .listed), (.failed, .failed), (.heard, _): self = newer
        default: return false
        }
        return true
    }
}

extension ClusterUpdate {
    /// As `WatchUpdate.merge`; false for two collections.
    package mutating func merge(_ newer: ClusterUpdate) -> Bool {
        func merged<Value>(
            _ old: WatchUpdate<Value>,
            _ new: WatchUpdate<Value>,
            _ wrap: (WatchUpdate<Value>) -> ClusterUpdate
        ) -> ClusterUpdate? {
            var both = old
            return both.merge(new) ? wrap(both) : nil
        }
        let result: ClusterUpdate? =
            switch (self, newer) {
            case (.nodes(let old), .nodes(let new)): merged(old, new) { .nodes($0) }
            case (.ciliumNodes(let old), .ciliumNodes(let new)):
                merged(old, new) { .ciliumNodes($0) }
            case (.blockAffinities(let old), .blockAffinities(let new)):
                merged(old, new) { .blockAffinities($0) }
            case (.services(let old), .services(let new)): merged(old, new) { .services($0) }
            case (.endpointSlices(let old), .endpointSlices(let new)):
                merged(old, new) { .endpointSlices($0) }
            case (.exposures(let old), .exposures(let new)): merged(old, new) { .exposures($0) }
            default: nil
            }
        if let result { self = result }
        return result != nil
    }

    /// Whether it says no more than that the API server is there.
    package var isSignOfLife: Bool {
        switch self {
        case .nodes(.heard), .ciliumNodes(.heard), .blockAffinities(.heard), .services(.heard),
            .endpointSlices(.heard), .exposures(.heard):
            true
        default: false
        }
    }

    /// Which of the collections it is about.
    package var collection: Int {
        switch self {
        case .nodes: 0
        case .ciliumNodes: 1
        case .blockAffinities: 2
        case .services: 3
        case .endpointSlices: 4
        case .exposures: 5
        }
    }
}

/// What changed in one of the watched collections.
package enum ClusterUpdate: Sendable, Equatable {
    case nodes(WatchUpdate<ClusterNode>)
    case ciliumNodes(WatchUpdate<CNINode>)
    case blockAffinities(WatchUpdate<BlockAffinity>)
    case services(WatchUpdate<ClusterService>)
    case endpointSlices(WatchUpdate<EndpointSlice>)
    case exposures(WatchUpdate<Exposure>)
}

extension ClusterUpdate {
    /// What failed and why, if that is what it tells.
    package var failure: String? {
        switch self {
        case .nodes(.failed(let reason)): "nodes: \(reason)"
        case .ciliumNodes(.failed(let reason)): "CiliumNodes: \(reason)"
        case .blockAffinities(.failed(let reason)): "BlockAffinities: \(reason)"
        case .services(.failed(let reason)): "services: \(reason)"
        case .endpointSlices(.failed(let reason)): "EndpointSlices: \(reason)"
        case .exposures(.failed(let reason)): "ConfigMaps: \(reason)"
        case .nodes, .ciliumNodes, .blockAffinities, .services, .endpointSlices, .exposures: nil
        }
    }
}

/// What Kubernetes and its CNI say: who owns which pod CIDR, and which pods should be in which pool.
package struct ClusterFacts: Sendable, Equatable {
    package var nodes = Watched<ClusterNode>()
    package var ciliumNodes = Watched<CNINode>()
    package var blockAffinities = Watched<BlockAffinity>()
    /// By namespace and name, as are all below.
    package var services = Watched<ClusterService>()
    package var endpointSlices = Watched<EndpointSlice>()
    package var exposures = Watched<Exposure>()
    /// By service, of all its slices.
    package internal(set) var endpoints: [String: ServiceEndpoints] = [:]
    var slicesOfService: [String: Set<String>] = [:]

    package init() {}

    package var isComplete: Bool {
        nodes.isComplete && ciliumNodes.isComplete && blockAffinities.isComplete
            && services.isComplete && endpointSlices.isComplete && exposures.isComplete
    }

    /// The last word of any of them.
    package var lastHeard: Timestamp? {
        [
            nodes.lastHeard, ciliumNodes.lastHeard, blockAffinities.lastHeard, services.lastHeard,
            endpointSlices.lastHeard, exposures.lastHeard,
        ].compactMap(\.self).max()
    }

    /// Every collection that fails, with the reason, in the order above.
    package var failures: [(what: String, failure: ReadFailure)] {
        let all: [(String, ReadFailure?)] = [
            ("nodes", nodes.failure), ("CiliumNodes", ciliumNodes.failure),
            ("BlockAffinities", blockAffinities.failure), ("services", services.failure),
            ("EndpointSlices", endpointSlices.failure), ("ConfigMaps", exposures.failure),
        ]
        return all.compactMap { what, failure in failure.map { (what, $0) } }
    }
}

/// A Node object, of which only this is kept: v1 Node.
package struct ClusterNode: Sendable, Hashable {
    /// `spec.podCIDRs`, or `spec.podCIDR` where that is all.
    package var podCIDRs: [Prefix]
    /// InternalIP and ExternalIP.
    package var addresses: [IPAddress]
    /// The condition Ready; nil while it is Unknown.
    package var isReady: Bool?
    package var isCordoned: Bool
    package var isBeingDeleted: Bool
    package var createdAt: Timestamp?

    package init(
        podCIDRs: [Prefix],
        addresses: [IPAddress] = [],
        isReady: Bool? = true,
        isCordoned: Bool = false,
        isBeingDeleted: Bool = false,
        createdAt: Timestamp? = nil
    ) {
        self.podCIDRs = podCIDRs
        self.addresses = addresses
        self.isReady = isReady
        self.isCordoned = isCordoned
        self.isBeingDeleted = isBeingDeleted
        self.createdAt = createdAt
    }
}

/// cilium.io/v2 CiliumNode: which CIDRs Cilium gives to pods of the node of that name.
package struct CNINode: Sendable, Hashable {
    package var podCIDRs: [Prefix]
    package var addresses: [IPAddress]

    package init(podCIDRs: [Prefix], addresses: [IPAddress] = []) {
        self.podCIDRs = podCIDRs
        self.addresses = addresses
    }
}

/// crd.projectcalico.org/v1 BlockAffinity: a block of addresses and the node that holds it.
package struct BlockAffinity: Sendable, Hashable {
    package var node: String
    package var block: Prefix
    /// Confirmed, and not on its way out.
    package var isConfirmed: Bool

    package init(node: String, block: Prefix, isConfirmed: Bool) {
        self.node = node
        self.block = block
        self.isConfirmed = isConfirmed
    }
}

/// v1 Service: how its ports are called, and where AS3 shall put it.
package struct ClusterService: Sendable, Hashable {
    package struct Port: Sendable, Hashable {
        package var name: String
        package var number: Int

        package init(name: String, number: Int) {
            self.name = name
            self.number = number
        }
    }

    package var ports: [Port]
    /// `/tenant/application/pool` of the labels `cis.f5.com/as3-…`.
    package var as3Pool: String?

    package init(ports: [Port], as3Pool: String? = nil) {
        self.ports = ports
        self.as3Pool = as3Pool
    }
}

/// discovery.k8s.io EndpointSlice (v1 or v1beta1), or v1 Endpoints where there are none.
package struct EndpointSlice: Sendable, Hashable {
    package struct Endpoint: Sendable, Hashable {
        package var address: IPAddress
        package var node: String?
        package var isReady: Bool

        package init(address: IPAddress, node: String?, isReady: Bool) {
            self.address = address
            self.node = node
            self.isReady = isReady
        }
    }

    /// Namespace and name, `default/web`.
    package var service: String
    package var endpoints: [Endpoint]
    package var ports: [ClusterService.Port]

    package init(service: String, endpoints: [Endpoint], ports: [ClusterService.Port]) {
        self.service = service
        self.endpoints = endpoints
        self.ports = ports
    }
}

/// What the F5 controller is told to expose: a pool, and the service whose endpoints belong in it.
package struct Exposure: Sendable, Hashable {
    /// Full path of the pool, where its name is certain: `/K8S/cfgmap_default_web_web`.
    package var pool: String
    /// Namespace and name, `default/web`.
    package var service: String
    package var port: Int

    package init(pool: String, service: String, port: Int) {
        self.pool = pool
        self.service = service
        self.port = port
    }
}
