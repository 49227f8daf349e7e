// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// owner-duplicate: two nodes own overlapping CIDRs, or a node announces one that another owns
/// while it also holds its own (without its own it is drift, and named as that).
func ownershipFindings(in world: World, _ paths: [JudgedPath]) -> [Finding] {
    let drifting = Set(
        paths.filter { $0.findings.contains { $0.kind == .birdConfigDrift } }.map(\.trace.node)
    )
    return ownedTwice(in: world) + announcedTwice(in: world, except: drifting)
}

/// Sorted neighbours suffice: prefixes nest or are disjoint.
private func ownedTwice(in world: World) -> [Finding] {
    let sorted = world.paths.sorted { ($0.prefix, $0.node.name) < ($1.prefix, $1.node.name) }
    var findings: [Finding] = []
    var widest: (prefix: Prefix, node: String)?
    for path in sorted {
        if let above = widest, above.prefix.contains(path.prefix) {
            if above.node != path.node.name {
                findings.append(
                    duplicate(path.prefix, [above.node, path.node.name], "owned by", [])
                )
            }
        } else {
            widest = (path.prefix, path.node.name)
        }
    }
    return findings
}

private func announcedTwice(in world: World, except drifting: Set<String>) -> [Finding] {
    world.snapshot.nodes.keys.sorted().flatMap { name in
        guard !drifting.contains(name), let facts = world.facts(of: name).facts else {
            return [Finding]()
        }
        let statics = Set(
            facts.birds.values.flatMap(\.statics).filter { !$0.isDormant }.map(\.prefix)
        )
        return statics.sorted().compactMap { prefix in
            guard let owner = otherOwner(of: prefix, than: name, in: world) else { return nil }
            let evidence = Evidence(
                "agent \(name)",
                "BIRD static \(prefix)",
                "present",
                at: facts.lastHeard
            )
            return duplicate(prefix, [owner, name], "owned by \(owner), announced by", [evidence])
        }
    }
}

private func otherOwner(of prefix: Prefix, than name: String, in world: World) -> String? {
    if let owner = world.owners[prefix] { return owner == name ? nil : owner }
    guard let (_, owner) = world.owners.longestMatch(prefix), owner != name else { return nil }
    return owner
}

private func duplicate(
    _ prefix: Prefix,
    _ nodes: [String],
    _ verb: String,
    _ evidence: [Evidence]
) -> Finding {
    let claimants =
        verb.hasPrefix("owned by ") ? nodes.last ?? "" : nodes.joined(separator: " and ")
    return Finding(
        .ownerDuplicate,
        node: nodes.joined(separator: ", "),
        prefix: prefix,
        what: "\(verb) \(claimants)",
        evidence: evidence,
        verify: nodes.map { Verification(on: $0, "birdc -r show static") }
    )
}
