// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

/// The small site as Kubernetes tells it, with a Service for each pool and a pod of it on each node.
extension Story {
    /// Pools and the last octet of their pods.
    static let pools = ["web": 10, "api": 11]

    static let port = ClusterService.Port(name: "http", number: 80)

    mutating func watchKubernetes(pools: [String: Int] = Story.pools) {
        site.snapshot.intentSource = .kubernetes
        site.snapshot.kubernetes = ClusterFacts()
        tell(.ciliumNodes(.notOffered))
        tell(.blockAffinities(.notOffered))
        tell(.nodes(.listed(clusterNodes())))
        var services: [String: ClusterService] = [:]
        var exposures: [String: Exposure] = [:]
        for (name, host) in pools.sorted(by: { $0.key < $1.key }) {
            services["default/\(name)"] = ClusterService(ports: [Self.port])
            exposures["default/\(name)"] = Exposure(
                pool: "/K8S/\(name)",
                service: "default/\(name)",
                port: 80
            )
            tell(pods(of: name, host))
        }
        tell(.services(.listed(services)))
        tell(.exposures(.listed(exposures)))
        let (model, more) = (site, pools.filter { Story.pools[$0.key] == nil })
        furnishing = { table in
            table.partitions = ["K8S"]
            for (name, host) in more.sorted(by: { $0.key < $1.key }) {
                table.all += (1...model.count).map { index in
                    model.member("/K8S/\(name)", "10.16.\(index - 1).\(host)", isUp: true)
                }
            }
        }
    }

    func clusterNodes() -> [String: ClusterNode] {
        var nodes: [String: ClusterNode] = [:]
        for (name, intent) in Site.intents(site.count) {
            nodes[name] = ClusterNode(
                podCIDRs: intent.podCIDRs,
                addresses: intent.addresses,
                createdAt: at(0)
            )
        }
        return nodes
    }

    /// One Node is another now.
    mutating func node(_ name: String, becomes change: (inout ClusterNode) -> Void) {
        guard var node = site.snapshot.kubernetes?.nodes.objects[name] else { return }
        change(&node)
        tell(.nodes(.changed([name: node])))
    }

    /// A ready pod of the Service on each node; on some of them with another last octet, or none.
    func pods(
        of service: String,
        _ host: Int,
        except others: [Int: Int?] = [:]
    ) -> ClusterUpdate {
        let endpoints = (1...site.count).compactMap { index -> EndpointSlice.Endpoint? in
            guard let own = others[index, default: host] else { return nil }
            return EndpointSlice.Endpoint(
                address: address("10.16.\(index - 1).\(own)"),
                node: "n\(index)",
                isReady: true
            )
        }
        let slice = EndpointSlice(
            service: "default/\(service)",
            endpoints: endpoints,
            ports: [Self.port]
        )
        let known = site.snapshot.kubernetes?.endpointSlices.objects ?? [:]
        guard !known.isEmpty else { return .endpointSlices(.listed(["\(service)-1": slice])) }
        return .endpointSlices(.changed(["\(service)-1": slice]))
    }

    /// A Calico fleet: each node holds its own CIDR as a block, in its kernel and in BIRD, and a BlockAffinity
    /// says so.
    mutating func useCalico() {
        watchKubernetes()
        tell(.blockAffinities(.listed(Self.blocks(site.count))))
        for index in 1...site.count { calicoNode(index) }
    }

    static func blocks(_ count: Int) -> [String: BlockAffinity] {
        var blocks: [String: BlockAffinity] = [:]
        for index in 1...count {
            blocks["n\(index)"] = BlockAffinity(
                node: "n\(index)",
                block: Site.cidr(index),
                isConfirmed: true
            )
        }
        return blocks
    }

    mutating func calicoNode(
        _ index: Int,
        _ change: (inout KernelFacts, inout BIRDFacts) -> Void = { _, _ in }
    ) {
        node(index) { kernel, bird in
            kernel.routes = [
                KernelRoute(prefix: Site.cidr(index), destination: .blackhole, nextHops: [])
            ]
            bird.routes[Site.cidr(index)]?[0].destination = .blackhole
            change(&kernel, &bird)
            kernel.routes.sort { $0.prefix < $1.prefix }
        }
    }
}
