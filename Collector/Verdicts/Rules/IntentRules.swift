// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// How long a node may take until everything about it is in place: kubelet, CNI, BIRD, a neighbour on each
/// switch.
let newNodeGrace: Int64 = 600_000

/// Expected absence is no fault: a node that is on its way in or out.
func isInTransit(_ node: NodeIntent, now: Timestamp) -> Bool {
    node.isLeaving || node.createdAt.map { now - $0 < newNodeGrace } ?? false
}

/// no-pod-cidr and owner-disagreement: what Kubernetes and its CNI say of each node, whatever the node does.
func intentFindings(in world: World) -> [Finding] {
    guard world.snapshot.intentSource == .kubernetes else { return [] }
    let nodes = world.intents.values.sorted { $0.name < $1.name }.filter { !$0.isLeaving }
    let disagreements = nodes.filter { !$0.podCIDRs.isEmpty }.compactMap {
        disagreement($0, in: world)
    }
    // Two allocators that differ on most nodes are how the cluster is made: the CNI's word counts.
    let both = nodes.count { $0.claims.count > 1 }
    let isByDesign = disagreements.count > 1 && disagreements.count * 2 > both
    return nodes.filter(\.podCIDRs.isEmpty).map { noPodCIDR($0, in: world) }
        + (isByDesign ? [] : disagreements)
}

private func noPodCIDR(_ node: NodeIntent, in world: World) -> Finding {
    let given = world.intents.values.count { !$0.podCIDRs.isEmpty }
    let others = "\(given) other \(given == 1 ? "node has its own" : "nodes have theirs")"
    let kind = world.snapshot.kubernetes?.allocator ?? "Node"
    let named = world.snapshot.kubernetes.map { $0.named(for: node.name) } ?? "none"
    let why =
        named == nil
        ? "there is no \(kind) \(node.name)"
        : "no \(kind) gives it one inside \(list(world.snapshot.podSupernets)) (pod-cidrs in podpath's"
            + " configuration)"
    return Finding(
        .noPodCIDR,
        node: node.name,
        since: node.createdAt,
        what: "\(why); \(others)",
        evidence: [
            Evidence(
                "kubernetes",
                "\(kind) \(node.name)",
                named ?? "there is no such object",
                at: world.snapshot.kubernetes?.lastHeard
            )
        ],
        verify: [
            Verification.podCIDRs(of: node.name, by: kind)
                .showing("NotFound, nothing, or what is not inside"),
            Verification(on: "kubernetes", "kubectl describe node \(node.name)")
                .showing("under Events why it has none"),
        ]
    )
}

extension ClusterFacts {
    /// What its allocator names for a node that has nothing which counts; nil: it has no object for it.
    fileprivate func named(for node: String) -> String? {
        func words(_ prefixes: [Prefix]?) -> String? {
            guard let prefixes else { return nil }
            return prefixes.isEmpty ? "names none" : "\(list(prefixes)), outside of pod-cidrs"
        }
        return switch allocator {
        case "CiliumNode": words(ciliumNodes.objects[node]?.podCIDRs)
        case "BlockAffinity": "none inside pod-cidrs is confirmed"
        default: words(nodes.objects[node]?.podCIDRs)
        }
    }
}

private func disagreement(_ node: NodeIntent, in world: World) -> Finding? {
    let said = node.claims.sorted { $0.key < $1.key }
    guard Set(said.map { Set($0.value) }).count > 1 else { return nil }
    let words = said.map { "\($0.key) says \(list($0.value))" }
    var evidence = said.map {
        Evidence(
            "kubernetes",
            "\($0.key) \(node.name)",
            list($0.value),
            at: world.snapshot.intent.latest?.at
        )
    }
    if let facts = world.snapshot.nodes[node.name], world.doubt(of: facts) == nil,
        facts.kernel.isComplete
    {
        let used = facts.claimedPodCIDRs(inside: world.snapshot.podSupernets)
        evidence.append(Evidence("agent \(node.name)", "uses", list(used), at: facts.lastHeard))
    }
    return Finding(
        .ownerDisagreement,
        node: node.name,
        prefix: node.podCIDRs.first,
        what: words.joined(separator: ", ") + world.deciding,
        evidence: evidence,
        verify: said.map { kind, prefixes in
            Verification.podCIDRs(of: node.name, by: kind).showing(list(prefixes))
        }
    )
}

