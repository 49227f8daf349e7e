// SPDX-License-Identifier: Apache-2.0

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
            case (.virtualServers(let old), .virtualServers(let new)):
                merged(old, new) { .virtualServers($0) }
            case (.transportServers(let old), .transportServers(let new)):
                merged(old, new) { .transportServers($0) }
            case (.controllers(let old), .controllers(let new)):
                merged(old, new) { .controllers($0) }
            case (.ciliumSettings(let old), .ciliumSettings(let new)):
                merged(old, new) { .ciliumSettings($0) }
            case (.masqueradeAgents(let old), .masqueradeAgents(let new)):
                merged(old, new) { .masqueradeAgents($0) }
            default: nil
            }
        if let result { self = result }
        return result != nil
    }

    /// Whether it says no more than that the API server is there.
    package var isSignOfLife: Bool {
        switch self {
        case .nodes(.heard), .ciliumNodes(.heard), .blockAffinities(.heard), .services(.heard),
            .endpointSlices(.heard), .exposures(.heard), .virtualServers(.heard),
            .transportServers(.heard), .controllers(.heard), .ciliumSettings(.heard),
            .masqueradeAgents(.heard):
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
        case .virtualServers: 6
        case .transportServers: 7
        case .controllers: 8
        case .ciliumSettings: 9
        case .masqueradeAgents: 10
        }
    }
}

/// What changed in one of the watched collections.
package enum ClusterUpdate: Sendable, Equatable, Codable {
    case nodes(WatchUpdate<ClusterNode>)
    case ciliumNodes(WatchUpdate<CNINode>)
    case blockAffinities(WatchUpdate<BlockAffinity>)
    case services(WatchUpdate<ClusterService>)
    case endpointSlices(WatchUpdate<EndpointSlice>)
    /// ConfigMaps in the F5 controller's schema, and those that hold a declaration for AS3.
    case exposures(WatchUpdate<Exposure>)
    case virtualServers(WatchUpdate<Exposure>)
    case transportServers(WatchUpdate<Exposure>)
    case controllers(WatchUpdate<F5Controller>)
    /// ConfigMaps of Cilium, and of ip-masq-agent.
    case ciliumSettings(WatchUpdate<Masquerading>)
    case masqueradeAgents(WatchUpdate<Masquerading>)
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
        case .virtualServers(.failed(let reason)): "VirtualServers: \(reason)"
        case .transportServers(.failed(let reason)): "TransportServers: \(reason)"
        case .controllers(.failed(let reason)): "Deployments: \(reason)"
        case .ciliumSettings(.failed(let reason)): "ConfigMaps cilium-config: \(reason)"
        case .masqueradeAgents(.failed(let reason)): "ConfigMaps ip-masq-agent: \(reason)"
        case .nodes, .ciliumNodes, .blockAffinities, .services, .endpointSlices, .exposures,
            .virtualServers, .transportServers, .controllers, .ciliumSettings, .masqueradeAgents:
            nil
        }
    }
}
