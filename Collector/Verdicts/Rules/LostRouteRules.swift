// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Routes to pod CIDRs that vanished from the active unit between two reads, two at least → ltm-routes-removed.
/// Those of CIDRs that nobody owns any more went rightly; those that nothing else covers are
/// ltm-route-missing, which is worse, or will be with the next read.
func lostRouteFindings(in world: World) -> [Finding] {
    world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }.compactMap { facts in
        guard facts.podsVia.isByRoute, let unit = facts.activeUnitName(at: world.now),
            let losses = facts.lostRoutes[unit]?.losses.values
        else { return nil }
        let sight = world.sight(of: facts.name)?.routes.active?.latest
        let told = losses.filter { loss in
            world.owned.overlaps(loss.route.prefix) && sight?.state(of: loss.route.prefix) == .ok
        }.sorted { ($0.at, $0.route.prefix) < ($1.at, $1.route.prefix) }
        // Nodes that leave one by one take their routes with them.
        let together = Dictionary(grouping: told, by: \.at).values.filter { $0.count >= 2 }
            .flatMap(\.self).sorted { ($0.at, $0.route.prefix) < ($1.at, $1.route.prefix) }
        guard together.count >= 2, let first = together.first?.route.prefix, let sight else {
            return nil
        }
        let now = "\(first) is reached by \(sight.look(at: first).words)"
        return finding(together, now, facts.name, world.device(of: facts.name))
    }
}

/// `now`: how the first is reached all the same.
private func finding(
    _ losses: [LostRoutes.Loss],
    _ now: String,
    _ name: String,
    _ device: String
) -> Finding {
    let what = "\(losses.count) routes to pod CIDRs are gone, others still cover them: \(now)"
    return Finding(
        .ltmRoutesRemoved,
        loadBalancer: name,
        since: losses.first?.at,
        what: what,
        evidence: losses.prefix(6).map {
            Evidence(name, "route \($0.route.name) for \($0.route.prefix)", "gone", at: $0.at)
        },
        verify: [
            Verification(on: device, listRoutes, shows: "none of those named"),
            Verification(
                on: device,
                "tmsh show net route",
                shows: "the wider ones that are used now"
            ),
        ]
    )
}
