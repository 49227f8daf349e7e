// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// v1 Node.
struct NodeObject: ClusterObject {
    static let paths = ["/api/v1/nodes"]
    static func update(_ update: WatchUpdate<ClusterNode>) -> ClusterUpdate { .nodes(update) }

    struct Spec: Decodable {
        var podCIDR: String?
        var podCIDRs: [String]?
        var unschedulable: Bool?
    }

    struct Status: Decodable {
        var addresses: [Address]?
        var conditions: [Condition]?
    }

    struct Address: Decodable {
        var type: String
        var address: String
    }

    struct Condition: Decodable {
        var type: String
        var status: String
    }

    var metadata: ObjectMetadata
    var spec: Spec?
    var status: Status?

    var facts: [String: ClusterNode] {
        // podCIDRs set once holds podCIDR too; old servers have only the latter.
        let written = spec?.podCIDRs ?? spec?.podCIDR.map { [$0] } ?? []
        let ready = status?.conditions?.first { $0.type == "Ready" }?.status
        let node = ClusterNode(
            podCIDRs: written.prefixes.sorted(),
            addresses: (status?.addresses ?? []).filter { $0.type.hasSuffix("IP") }.map(\.address)
                .addresses,
            isReady: ready == "True" ? true : ready == "False" ? false : nil,
            isCordoned: spec?.unschedulable ?? false,
            isBeingDeleted: metadata.deletionTimestamp != nil,
            createdAt: metadata.createdAt
        )
        return [metadata.name: node]
    }
}

/// cilium.io/v2 CiliumNode: the truth for Cilium's own IPAM; with `ipam: kubernetes` it copies the Node.
struct CiliumNodeObject: ClusterObject {
    static let paths = ["/apis/cilium.io/v2/ciliumnodes"]
    static func update(_ update: WatchUpdate<CNINode>) -> ClusterUpdate { .ciliumNodes(update) }

    struct Spec: Decodable {
        var ipam: IPAM?
        var addresses: [Address]?
    }

    struct IPAM: Decodable {
        var podCIDRs: [String]?
        var pools: Pools?
    }

    struct Pools: Decodable {
        var allocated: [Pool]?
    }

    struct Pool: Decodable {
        var cidrs: [String]?
    }

    struct Address: Decodable {
        var type: String?
        var ip: String?
    }

    var metadata: ObjectMetadata
    var spec: Spec?

    var facts: [String: CNINode] {
        let pools = (spec?.ipam?.pools?.allocated ?? []).flatMap { $0.cidrs ?? [] }
        let cidrs = Set(((spec?.ipam?.podCIDRs ?? []) + pools).prefixes)
        let own = (spec?.addresses ?? []).filter { $0.type != "CiliumInternalIP" }
        let addresses = own.compactMap(\.ip).addresses
        return [metadata.name: CNINode(podCIDRs: cidrs.sorted(), addresses: addresses)]
    }
}

/// crd.projectcalico.org/v1 BlockAffinity. `deleted` is text, `"true"` or `"false"`.
struct BlockAffinityObject: ClusterObject {
    static let paths = ["/apis/crd.projectcalico.org/v1/blockaffinities"]
    static func update(_ update: WatchUpdate<BlockAffinity>) -> ClusterUpdate {
        .blockAffinities(update)
    }

    struct Spec: Decodable {
        var cidr: String
        var node: String
        var state: String?
        var deleted: String?
        /// `host`, or `virtual` for a load balancer's.
        var type: String?
    }

    var metadata: ObjectMetadata
    var spec: Spec

    var facts: [String: BlockAffinity] {
        guard let block = Prefix(lenient: spec.cidr), spec.type ?? "host" == "host" else {
            return [:]
        }
        let isConfirmed = spec.state == "confirmed" && spec.deleted?.lowercased() != "true"
        return [
            metadata.key: BlockAffinity(node: spec.node, block: block, isConfirmed: isConfirmed)
        ]
    }
}
