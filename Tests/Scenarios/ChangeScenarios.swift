// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// Whatever happens in whatever order: one who looks only at what has changed says what one says who looks at all.
@Suite struct ChangeScenarios {
    @Test("a judgement of what changed is the judgement of all", arguments: 1...60)
    func sameVerdicts(seed: UInt64) {
        var life = RandomLife(seed: seed)
        var judge = Judge()
        _ = judge.judge(life.site.snapshot, .everything, now: life.site.now)
        var narrow = 0
        for turn in 0..<60 {
            let changes = life.goOn()
            let (snapshot, now) = (life.site.snapshot, life.site.now)
            let before = life.last
            let judgement = judge.judge(snapshot, changes, now: now)
            let full = Verdicts.judge(snapshot, now: now)
            if judge.touched != nil { narrow += 1 }
            for verdict in full.verdicts { expectWhole(verdict) }
            guard judgement == full else {
                Issue.record("turn \(turn), \(life.what): \(difference(judgement, full))")
                return
            }
            if let touched = judge.touched, let before {
                let others = Set(full.paths.indices).subtracting(touched)
                #expect(others.allSatisfy { before.paths[$0] == full.paths[$0] }, "\(life.what)")
            }
            life.last = full
        }
        // Else nothing was tried.
        #expect(narrow > 10)
    }

    private func difference(_ one: Judgement, _ other: Judgement) -> String {
        for (left, right) in zip(one.paths, other.paths) where left != right {
            let stages = zip(left.stages, right.stages).filter { $0 != $1 }
            return "\(left.node) \(left.verdicts) \(right.verdicts): \(stages.prefix(2))"
        }
        let (left, right) = (one.verdicts.map(\.identity), other.verdicts.map(\.identity))
        guard left == right else { return "\(left) instead of \(right)" }
        for (left, right) in zip(one.verdicts, other.verdicts) where left != right {
            return "\(left) instead of \(right)"
        }
        guard one.nextChange == other.nextChange else {
            return
                "next change \(String(describing: one.nextChange)), \(String(describing: other.nextChange))"
        }
        return "doubt or what is not judged"
    }
}

/// A small site to which things happen, most of them to single nodes.
private struct RandomLife {
    var site = Site(nodes: 6)
    var pick: SeededGenerator
    var what = ""
    var last: Judgement?
    private var reboots = 0

    init(seed: UInt64) {
        pick = SeededGenerator(seed: seed)
        // Every other one is told by Kubernetes who owns what, and which pods there are.
        if seed % 2 == 0 {
            site.snapshot.intentSource = .kubernetes
            site.snapshot.kubernetes = ClusterFacts()
            site.snapshot.memberPatience = 20_000
            for update in Self.cluster { site.snapshot.apply(.cluster(update), at: site.now) }
        }
        for _ in 0..<2 { site.round() }
    }

    private static let cluster: [ClusterUpdate] = {
        let port = ClusterService.Port(name: "http", number: 80)
        let exposure = Exposure(pool: "/K8S/web", service: "default/web", port: 80)
        return [
            .ciliumNodes(.notOffered), .blockAffinities(.notOffered),
            .nodes(.listed(Dictionary(uniqueKeysWithValues: (1...6).map { ("n\($0)", node($0)) }))),
            .services(.listed(["default/web": ClusterService(ports: [port])])),
            .exposures(.listed(["default/web": exposure])),
            .endpointSlices(.listed(["web": slice(without: 0)])),
        ]
    }()

    private static func node(_ index: Int, isReady: Bool? = true) -> ClusterNode {
        var node = ClusterNode(
            podCIDRs: [Site.cidr(index)],
            addresses: [address("10.1.0.\(index)"), address("10.2.0.\(index)")],
            createdAt: at(0)
        )
        node.isReady = isReady
        return node
    }

    private static func slice(without missing: Int) -> EndpointSlice {
        EndpointSlice(
            service: "default/web",
            endpoints: (1...6).filter { $0 != missing }.map { index in
                EndpointSlice.Endpoint(
                    address: address("10.16.\(index - 1).10"),
                    node: "n\(index)",
                    isReady: true
                )
            },
            ports: [ClusterService.Port(name: "http", number: 80)]
        )
    }

    private mutating func cluster(_ index: Int) -> [(update: FactUpdate, at: Timestamp)] {
        guard site.snapshot.kubernetes != nil else { return [] }
        let update: ClusterUpdate
        switch Int.random(in: 0..<5, using: &pick) {
        case 0: update = .nodes(.changed(["n\(index)": Self.node(index, isReady: index % 2 == 0)]))
        case 1: update = .nodes(.failed("no answer"))
        case 2: update = .endpointSlices(.failed("no answer"))
        default: update = .endpointSlices(.changed(["web": Self.slice(without: index)]))
        }
        return [(.cluster(update), site.now)]
    }

    /// Some time passes, often to just where something is due; then one to three things happen.
    mutating func goOn() -> SnapshotChanges {
        what = ""
        let steps: [Int64] = [1, 20, 400, 1_000, 5_000, 5_000, 11_000, 29_000, 61_000, 300_000]
        var step = steps.randomElement(using: &pick) ?? 1
        if let next = last?.nextChange, Int.random(in: 0..<3, using: &pick) == 0 {
            step = max(1, next - site.now)
        }
        site.pass(step)
        what += "+\(step)"
        var updates: [(update: FactUpdate, at: Timestamp)] = []
        for _ in 0..<Int.random(in: 0...3, using: &pick) { updates += happening() }
        return site.snapshot.apply(updates)
    }

