// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A CIDR inside the pod supernets that no node owns, in two reads of a switch. Aggregates above
/// owned CIDRs and host routes inside them are other matters; a CIDR that a drifted BIRD announces
/// belongs to the drift.
func staleRouteFindings(
    _ strangers: [StrayRoute],
    _ drifted: [Set<Prefix>],
    in world: World
) -> [Finding] {
    guard !strangers.isEmpty else { return [] }
    let drifted = drifted.reduce(into: Set<Prefix>()) { $0.formUnion($1) }
    return strangers.filter { !drifted.contains($0.prefix) }.compactMap { stranger in
        world.sight(ofSwitch: stranger.switchName).map {
            staleFinding(stranger.prefix, $0, in: world)
        }
    }
}

struct StrayRoute: Sendable {
    var prefix: Prefix
    var switchName: String
}

func strayRoutes(in world: World) -> [StrayRoute] {
    guard !world.intents.isEmpty else { return [] }
    return world.sights.flatMap { sight in
        let strangers = sight.table.routes.keys.filter { prefix in
            // Nearly all are owned, and that is known soonest.
            world.owners[prefix] == nil && world.isInsideSupernets(prefix)
                && !world.snapshot.podSupernets.contains(prefix)
                && !world.owned.overlaps(prefix)
                && sight.confirmed { $0.best(prefix, vrf: sight.vrf) != nil }
        }
        return strangers.sorted().map { StrayRoute(prefix: $0, switchName: sight.name) }
    }
}

func driftedPrefixes(of intent: NodeIntent, _ node: NodeSight) -> Set<Prefix> {
    let owned = intent.podCIDRs
    let holdsOwn = node.daemons.contains { $0.facts.statics.contains { owned.contains($0.prefix) } }
    guard !holdsOwn else { return [] }
    return Set(node.daemons.flatMap(\.facts.statics).map(\.prefix))
}

private func staleFinding(_ prefix: Prefix, _ sight: SwitchSight, in world: World) -> Finding {
    let hops = sight.best(prefix)?.nextHops ?? []
    let owners = Set(hops.compactMap { world.addressOwners[$0] }).sorted()
    let via = hops.map(\.description).joined(separator: ", ")
    let by = owners.isEmpty ? "" : " (\(owners.joined(separator: ", ")))"
    let kind = sight.best(prefix)?.protocolName ?? ""
    let found = hops.isEmpty ? "without a next hop (\(kind))" : "via \(via)\(by)"
    let source = world.snapshot.intentSource == .kubernetes ? "kubernetes" : "nodes"
    return Finding(
        .switchRouteStale,
        prefix: prefix,
        switchName: sight.name,
        since: sight.view.histories[prefix]?.firstSeen,
        what: found,
        evidence: [
            Evidence(sight.source, sight.fact(prefix), found, at: sight.readAt),
            Evidence(
                source,
                "owner of \(prefix)",
                "none of \(world.nodes.count) nodes",
                at: world.snapshot.intent.latest?.at
            ),
        ],
        verify: [
            sight.show(prefix).showing("a route that nobody should have"),
            sight.show(prefix, "bgp").showing("from which neighbor it comes"),
        ]
            + owners.prefix(2).compactMap { node in
                world.snapshot.nodes[node].map {
                    Verification(on: node, $0.birdc("show route \(prefix) all", prefix: prefix))
                        .showing("the protocol it comes from, if the node announces it")
                }
            }
    )
}
