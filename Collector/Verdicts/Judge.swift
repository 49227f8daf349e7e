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
    let hosts = hostRouteFindings(in: world)
    fold(&paths, underHosts: hosts)
    let pools = poolFindings(in: world)
    let units = unitFindings(in: world)
    var findings =
        withoutDeparted(paths.flatMap(\.findings), in: world) + duplicates
        + staleRouteFindings(in: world)
        + hosts + blackholeFindings(in: world) + twoSpeakers(in: world)
        + nodeHintFindings(in: world)
        + intentFindings(in: world) + settingFindings(in: world) + pools.findings
        + units.findings + lostRouteFindings(in: world) + watcherFindings(in: world)
    findings += readinessFindings(in: world, paths)
    // What comes in by an uplink that filters strictly is lost, and its members with it.
    let filtering = Set(findings.filter { $0.kind == .rpFilterStrict }.compactMap(\.node))
    findings.removeAll { finding in
        finding.kind == .ltmMembersDown && filtering.contains(finding.node ?? "")
            && downPods(finding, in: world) > 1
    }
    let servers = virtualServerFindings(in: world, paths, findings)
    // Members that are down are what a virtual server is offline for: one incident, not two.
    let offline = Set(servers.map { [$0.loadBalancer, $0.pool] })
    findings.removeAll {
        $0.kind == .ltmMembersDown && $0.pool != nil
            && offline.contains([$0.loadBalancer, $0.pool])
    }
    findings += servers
    findings += globalFindings(in: world, findings)
    let verdicts = verdicts(from: findings, carried: carriedCounts(paths), in: world)
    return Judgement(
        paths: annotated(paths, with: verdicts),
        verdicts: verdicts,
        unjudged: unjudgedKinds(in: world),
        inDoubt: poolsBehind(paths, in: world).merging(pools.inDoubt) { $0.union($1) }
            .merging(units.inDoubt) { $0.union($1) },
        isIntentKnown: snapshot.intent.latest != nil,
        nextChange: nextChange(in: world)
    )
}

/// One pod that is down is its own matter.
private func downPods(_ finding: Finding, in world: World) -> Int {
    guard let name = finding.loadBalancer, let prefix = finding.prefix else { return 0 }
    let down = world.members(of: name, in: prefix).filter { $0.isUp == false }
    return Set(down.compactMap(\.address)).count
}

private func judgePath(_ prefix: Prefix, of node: NodeIntent, in world: World) -> JudgedPath {
    var path = JudgedPath(prefix: prefix, node: node.name)
    path.add(StageResult(.intent, .ok, detail: "owned by \(node.name)"))
    judgeNode(&path, in: world)
    judgeUplinks(&path, in: world)
    judgeSwitches(&path, of: node, in: world)
    judgeLoadBalancers(&path, in: world)
    judgeWideIPs(&path, in: world)
    if isInTransit(node, now: world.now) { path.findings = [] }
    return path
}

/// How many CIDRs of a family each switch should have.
private func carriedCounts(_ paths: [JudgedPath]) -> [SwitchFamily: Int] {
    var counts: [SwitchFamily: Int] = [:]
    for path in paths {
        for name in Set(path.carrying.compactMap(\.switchName)) {
            counts[SwitchFamily(name: name, family: path.trace.prefix.family), default: 0] += 1
        }
    }
    return counts
}

/// Pools with members in CIDRs whose way is broken, or may be: they are about to go down or to come back.
private func poolsBehind(_ paths: [JudgedPath], in world: World) -> [String: Set<String>] {
    let broken = paths.filter { $0.isCut || $0.isLostOnSwitch }.map(\.trace.prefix)
    var pools: [String: Set<String>] = [:]
    for name in world.snapshot.loadBalancers.keys {
        let behind = Set(broken.flatMap { world.members(of: name, in: $0).map(\.pool) })
        if !behind.isEmpty { pools[name] = behind }
    }
    return pools
}

/// A CIDR with two owners has wrong next hops by nature: the duplicate is the root.
private func fold(_ paths: inout [JudgedPath], under duplicates: [Finding]) {
    guard !duplicates.isEmpty else { return }
    let claimed = PrefixSet(duplicates.compactMap(\.prefix))
    for index in paths.indices {
        let prefix = paths[index].trace.prefix
        guard claimed.overlaps(prefix) else { continue }
        paths[index].findings.removeAll {
            [.switchWrongNextHop, .switchRouteMissing, .ltmCIDRDown].contains($0.kind)
        }
    }
}

private func annotated(_ paths: [JudgedPath], with verdicts: [Verdict]) -> [PathTrace] {
    var kinds: [Prefix: [Kind]] = [:]
    for verdict in verdicts {
        for prefix in verdict.impact.prefixes { kinds[prefix, default: []].append(verdict.kind) }
    }
    return paths.map { path in
        var trace = path.trace
        trace.verdicts = kinds[trace.prefix] ?? []
        return trace
    }
}

/// The next moment at which the same facts are judged differently.
private func nextChange(in world: World) -> Timestamp? {
    let (snapshot, now) = (world.snapshot, world.now)
    var moments = [snapshot.startedAt + firstReportGrace + 1]
    for facts in snapshot.nodes.values {
        moments.append(facts.lastHeard + snapshot.agentStaleAfter + 1)
        // A goodbye's grace ends later than the agent's own patience.
        moments.append(facts.lastHeard + goodbyeGrace + 1)
        moments += facts.flapEnds() + facts.restartEnds()
        moments += facts.recoveryEnds()
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
    moments += world.intents.values.compactMap(\.createdAt).map { $0 + newNodeGrace }
    moments += snapshot.kubernetes?.failures.map { $0.failure.since + clusterPatience + 1 } ?? []
    moments += snapshot.loadBalancers.values.flatMap(\.units.values).compactMap(\.staleAt)
    return moments.filter { $0 > now }.min()
}
