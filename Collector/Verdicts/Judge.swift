// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// Names the first broken stage of every pod CIDR's way. Pure: the same snapshot and time give the
/// same judgement, in any process.
///
/// 1. For each CIDR the stages are filled in along the way: intent, kernel, bird, per uplink
///    export and session, per switch its RIB, then the load balancer.
/// 2. A stage that fails while everything before it holds is a root; later failures are impact.
/// 3. Ownership, stale routes and unreadable sources are judged over all paths.
/// 4. Roots with one cause are grouped, and what a wider root explains is folded into it.
package func judge(_ snapshot: Snapshot, now: Timestamp) -> Judgement {
    let world = World(snapshot, now: now)
    var paths = world.paths.map { judgePath($0.prefix, of: $0.node, in: world) }
    let duplicates = ownershipFindings(in: world, paths)
    fold(&paths, under: duplicates)
    let findings =
        paths.flatMap(\.findings) + duplicates + staleRouteFindings(in: world)
        + watcherFindings(in: world)
    let verdicts = verdicts(from: findings, in: world)
    return Judgement(
        paths: annotated(paths, with: verdicts),
        verdicts: verdicts,
        nextChange: nextChange(of: snapshot, after: now)
    )
}

private func judgePath(_ prefix: Prefix, of node: NodeIntent, in world: World) -> JudgedPath {
    var path = JudgedPath(prefix: prefix, node: node.name)
    path.add(StageResult(.intent, .ok, detail: "owned by \(node.name)"))
    judgeNode(&path, in: world)
    judgeUplinks(&path, in: world)
    judgeSwitches(&path, of: node, in: world)
    judgeLoadBalancers(&path, in: world)
    path.add(StageResult(.virtualServer, .notChecked))
    path.add(StageResult(.gtm, .notChecked))
    return path
}

/// A CIDR with two owners has wrong next hops by nature: the duplicate is the root.
private func fold(_ paths: inout [JudgedPath], under duplicates: [Finding]) {
    let claimed = duplicates.compactMap(\.prefix)
    for index in paths.indices {
        let prefix = paths[index].trace.prefix
        guard claimed.contains(where: { $0.overlaps(prefix) }) else { continue }
        paths[index].findings.removeAll {
            [.switchWrongNextHop, .switchRouteMissing, .ltmCIDRDown].contains($0.kind)
        }
    }
}

private func annotated(_ paths: [JudgedPath], with verdicts: [Verdict]) -> [PathTrace] {
    paths.map { path in
        var trace = path.trace
        trace.verdicts = verdicts.filter { verdict in
            verdict.impact.prefixes.contains(trace.prefix)
        }.map(\.kind)
        return trace
    }
}

/// The next moment at which the same facts are judged differently.
private func nextChange(of snapshot: Snapshot, after now: Timestamp) -> Timestamp? {
    var moments = [snapshot.startedAt + firstReportGrace + 1]
    for facts in snapshot.nodes.values {
        moments.append(facts.lastHeard + snapshot.agentStaleAfter + 1)
        // A goodbye's grace ends later than the agent's own patience.
        moments.append(facts.lastHeard + goodbyeGrace + 1)
        for bird in facts.birds.values {
            moments.append(bird.conditionSince + sessionStartGrace)
            for session in bird.sessions.values {
                if let since = session.since { moments.append(since + sessionStartGrace) }
            }
        }
    }
    for view in snapshot.switches.values.flatMap(\.views.values) {
        moments += [view.readings.staleAt].compactMap(\.self) + changes(of: view)
    }
    moments += snapshot.loadBalancers.values.flatMap(\.units.values).compactMap(\.staleAt)
    return moments.filter { $0 > now }.min()
}