    private mutating func happening() -> [(update: FactUpdate, at: Timestamp)] {
        let index = Int.random(in: 1...6, using: &pick)
        let node = "n\(index)"
        let event = Int.random(in: 0..<31, using: &pick)
        what += " \(event)/\(index)"
        switch event {
        case 0..<6: return (1...6).map { (.agent(node: "n\($0)", .heartbeat), site.now) }
        case 6..<17: return [(report(index), site.now)]
        case 17: return [(.agent(node: node, .disconnected(.lost(reason: "reset"))), site.now)]
        case 18: return [(.agent(node: node, .disconnected(.left)), site.now)]
        case 19: return [(.agent(node: node, .connected(interval: 5_000, version: "t")), site.now)]
        case 20:
            let ahead = [0, 9_000, -7_000].randomElement(using: &pick) ?? 0
            return [(.agent(node: node, .clock(ahead: Int64(ahead))), site.now)]
        case 21, 28...30: return reads(index)
        case 22:
            return [(.agent(node: "stranger", .connected(interval: 1, version: "t")), site.now)]
        case 23...26: return cluster(index)
        default:
            let table = site.loadBalancer { table in
                for at in table.all.indices where at % 6 < index - 3 {
                    table.all[at].monitor = "down"
                }
                for at in table.all.indices where at % 6 < index - 3 {
                    table.all[at].availability = "offline"
                }
            }
            return [(.loadBalancerRead(name: "ltm-1", unit: "u", .read(table), took: 50), site.now)]
        }
    }

    private mutating func reads(_ index: Int) -> [(update: FactUpdate, at: Timestamp)] {
        let name = index % 2 == 0 ? "a" : "b"
        let result: ReadResult<SwitchTable>
        switch index {
        case 1, 2: result = .read(site.table(name) { $0.neighbors = neighbors(name) })
        case 3: result = .read(site.table(name) { $0.routes[Site.cidr(2)] = nil })
        case 4: result = .failed("no answer")
        default:
            result = .read(
                site.table(name) {
                    $0.routes[prefix("10.16.99.0/24")] = $0.routes[Site.cidr(1)]
                    $0.routes[Site.cidr(4)]?[0].nextHops = [address("10.1.0.3")]
                }
            )
        }
        return [(.switchRead(name: name, by: .polled, result, took: 50), site.now)]
    }

    /// What a switch says of the sessions it has: some of them, in whatever state.
    private mutating func neighbors(_ name: String) -> [IPAddress: SwitchNeighbor] {
        var neighbors: [IPAddress: SwitchNeighbor] = [:]
        for index in 1...6 where Int.random(in: 0..<6, using: &pick) > 0 {
            let isUp = Bool.random(using: &pick)
            neighbors[address(name == "a" ? "10.1.0.\(index)" : "10.2.0.\(index)")] =
                SwitchNeighbor(
                    isEstablished: isUp,
                    state: isUp ? "Established" : "Idle (PfxCt)",
                    prefixesReceived: nil
                )
        }
        return neighbors
    }

    /// What a node reports, with one or two things amiss, or none.
    private mutating func report(_ index: Int) -> FactUpdate {
        var (kernel, bird) = (Site.healthyKernel(index), Site.healthyBIRD(index))
        for _ in 0..<Int.random(in: 0...2, using: &pick) { spoil(&kernel, &bird, index) }
        return .agent(node: "n\(index)", .snapshot(kernel, ["bird.ctl": bird]))
    }

    private mutating func spoil(_ kernel: inout KernelFacts, _ bird: inout BIRDFacts, _ index: Int)
    {
        let uplink = Bool.random(using: &pick) ? "uplink0" : "uplink1"
        let event = Int.random(in: 0..<17, using: &pick)
        what += "~\(event)"
        switch event {
        case 0: kernel.routes = []
        case 1: kernel.links["cilium_host"]?.isAdminUp = false
        case 2: kernel.isComplete = false
        case 3:
            bird.exports[ExportKey(uplink: uplink, prefix: Site.cidr(index))] = .rejectedByFilter
        case 4, 5, 6:
            bird.sessions[uplink]?.state = .active
            bird.sessions[uplink]?.since = site.now
            bird.sessions[uplink]?.lastError = "Hold timer expired"
        case 7: (bird.condition, bird.conditionSince) = (.refused, site.now)
        case 8:
            reboots += 1
            bird.lastReboot = "boot \(reboots)"
        case 9: bird.statics = []; bird.routes = [:]
        case 10:
            let other = BIRDStatic(
                prefix: Site.cidr(index % 6 + 1),
                protocolName: "static1",
                isDormant: false,
                device: "cilium_host"
            )
            bird.statics.append(other)
        case 11: bird.routerID = address("10.1.0.99")
        case 12: kernel.links["cilium_host"]?.mtu = 1_450
        case 13: kernel.links["cilium_host"]?.index = UInt32.random(in: 5...9, using: &pick)
        case 15: kernel.routes = kernel.routes.filter { !$0.prefix.isHost }
        case 14:
            let hosts = (10..<15).map { host in
                KernelRoute(prefix: prefix("10.16.\(index - 1).\(host)/32"), nextHops: [])
            }
            kernel.routes.append(contentsOf: hosts)
            kernel.routes.append(
                KernelRoute(prefix: prefix("10.16.0.0/20"), destination: .blackhole)
            )
            kernel.routes.sort { $0.prefix < $1.prefix }
        default: bird.isRecovering = true
        }
    }
}
