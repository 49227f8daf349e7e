// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// Names the first broken stage of every pod CIDR's way. Pure: the same snapshot and time give the
/// same judgement, in any process.
package func judge(_ snapshot: Snapshot, now: Timestamp) -> Judgement {
    var judge = Judge()
    return judge.judge(snapshot, .everything, now: now)
}

/// The same judgement, for one who judges again and again: what nothing has touched is not looked at anew.
///
/// 1. For each CIDR the stages are filled in along the way: intent, kernel, bird, per uplink
///    export and session, per switch its RIB, then the load balancer.
/// 2. A stage that fails while everything before it holds is a root; later failures are impact.
/// 3. Ownership, stale routes and unreadable sources are judged over all paths.
/// 4. Roots with one cause are grouped, and what a wider root explains is folded into it.
package struct Judge: Sendable {
    private var site: JudgedSite?
    /// Where in the last judgement's paths something may be other than in the one before; nil: anywhere.
    package private(set) var touched: [Int]?

    package init() {}

    /// `changes` are all since the last judgement, whose snapshot this one continues.
    package mutating func judge(
        _ snapshot: Snapshot,
        _ changes: SnapshotChanges,
        now: Timestamp
    ) -> Judgement {
        if site?.advance(to: snapshot, changes, now: now) != true {
            site = JudgedSite(snapshot, now: now)
        }
        // It is moved out and in again: a copy of all lanes would cost more than all else.
        guard var site = site.take() else {
            return Judgement(paths: [], verdicts: [], nextChange: nil)
        }
        defer { self.site = site }
        let judgement = site.conclude()
        touched = site.touched
        return judgement
    }
}

func judgePath(_ prefix: Prefix, of node: NodeSight, in world: World) -> JudgedPath {
    var path = JudgedPath(prefix: prefix, node: node.name)
    path.trace.stages.reserveCapacity(world.stageCount(of: node))
    path.add(StageResult(.intent, .ok, detail: "owned by \(node.name)"))
    judgeNode(&path, node, in: world)
    judgeUplinks(&path, node, in: world)
    path.endNode()
    if let intent = node.intent {
        judgeDevices(&path, of: intent, facing: node.facing, node.addresses, in: world)
    }
    return path
}

/// The stages behind the node's own, of which one who has been told of devices alone looks only at these.
func judgeDevices(
    _ path: inout JudgedPath,
    of intent: NodeIntent,
    facing: [String],
    _ addresses: Set<IPAddress>,
    in world: World
) {
    judgeSwitches(&path, facing: facing, addresses, in: world)
    judgeLoadBalancers(&path, in: world)
    judgeWideIPs(&path, in: world)
    if isInTransit(intent, now: world.now) { path.findings = [] }
}

extension World {
    /// At most so many results one of its paths has: what is known is not grown into.
    fileprivate func stageCount(of node: NodeSight) -> Int {
        3 + 2 * max(1, node.uplinks.count) + max(1, switches.count) + 4
            * max(1, loadBalancers.count)
    }
}
