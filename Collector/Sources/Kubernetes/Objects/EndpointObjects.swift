// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// v1 Service.
struct ServiceObject: ClusterObject {
    static let paths = ["/api/v1/services"]
    static func update(_ update: WatchUpdate<ClusterService>) -> ClusterUpdate { .services(update) }

    struct Spec: Decodable {
        var ports: [Port]?
    }

    struct Port: Decodable {
        var name: String?
        var port: Int
    }

    var metadata: ObjectMetadata
    var spec: Spec?

    var facts: [String: ClusterService] {
        let ports = (spec?.ports ?? []).map {
            ClusterService.Port(name: $0.name ?? "", number: $0.port)
        }
        return [metadata.key: ClusterService(ports: ports, as3Pool: as3Pool)]
    }

    private var as3Pool: String? {
        let words = ["tenant", "app", "pool"].map { metadata.labels?["cis.f5.com/as3-\($0)"] ?? "" }
        return words.allSatisfy { !$0.isEmpty } ? "/" + words.joined(separator: "/") : nil
    }
}

/// discovery.k8s.io EndpointSlice: v1 from 1.21 on, v1beta1 before, where the node stands in the topology.
struct EndpointSliceObject: ClusterObject {
    static let paths = [
        "/apis/discovery.k8s.io/v1/endpointslices",
        "/apis/discovery.k8s.io/v1beta1/endpointslices",
    ]
    static func update(_ update: WatchUpdate<EndpointSlice>) -> ClusterUpdate {
        .endpointSlices(update)
    }

    struct Endpoint: Decodable {
        struct Conditions: Decodable { var ready: Bool? }

        var addresses: [String]
        var conditions: Conditions?
        var nodeName: String?
        var topology: [String: String]?
    }

    struct Port: Decodable {
        var name: String?
        var port: Int?
    }

    var metadata: ObjectMetadata
    /// Null where there are none.
    var endpoints: [Endpoint]?
    var ports: [Port]?

    var facts: [String: EndpointSlice] {
        guard let service = metadata.labels?["kubernetes.io/service-name"] else { return [:] }
        let members = (endpoints ?? []).flatMap { endpoint in
            endpoint.addresses.addresses.map { address in
                EndpointSlice.Endpoint(
                    address: address,
                    node: endpoint.nodeName ?? endpoint.topology?["kubernetes.io/hostname"],
                    // Unknown counts as ready (the API's own rule).
                    isReady: endpoint.conditions?.ready ?? true
                )
            }
        }
        let slice = EndpointSlice(
            service: metadata.namespace.map { "\($0)/\(service)" } ?? service,
            endpoints: members,
            ports: (ports ?? []).compactMap { port in
                port.port.map { ClusterService.Port(name: port.name ?? "", number: $0) }
            }
        )
        return [metadata.key: slice]
    }
}

/// v1 Endpoints, where there are no slices (before 1.17).
struct EndpointsObject: ClusterObject {
    static let paths = ["/api/v1/endpoints"]
    static func update(_ update: WatchUpdate<EndpointSlice>) -> ClusterUpdate {
        .endpointSlices(update)
    }

    struct Subset: Decodable {
        var addresses: [Address]?
        var notReadyAddresses: [Address]?
        var ports: [EndpointSliceObject.Port]?
    }

    struct Address: Decodable {
        var ip: String
        var nodeName: String?
    }

    var metadata: ObjectMetadata
    var subsets: [Subset]?

    var facts: [String: EndpointSlice] {
        var slices: [String: EndpointSlice] = [:]
        for (index, subset) in (subsets ?? []).enumerated() {
            slices["\(metadata.key)#\(index)"] = EndpointSlice(
                service: metadata.key,
                endpoints: members(subset.addresses, isReady: true)
                    + members(subset.notReadyAddresses, isReady: false),
                ports: (subset.ports ?? []).compactMap { port in
                    port.port.map { ClusterService.Port(name: port.name ?? "", number: $0) }
                }
            )
        }
        return slices
    }

    private func members(_ addresses: [Address]?, isReady: Bool) -> [EndpointSlice.Endpoint] {
        (addresses ?? []).compactMap { address in
            IPAddress(address.ip).map {
                EndpointSlice.Endpoint(
                    address: $0.unmapped,
                    node: address.nodeName,
                    isReady: isReady
                )
            }
        }
    }
}
