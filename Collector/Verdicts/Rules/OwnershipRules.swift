// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

// owner-duplicate: two nodes own overlapping CIDRs, or a node announces one that another owns
// while it also holds its own (without its own it is drift, and named as that).

extension JudgedPath {
    var isDrifting: Bool { findings.contains { $0.kind == .birdConfigDrift } }
}

// MARK: - As a switch sees it

/// What a switch has of an owned CIDR, or of a part of it, from another node than its owner: from
/// whoever announces it (BMP), beside the owner's among its next hops, or as a longer prefix. A single
/// foreign next hop of the CIDR itself may be the switch's own doing: that is switch-wrong-next-hop.
func seenClaims(in world: World) -> [SeenClaim] {
    world.sights.flatMap { sight in
        sight.claims(in: world).map { claim in
            var finding = duplicate(
                claim.prefix,
                [claim.node, claim.owner],
                "announced by \(claim.node), owned by \(claim.owner)",
                [
                    Evidence(sight.source, claim.fact, claim.addresses, at: sight.readAt),
                    world.ownership(claim.owned, of: claim.owner),
                ],
                in: world
            )
            finding.switchName = sight.name
            let seen = sight.show(claim.prefix, "bgp").showing("a path from \(claim.node)")
            finding.verify.insert(seen, at: 0)
            return SeenClaim(node: claim.node, finding: finding)
        }
    }
}

/// Of a node that drifts its own drift is told.
func seenTwice(_ claims: [SeenClaim], except drifting: Set<String>) -> [Finding] {
    claims.filter { !drifting.contains($0.node) }.map(\.finding)
}

struct SeenClaim: Sendable {
    var node: String
    var finding: Finding
}

private struct Claim: Hashable {
    var prefix: Prefix
    /// The owner's, of which it is a part.
    var owned: Prefix
    var owner: String
    var node: String
    var fact: String
    var addresses: String
}

extension SwitchSight {
    /// In both of the last two reads of a way.
    fileprivate func claims(in world: World) -> [Claim] {
        let readings = [view.readings] + others.map(\.view.readings)
        let all = readings.flatMap { readings -> [Claim] in
            guard let latest = readings.latest?.value, let previous = readings.previous?.value
            else { return [] }
            let now = claims(in: world, latest)
            // Nearly always there is none, and the read before need not be gone through.
            guard !now.isEmpty else { return [] }
            let before = Set(claims(in: world, previous))
            return now.filter(before.contains)
        }
        return Set(all).sorted { ($0.prefix, $0.node, $0.fact) < ($1.prefix, $1.node, $1.fact) }
    }

    private func claims(in world: World, _ table: SwitchTable) -> [Claim] {
        let announced = table.announcers.flatMap { prefix, addresses in
            claims(prefix, addresses, "announcers of", in: world)
        }
        var forwarded: [Claim] = []
        for (prefix, routes) in table.routes {
            let isShared =
                routes.contains { $0.nextHops.count > 1 } || world.owners[prefix] == nil
            guard isShared, let route = table.best(prefix, vrf: vrf),
                route.nextHops.count > 1 || world.owners[prefix] == nil
            else { continue }
            let fact = way == .polled ? "RIB" : way.word
            forwarded += claims(prefix, route.nextHops, fact, in: world)
        }
        return announced + forwarded
    }

    /// A host route is a pod's, and another matter.
    private func claims(
        _ prefix: Prefix,
        _ addresses: [IPAddress],
        _ fact: String,
        in world: World
    ) -> [Claim] {
        guard !prefix.isHost, let (owned, owner) = world.owners.longestMatch(prefix)
        else { return [] }
        let strangers = Set(addresses.compactMap { world.addressOwners[$0] }).subtracting([owner])
        guard !strangers.isEmpty else { return [] }
        let words = addresses.map(\.description).joined(separator: ", ")
        return strangers.map { node in
            Claim(
                prefix: prefix,
                owned: owned,
                owner: owner,
                node: node,
                fact: "\(fact) \(prefix)",
                addresses: words
            )
        }
    }
}

// MARK: - As the nodes say it

/// Sorted neighbours suffice: prefixes nest or are disjoint.
func ownedTwice(in world: World) -> [Finding] {
    let sorted = world.paths.sorted { ($0.prefix, $0.node) < ($1.prefix, $1.node) }
    var findings: [Finding] = []
    var widest: (prefix: Prefix, node: String)?
    for path in sorted {
        if let above = widest, above.prefix.contains(path.prefix) {
            if above.node != path.node {
                findings.append(
                    duplicate(
                        path.prefix,
                        [above.node, path.node],
                        "owned by \(above.node) and \(path.node)",
                        [
                            world.ownership(above.prefix, of: above.node),
                            world.ownership(path.prefix, of: path.node),
                        ],
                        in: world
                    )
                )
            }
        } else {
            widest = (path.prefix, path.node)
        }
    }
    return findings
}

func announcedTwice(
    by name: String,
    _ facts: NodeFacts,
    _ paths: [JudgedPath],
    in world: World
) -> [Finding] {
    guard !paths.contains(where: \.isDrifting) else { return [] }
    var foreign: [Prefix: String] = [:]
    for bird in facts.birds.values {
        for held in bird.statics where !held.isDormant {
            foreign[held.prefix] = otherOwner(of: held.prefix, than: name, in: world)
        }
    }
    return foreign.sorted { $0.key < $1.key }.map { prefix, owner in
        let owned = world.owners.longestMatch(prefix)?.prefix ?? prefix
        let evidence = [
            Evidence("agent \(name)", "BIRD static \(prefix)", "present", at: facts.lastHeard),
            world.ownership(owned, of: owner),
        ]
        let what = "announced by \(name), owned by \(owner)"
        return duplicate(prefix, [name, owner], what, evidence, in: world)
    }
}

private func otherOwner(of prefix: Prefix, than name: String, in world: World) -> String? {
    if let owner = world.owners[prefix] { return owner == name ? nil : owner }
    guard let (_, owner) = world.owners.longestMatch(prefix), owner != name else { return nil }
    return owner
}

/// `nodes`: who announces what is another's is named before its owner.
private func duplicate(
    _ prefix: Prefix,
    _ nodes: [String],
    _ what: String,
    _ evidence: [Evidence],
    in world: World
) -> Finding {
    var finding = Finding(
        .ownerDuplicate,
        node: nodes.joined(separator: ", "),
        prefix: prefix,
        what: what,
        evidence: evidence,
        verify: nodes.flatMap { world.askOwner(of: $0, prefix) }
    )
    finding.announced = (prefix, nodes)
    return finding
}
