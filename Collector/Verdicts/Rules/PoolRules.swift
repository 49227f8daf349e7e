// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What pools hold beside what Kubernetes wants in them, of each load balancer's active unit, in this order:
/// 1. the API server or the unit not believable, a pool of a partition that is not read, one that was never
///    there, or one of node addresses → nothing;
/// 2. no members, though ready pods have waited for a while → ltm-pool-emptied; most pools → one verdict;
/// 3. ready pods that two reads lack, for longer than the controller needs → ltm-member-missing; addresses of
///    nobody that two reads hold as long → ltm-member-stale, or where both are so a part of the former: pods that
///    moved;
/// 4. most pools drift like that at once → ltm-pools-frozen, in place of those.
///
/// All times end with the begin of the read: what the controller did after it is not in it.
///
/// `inDoubt`: pools that are not as they should be now, by load balancer, be it for a moment.
func poolFindings(in world: World) -> (findings: [Finding], inDoubt: [String: Set<String>]) {
    guard let cluster = world.snapshot.kubernetes, !cluster.isInDoubt(at: world.now) else {
        return ([], [:])
    }
    let exposures = cluster.allExposures
    var all: [Finding] = []
    var inDoubt: [String: Set<String>] = [:]
    for facts in world.snapshot.loadBalancers.values.sorted(by: { $0.name < $1.name }) {
        guard let sight = PoolSight(facts, at: world.now) else { continue }
        let drifts = exposures.compactMap { PoolDrift($0, cluster, sight, in: world) }
        all += findings(drifts, in: world)
        let differing = drifts.filter(\.differs).map(\.exposure.pool)
        if !differing.isEmpty { inDoubt[facts.name] = Set(differing) }
    }
    return (all, inDoubt)
}

/// While either side is not known nothing is said, and nothing is taken back.
func unjudgedKinds(in world: World) -> Set<Unjudged> {
    guard let cluster = world.snapshot.kubernetes else { return [] }
    let kinds: [Kind] = [.ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied, .ltmPoolsFrozen]
    guard !cluster.isInDoubt(at: world.now) else { return Set(kinds.map { Unjudged($0) }) }
    let unread = world.snapshot.loadBalancers.values.filter {
        $0.activeUnitName(at: world.now) == nil
    }
    let ofUnit = kinds + [.masqueradeOutside]
    return Set(unread.flatMap { facts in ofUnit.map { Unjudged($0, loadBalancer: facts.name) } })
}

/// As many pools of one load balancer as make a common cause: fewer may each have its own.
private let crowdCount = 3

/// Three of five: correlated failures, not a bad day of one application.
private func isCrowd(_ some: Int, of all: Int) -> Bool { some >= crowdCount && some * 5 >= all * 3 }

private func findings(_ drifts: [PoolDrift], in world: World) -> [Finding] {
    let isFrozen = isCrowd(drifts.count { $0.isDrifting && !$0.isEmptied }, of: drifts.count)
    let areEmptied = isCrowd(drifts.count(where: \.isEmptied), of: drifts.count)
    return drifts.flatMap { drift -> [Finding] in
        if drift.isEmptied {
            var finding = drift.finding(.ltmPoolEmptied, drift.emptiedWords, in: world)
            finding.isOfWhole = areEmptied
            return [finding]
        }
        guard !isFrozen || !drift.isDrifting else {
            return [drift.finding(.ltmPoolsFrozen, drift.words, in: world)]
        }
        guard drift.isDrifting else { return [] }
        // A pod that moved is missing where it is and stale where it was: one matter.
        let kind: Kind = drift.missing.isEmpty ? .ltmMemberStale : .ltmMemberMissing
        return [drift.finding(kind, drift.words, in: world)]
    }
}

