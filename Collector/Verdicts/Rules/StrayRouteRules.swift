// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A CIDR inside the pod supernets that no node owns, in two reads of a switch. Aggregates above
/// owned CIDRs and host routes inside them are other matters; a CIDR that a drifted BIRD announces
/// belongs to the drift.
func staleRouteFindings(in world: World) -> [Finding] {
    guard !world.intents.isEmpty else { return [] }
    let drifted = driftedPrefixes(in: world)
    return world.sightsInOrder.flatMap { sight in
        let strangers = sight.table.routes.keys.filter { prefix in
            world.isInsideSupernets(prefix) && !world.snapshot.podSupernets.contains(prefix)
                && !world.owned.overlaps(prefix) && !drifted.contains(prefix)
                && sight.confirmed { $0.best(prefix, vrf: sight.vrf) != nil }
        }
        return strangers.sorted().map { staleFinding($0, sight, in: world) }
    }
}

private func driftedPrefixes(in world: World) -> Set<Prefix> {
    var drifted = Set<Prefix>()
    for (name, node) in world.intents {
        guard let facts = world.snapshot.nodes[name] else { continue }
        let statics = facts.birds.values.flatMap(\.statics).map(\.prefix)
        guard !statics.isEmpty, !node.podCIDRs.contains(where: statics.contains) else { continue }
        drifted.formUnion(statics.filter { !node.podCIDRs.contains($0) })
    }
    return drifted
}

private func staleFinding(_ prefix: Prefix, _ sight: SwitchSight, in world: World) -> Finding {
    let hops = sight.best(prefix)?.nextHops ?? []
    let owners = Set(hops.compactMap { world.addressOwners[$0] }).sorted()
    let via = hops.map(\.description).joined(separator: ", ")
    let by = owners.isEmpty ? "" : " (\(owners.joined(separator: ", ")))"
    let found = "via \(via)\(by)"
    return Finding(
        .switchRouteStale,
        prefix: prefix,
        switchName: sight.name,
        since: sight.view.histories[prefix]?.firstSeen,
        what: found,
        evidence: [Evidence(sight.source, sight.fact(prefix), found, at: sight.readAt)],
        verify: [sight.show(prefix)]
    )
}
