// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A site under judgement: what was found of each node, what was found of all, and the sum.
struct JudgedSite: Sendable {
    private var world: World
    private var whole: SiteFindings
    private var devicesUntil: Timestamp?
    private var clusterUntil: Timestamp?
    /// In order of their nodes' names.
    private var lanes: [NodeLane]
    private let lane: [String: Int]
    /// Where in the list of paths each lane's begin.
    private let starts: [Int]
    private let positions: PathPositions
    /// When each lane has to be looked at again; at hand, for it is asked of all of them each time.
    private var nextChanges: [Int64]
    /// Lanes that are not plain.
    private var marked: Set<Int>
    private var fleet: Fleet
    private var paths: PathList
    /// Where paths name verdicts.
    private var annotated: Set<Int> = []
    private(set) var touched: [Int]?

    init(_ snapshot: Snapshot, now: Timestamp) {
        let world = World(snapshot, now: now)
        self.world = world
        whole = SiteFindings(in: world)
        devicesUntil = world.nextDeviceChange()
        clusterUntil = world.nextClusterChange()
        // An agent may report that is no node's.
        let strangers = snapshot.nodes.keys.filter { world.intents[$0] == nil }
        let names = strangers.isEmpty ? world.nodes : (world.nodes + strangers).sorted()
        let lanes = names.map { NodeLane($0, in: world) }
        self.lanes = lanes
        lane = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        var (starts, traces): ([Int], [PathTrace]) = ([], [])
        starts.reserveCapacity(lanes.count)
        traces.reserveCapacity(world.paths.count)
        for lane in lanes {
            starts.append(traces.count)
            for path in lane.paths { traces.append(path.trace) }
        }
        self.starts = starts
        positions = PathPositions(traces)
        nextChanges = lanes.map(\.deadline)
        marked = Set(lanes.indices.filter { !lanes[$0].isPlain })
        fleet = Fleet(lanes)
        paths = PathList(traces)
    }

    /// False if the site has to be judged as a whole.
    mutating func advance(
        to snapshot: Snapshot,
        _ changes: SnapshotChanges,
        now: Timestamp
    ) -> Bool {
        guard !changes.isWide, wholeUntil.map({ now < $0 }) ?? true, now >= world.now else {
            return false
        }
        let watchedReadiness = world.watchesReadiness
        world.advance(to: snapshot, now: now)
        touched = []
        if changes.hasClusterMoved {
            guard world.watchesReadiness == watchedReadiness, !world.hasLostPods else {
                return false
            }
            if !changes.haveDevicesMoved { whole.renew(in: world) }
            clusterUntil = world.nextClusterChange()
        }
        if changes.haveDevicesMoved {
            guard readDevices() else { return false }
        }
        for index in nextChanges.indices where nextChanges[index] <= now.milliseconds {
            guard renew(index) else { return false }
        }
        for name in changes.nodes {
            guard let index = lane[name], renew(index) else { return false }
        }
        return true
    }

    /// What switches and load balancers show of all paths, and of each node no more than hangs on that.
    private mutating func readDevices() -> Bool {
        world.readDevices()
        whole = SiteFindings(in: world, owned: whole.owned)
        devicesUntil = world.nextDeviceChange()
        for index in lanes.indices {
            if lanes[index].leansOnDevices {
                guard renew(index) else { return false }
            } else {
                lanes[index].readDevices(in: world)
                show(index)
            }
        }
        // When they were read is told of every path.
        touched = nil
        return true
    }

    /// Judges a lane anew; false if what is new about it concerns others.
    private mutating func renew(_ index: Int) -> Bool {
        let old = lanes[index]
        let new = NodeLane(old.name, in: world)
        guard !new.concernsOthers(after: old, in: world) else { return false }
        fleet.replace(old, by: new)
        lanes[index] = new
        nextChanges[index] = new.deadline
        show(index)
        return true
    }

    /// Puts a lane's paths where others look for them.
    private mutating func show(_ index: Int) {
        if lanes[index].isPlain { marked.remove(index) } else { marked.insert(index) }
        for (offset, path) in lanes[index].paths.enumerated() {
            let position = starts[index] + offset
            paths[position] = path.trace
            touched?.append(position)
        }
    }