/// Members are down because their pods are gone: what the controller has left behind, and neither the CIDR's nor
/// the application's fault. Of pods that are still there the usual counts: one is no CIDR.
func withoutDeparted(_ findings: [Finding], in world: World) -> [Finding] {
    func tellsOfMembers(_ finding: Finding) -> Bool {
        finding.kind == .ltmCIDRDown || finding.kind == .ltmMembersDown
    }
    guard findings.contains(where: tellsOfMembers),
        let departed = world.snapshot.kubernetes?.departed, !departed.isEmpty
    else { return findings }
    return findings.compactMap { finding in
        guard tellsOfMembers(finding), let name = finding.loadBalancer, let prefix = finding.prefix
        else { return finding }
        let down = world.members(of: name, in: prefix).filter { $0.isUp == false }
        let left = Set(down.compactMap(\.address)).subtracting(departed)
        guard !left.isEmpty else { return nil }
        var finding = finding
        if left.count == 1, finding.kind == .ltmCIDRDown {
            (finding.kind, finding.severity) = (.ltmMembersDown, Kind.ltmMembersDown.entry.severity)
        }
        return finding
    }
}

extension Watched {
    /// It is not followed any more: what was known stays for a while.
    fileprivate func isLost(at now: Timestamp) -> Bool {
        !isWatched || failure.map { now - $0.since > clusterPatience } ?? false
    }
}

extension ClusterFacts {
    /// What pools should hold is not known, or no longer. The controller's own resources count once there were
    /// some: where one may not ask for them nothing else is in doubt.
    fileprivate func isInDoubt(at now: Timestamp) -> Bool {
        let areKnown = services.isComplete && endpointSlices.isComplete && exposures.isComplete
        let areLost =
            services.isLost(at: now) || endpointSlices.isLost(at: now) || exposures.isLost(at: now)
        return !areKnown || areLost
            || [virtualServers, transportServers].contains {
                $0.condition == .synced && !$0.objects.isEmpty && $0.isLost(at: now)
            }
    }

    /// Until when all that decides of pools was heard of.
    var poolsHeard: Timestamp? {
        let heard = [endpointSlices.lastHeard, services.lastHeard, exposures.lastHeard]
        return heard.contains(nil) ? nil : heard.compactMap(\.self).min()
    }
}

/// An API server that restarts is back in that time; what it said stands meanwhile.
let clusterPatience: Int64 = 60_000

/// What the last two reads of each pool of a load balancer's active unit told.
struct PoolSight {
    let name: String
    let latest: Read<LoadBalancerTable>
    let history: MemberHistory
    private let previous: LoadBalancerTable
    private let pools: [String: LoadBalancerPool]

    init?(_ facts: LoadBalancerFacts, at now: Timestamp) {
        guard let unit = facts.activeUnitName(at: now), let readings = facts.units[unit],
            let latest = readings.latest, let previous = readings.previous,
            let history = facts.members[unit]
        else { return nil }
        name = facts.name
        self.latest = latest
        self.history = history
        self.previous = previous.value
        pools = latest.value.pools(at: now, staleAfter: readings.staleAfter)
    }

    func pool(_ name: String) -> LoadBalancerPool? { pools[name] }

    /// What the unit calls the pool of an exposure: the first of its names that it has, or had. Nil where two
    /// partitions have such a pool: which of them is meant nobody says.
    func name(of exposure: Exposure) -> String? {
        let names = ([exposure.pool] + exposure.alternatives).flatMap { name in
            guard name.hasPrefix("/*/") else { return [name] }
            return latest.value.partitions.sorted().map { "/\($0)/\(name.dropFirst(3))" }
        }
        let present = names.filter { pool($0) != nil }
        let partitions = Set(present.map { $0.split(separator: "/").first })
        guard partitions.count <= 1 else { return nil }
        return present.first ?? names.first(where: hasVanished) ?? exposure.pool
    }

    /// It had members, and two lists of pools lack it.
    func hasVanished(_ name: String) -> Bool {
        latest.value.pools[name] == nil && previous.pools[name] == nil
            && !latest.value.awaitedPools.contains(name) && !previous.awaitedPools.contains(name)
            && history.lastGone(of: name) != nil
    }
}
