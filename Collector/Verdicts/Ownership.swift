// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

extension World {
    /// Who says that a pod CIDR is the node's, by the objects that name it.
    func ownership(_ prefix: Prefix, of node: String) -> Evidence {
        let claims = intents[node]?.claims ?? [:]
        let kinds = claims.filter { $0.value.contains(prefix) }.keys.sorted()
        let source =
            switch snapshot.intentSource {
            case .kubernetes: "kubernetes"
            case .file: "nodes file"
            case .agents: "agent \(node)"
            }
        let fact = kinds.isEmpty ? "pod CIDR of node" : kinds.joined(separator: ", ")
        return Evidence(source, "\(fact) \(node)", "\(prefix)", at: snapshot.intent.latest?.at)
    }

    /// Where one can ask them. Of what stands in a file, or is what agents claim, nobody else can be asked.
    func askOwner(of node: String, _ prefix: Prefix) -> [Verification] {
        guard snapshot.intentSource == .kubernetes else { return [] }
        let claims =
            intents[node]?.claims.filter { $0.value.contains { $0.overlaps(prefix) } } ?? [:]
        let allocator = snapshot.kubernetes?.allocator ?? "Node"
        let kinds = claims.isEmpty ? [allocator] : claims.keys.sorted()
        return kinds.map { .podCIDRs(of: node, by: $0) }
    }
}

extension Verification {
    /// The pod CIDRs that an object of that kind gives to a node.
    static func podCIDRs(of node: String, by kind: String) -> Verification {
        let command =
            switch kind {
            case "CiliumNode":
                "kubectl get ciliumnode \(node) -o jsonpath='{.spec.ipam.podCIDRs}{.spec.ipam.pools.allocated}'"
            case "BlockAffinity":
                "kubectl get blockaffinities.crd.projectcalico.org -o custom-columns=NODE:.spec.node,CIDR:.spec.cidr,STATE:.spec.state | grep -iw \(node)"
            default: "kubectl get node \(node) -o jsonpath='{.spec.podCIDRs}'"
            }
        return Verification(on: "kubernetes", command)
            .showing("the pod CIDRs that it gives the node")
    }
}