extension World {
    /// Whose word podpath goes by where two objects differ.
    fileprivate var deciding: String {
        snapshot.kubernetes.map { "; podpath goes by \($0.allocator)" } ?? ""
    }
}

/// The CIDR that the node's kernel and its BIRD both use in place of the one that it owns: as large, and nobody's.
/// Of a node that claims what it uses there is none.
func prefixUsed(
    insteadOf path: JudgedPath,
    _ facts: NodeFacts,
    in world: World
) -> Prefix? {
    let owned = path.trace.prefix
    let statics = facts.birds.values.flatMap(\.statics).filter { !$0.isDormant }.map(\.prefix)
    guard world.snapshot.intentSource != .agents, !statics.contains(owned) else { return nil }
    return facts.localPrefixes(inside: world.snapshot.podSupernets).first { used in
        used.length == owned.length && used.family == owned.family && statics.contains(used)
            && world.owners[used] == nil
    }
}

func disagreement(
    _ used: Prefix,
    _ path: JudgedPath,
    _ facts: NodeFacts,
    in world: World
) -> Finding {
    let (node, owned) = (path.trace.node, path.trace.prefix)
    return Finding(
        .ownerDisagreement,
        node: node,
        prefix: owned,
        what: "it owns \(owned), its kernel and its BIRD use \(used), which no node owns",
        evidence: [
            Evidence("agent \(node)", "kernel route \(owned)", "absent", at: facts.lastHeard),
            Evidence("agent \(node)", "kernel route \(used)", "present", at: facts.lastHeard),
            Evidence("agent \(node)", "BIRD static \(used)", "present", at: facts.lastHeard),
            world.ownership(owned, of: node),
        ],
        verify: [
            Verification.route(used, on: node).showing("a route: the node uses it"),
            facts.askStatic(used, on: node, shows: "\(used): BIRD announces it"),
        ]
            + world.askOwner(of: node, owned)
    )
}

/// Some object says that the node owns a CIDR that is not its own, and no other node's either.
func isNamed(_ prefix: Prefix, for node: String, in world: World) -> Bool {
    world.owners[prefix] == nil
        && world.intents[node]?.claims.values.contains { $0.contains(prefix) } ?? false
}

/// BIRD is configured by the object whose word does not count: it does as it was told, and the way is cut.
func disagreementInBIRD(
    _ named: Prefix,
    _ path: JudgedPath,
    _ facts: NodeFacts,
    in world: World
) -> Finding {
    let (node, owned) = (path.trace.node, path.trace.prefix)
    let said = (world.intents[node]?.claims ?? [:]).sorted { $0.key < $1.key }
    let words = said.map { "\($0.key) says \(list($0.value))" }.joined(separator: ", ")
    return Finding(
        .ownerDisagreement,
        node: node,
        prefix: owned,
        severity: .critical,
        what: "\(words)\(world.deciding); BIRD holds \(named) alone",
        evidence: [
            Evidence("agent \(node)", "BIRD route \(owned)", "absent", at: facts.lastHeard),
            Evidence("agent \(node)", "BIRD static \(named)", "present", at: facts.lastHeard),
            world.ownership(owned, of: node),
        ],
        verify: [facts.askStatic(named, on: node, shows: "\(named), and not \(owned)")]
            + said.map { kind, prefixes in
                Verification.podCIDRs(of: node, by: kind).showing(list(prefixes))
            },
        hold: Kind.birdConfigDrift.entry.hold
    )
}

private func list(_ prefixes: [Prefix]) -> String {
    prefixes.isEmpty ? "none" : prefixes.map(\.description).joined(separator: ", ")
}