    /// The judgement, of what each lane and the whole show.
    mutating func conclude() -> Judgement {
        let marked = marked.sorted().map { lanes[$0] }
        var judged = marked.flatMap(\.paths)
        let duplicates =
            (whole.owned + marked.flatMap(\.announced)
            + seenTwice(whole.claims, except: judged.drifting)).map(world.withBIRDs)
        fold(&judged, under: duplicates)
        fold(&judged, underHosts: whole.hosts)
        var findings =
            withoutDeparted(judged.flatMap(\.findings), in: world).map(world.withBIRDs) + duplicates
            + staleRouteFindings(whole.strangers, marked.map(\.drifted), in: world)
            + whole.hosts.map(world.withBIRDs)
            + blackholeFindings(marked.flatMap(\.holes), in: world)
            + marked.compactMap(\.speakers) + marked.flatMap(\.filters)
            + fleet.unusualMTUs(lanes) + marked.compactMap(\.clock)
        // Where objects disagree, what the node uses is told with it.
        findings +=
            whole.intents.contains { $0.kind == .ownerDisagreement }
            ? intentFindings(in: world) : whole.intents
        findings +=
            whole.settings + whole.pools.findings + whole.units.findings
            + whole.lostRoutes + marked.compactMap(\.silence) + whole.watchers
        findings += readinessFindings(in: world, marked.filter(\.mayBeUnready).map(\.name), judged)
        findings = withLoadBalancers(findings, judged)
        let verdicts = verdicts(from: findings, of: fleet, carried: { carriedCounts() }, in: world)
        annotate(verdicts)
        return Judgement(
            paths: paths,
            verdicts: verdicts,
            unjudged: unjudgedKinds(in: world),
            inDoubt: poolsBehind(judged, in: world)
                .merging(whole.pools.inDoubt) { $0.union($1) }
                .merging(whole.units.inDoubt) { $0.union($1) },
            isIntentKnown: world.snapshot.intent.latest != nil,
            wellRead: wellRead(in: world),
            nextChange: nextChange
        )
    }

    private var wholeUntil: Timestamp? {
        [devicesUntil, clusterUntil].compactMap(\.self).min()
    }

    private var nextChange: Timestamp? {
        let lane = nextChanges.min() ?? .max
        let next = min(lane, wholeUntil?.milliseconds ?? .max)
        return next == .max ? nil : Timestamp(milliseconds: next)
    }

    /// What the load balancers' own stages say, once all before them is known.
    private func withLoadBalancers(
        _ roots: [Finding],
        _ judged: [JudgedPath]
    ) -> [Finding] {
        var findings = roots
        // What comes in by an uplink that filters strictly is lost, and its members with it.
        let filtering = Set(findings.filter { $0.kind == .rpFilterStrict }.compactMap(\.node))
        findings.removeAll { finding in
            finding.kind == .ltmMembersDown && filtering.contains(finding.node ?? "")
                && downPods(finding, in: world) > 1
        }
        let servers = virtualServerFindings(in: world, judged, findings) { prefix in
            positions[prefix].contains { paths[$0].isDoubted }
        }
        // Members that are down are what a virtual server is offline for: one incident, not two.
        let offline = Set(servers.map { [$0.loadBalancer, $0.pool] })
        findings.removeAll {
            $0.kind == .ltmMembersDown && $0.pool != nil
                && offline.contains([$0.loadBalancer, $0.pool])
        }
        return findings + servers + globalFindings(in: world, findings + servers)
    }

    /// How many CIDRs of a family each switch should have.
    private func carriedCounts() -> [SwitchFamily: Int] {
        var counts: [SwitchFamily: Int] = [:]
        for path in lanes.lazy.flatMap(\.paths) {
            for name in Set(path.carrying.compactMap(\.switchName)) {
                let family = SwitchFamily(name: name, family: path.trace.prefix.family)
                counts[family, default: 0] += 1
            }
        }
        return counts
    }

    /// Names at each path the verdicts that it is part of.
    private mutating func annotate(_ verdicts: [Verdict]) {
        var kinds: [Int: [Kind]] = [:]
        for verdict in verdicts {
            for position in verdict.impact.prefixes.flatMap({ positions[$0] }) {
                kinds[position, default: []].append(verdict.kind)
            }
        }
        for position in annotated where kinds[position] == nil { set([], at: position) }
        for (position, kinds) in kinds { set(kinds, at: position) }
        annotated = Set(kinds.keys)
    }

    private mutating func set(_ kinds: [Kind], at position: Int) {
        guard paths[position].verdicts != kinds else { return }
        paths[position].verdicts = kinds
        touched?.append(position)
    }
}

extension NodeLane {
    /// As a number; the end of time where nothing is to come.
    fileprivate var deadline: Int64 { nextChange?.milliseconds ?? .max }
}

extension [JudgedPath] {
    fileprivate var drifting: Set<String> {
        Set(filter { $0.isDrifting }.map(\.trace.node))
    }
}

/// One pod that is down is its own matter.
private func downPods(_ finding: Finding, in world: World) -> Int {
    guard let name = finding.loadBalancer, let prefix = finding.prefix else { return 0 }
    let down = world.members(of: name, in: prefix).filter { $0.isUp == false }
    return Set(down.compactMap(\.address)).count
}

/// Pools with members in CIDRs whose way is broken, or may be: they are about to go down or to come back.
private func poolsBehind(_ paths: [JudgedPath], in world: World) -> [String: Set<String>] {
    let broken = paths.filter { $0.isCut || $0.isLostOnSwitch }.map(\.trace.prefix)
    var pools: [String: Set<String>] = [:]
    for sight in world.loadBalancers {
        let behind = broken.flatMap { sight.index.poolNumbers(in: $0) }
        if !behind.isEmpty { pools[sight.name] = Set(behind.map { sight.index.pools[$0].name }) }
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
