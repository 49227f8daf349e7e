// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A Node object, of which only this is kept: v1 Node.
package struct ClusterNode: Sendable, Hashable, Codable {
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
package struct CNINode: Sendable, Hashable, Codable {
    package var podCIDRs: [Prefix]
    package var addresses: [IPAddress]

    package init(podCIDRs: [Prefix], addresses: [IPAddress] = []) {
        self.podCIDRs = podCIDRs
        self.addresses = addresses
    }
}

/// crd.projectcalico.org/v1 BlockAffinity: a block of addresses and the node that holds it.
package struct BlockAffinity: Sendable, Hashable, Codable {
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
package struct ClusterService: Sendable, Hashable, Codable {
    package struct Port: Sendable, Hashable, Codable {
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
package struct EndpointSlice: Sendable, Hashable, Codable {
    package struct Endpoint: Sendable, Hashable, Codable {
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
package struct Exposure: Sendable, Hashable, Codable {
    /// Full path of the pool: `/K8S/cfgmap_default_web_web`; `*` stands for the controller's own partition.
    package var pool: String
    /// What other versions of the controller call it.
    package var alternatives: [String] = []
    /// Namespace and name, `default/web`; empty where a Service says by its labels that it is meant.
    package var service: String
    package var port: Int
    /// In place of the number.
    package var portName: String?
    /// Of the virtual server: its pool has members of that family alone.
    package var family: AddressFamily

    package init(pool: String, service: String, port: Int, family: AddressFamily = .ipv4) {
        self.pool = pool
        self.service = service
        self.port = port
        self.family = family
    }
}
