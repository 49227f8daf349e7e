// SPDX-License-Identifier: Apache-2.0
package import Routing

/// Where a service's pods answer, and since when: the slices of the service taken together.
package struct ServiceEndpoints: Sendable, Equatable {
    /// An address and port that the load balancer should send to, or no longer.
    package struct Socket: Sendable, Hashable {
        package var address: IPAddress
        package var port: Int

        package init(address: IPAddress, port: Int) {
            self.address = address
            self.port = port
        }
    }

    package struct Member: Sendable, Hashable {
        package var node: String?
        /// When it became ready, as far as was seen.
        package var since: Timestamp

        package init(node: String?, since: Timestamp) {
            self.node = node
            self.since = since
        }
    }

    /// By the port's name, those that are ready.
    package private(set) var ready: [String: [Socket: Member]] = [:]
    /// Every pod's address, ready or not.
    package private(set) var live: Set<IPAddress> = []
    /// When an address was last a pod of this service.
    package private(set) var gone: [IPAddress: Timestamp] = [:]

    /// What left longer ago is as good as never seen.
    private static let memory: Int64 = 3_600_000

    package init() {}

    mutating func apply(_ slices: [EndpointSlice], at now: Timestamp) {
        var fresh: [String: [Socket: Member]] = [:]
        var addresses: Set<IPAddress> = []
        for slice in slices {
            addresses.formUnion(slice.endpoints.map(\.address))
            for port in slice.ports {
                for endpoint in slice.endpoints where endpoint.isReady {
                    let socket = Socket(address: endpoint.address, port: port.number)
                    let since = ready[port.name]?[socket]?.since ?? now
                    fresh[port.name, default: [:]][socket] = Member(
                        node: endpoint.node,
                        since: since
                    )
                }
            }
        }
        for address in live.subtracting(addresses) { gone[address] = now }
        gone = gone.filter { now - $0.value < Self.memory && !addresses.contains($0.key) }
        (ready, live) = (fresh, addresses)
    }

    package var isEmpty: Bool { live.isEmpty && gone.isEmpty }

    /// Of a service that is no more: whether nobody needs to know any longer.
    func isForgotten(at now: Timestamp) -> Bool {
        live.isEmpty && gone.values.allSatisfy { now - $0 >= Self.memory }
    }
}

extension ClusterFacts {
    /// What a pool should hold: nil while that is not known.
    package func expected(in exposure: Exposure) -> [ServiceEndpoints.Socket: ServiceEndpoints
        .Member]?
    {
        guard services.isComplete, endpointSlices.isComplete else { return nil }
        guard let service = services.objects[exposure.service],
            let port = service.ports.first(where: {
                exposure.portName == nil ? $0.number == exposure.port : $0.name == exposure.portName
            })
        else { return [:] }
        // An endpoint of no node is none that the controller takes.
        return (endpoints[exposure.service]?.ready[port.name] ?? [:]).filter { socket, member in
            socket.address.family == exposure.family && member.node != nil
        }
    }

    /// Addresses that pods behind some service had within the last hour, and that none has now.
    package var departed: Set<IPAddress> {
        var gone = Set(endpoints.values.flatMap(\.gone.keys))
        guard !gone.isEmpty else { return [] }
        for service in endpoints.values { gone.subtract(service.live) }
        return gone
    }

    /// Everything that is exposed, in order of the pools, each once. A declaration for AS3 does not name the
    /// service: its labels name the pool, and one that two claim is in doubt.
    package var allExposures: [Exposure] {
        var claimants: [String: [String]] = [:]
        for (key, service) in services.objects {
            if let pool = service.as3Pool { claimants[pool, default: []].append(key) }
        }
        var all: [String: Exposure] = [:]
        for collection in [exposures, virtualServers, transportServers] where collection.isComplete
        {
            for (_, exposure) in collection.objects.sorted(by: { $0.key < $1.key })
            where all[exposure.pool] == nil {
                all[exposure.pool] = named(exposure, claimants[exposure.pool] ?? [])
            }
        }
        return all.sorted { $0.key < $1.key }.map(\.value)
    }

    private func named(_ exposure: Exposure, _ claimants: [String]) -> Exposure? {
        guard exposure.service.isEmpty else { return exposure }
        guard claimants.count == 1 else { return nil }
        var whole = exposure
        whole.service = claimants[0]
        return whole
    }

    /// How often services that are no more are looked for.
    private static let sweepInterval: Int64 = 600_000

    /// `changed`: slices, as they were.
    mutating func note(_ changed: [String: EndpointSlice?], at now: Timestamp) {
        var services: Set<String> = []
        for (key, old) in changed {
            if let old {
                slicesOfService[old.service]?.remove(key)
                services.insert(old.service)
            }
            if let new = endpointSlices.objects[key] {
                slicesOfService[new.service, default: []].insert(key)
                services.insert(new.service)
            }
        }
        for service in services {
            let slices = (slicesOfService[service] ?? []).compactMap { endpointSlices.objects[$0] }
            endpoints[service, default: ServiceEndpoints()].apply(slices, at: now)
            if endpoints[service]?.isEmpty ?? false { endpoints[service] = nil }
            if slices.isEmpty { slicesOfService[service] = nil }
        }
        guard now - endpointsSwept >= Self.sweepInterval else { return }
        endpointsSwept = now
        endpoints = endpoints.filter { !$0.value.isForgotten(at: now) }
    }
}
