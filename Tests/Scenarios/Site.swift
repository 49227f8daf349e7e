// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Routing
import Support
import Verdicts

/// A small healthy site that scenarios break: nodes n1…n4 with pod CIDRs 10.16.0.0/24 …
/// 10.16.3.0/24, two uplinks each to switches a and b, and an LTM with two pools.
struct Site {
    var snapshot: Snapshot
    var now = at(1_000_000)
    let count: Int

    init(nodes count: Int = 4) {
        self.count = count
        snapshot = Snapshot(
            cluster: "lab",
            podSupernets: [prefix("10.16.0.0/16")],
            agentStaleAfter: 15_000,
            intentSource: .file,
            startedAt: at(0)
        )
        snapshot.apply(.intent(.read(Self.intents(count))), at: at(900_000))
        for name in ["a", "b"] {
            let neighbor = address(name == "a" ? "10.1.0.254" : "10.2.0.254")
            snapshot.switches[name] = SwitchFacts(
                name: name,
                neighbors: [neighbor],
                ways: [.polled: 45_000]
            )
        }
        snapshot.loadBalancers["ltm-1"] = LoadBalancerFacts(
            name: "ltm-1",
            podsVia: .staticRoutes,
            units: ["u": Readings(staleAfter: 45_000)]
        )
        for index in 1...count { report(index) }
        readAll()
        readAll()
    }

    static func intents(_ count: Int) -> [String: NodeIntent] {
        var nodes: [String: NodeIntent] = [:]
        for index in 1...count {
            nodes["n\(index)"] = NodeIntent(
                name: "n\(index)",
                podCIDRs: [cidr(index)],
                addresses: [address("10.1.0.\(index)"), address("10.2.0.\(index)")]
            )
        }
        return nodes
    }

    static func cidr(_ index: Int) -> Prefix { prefix("10.16.\(index - 1).0/24") }

    // MARK: - Facts

    static func healthyKernel(_ index: Int) -> KernelFacts {
        let hop = NextHop(gateway: address("10.16.\(index - 1).1"), device: "cilium_host")
        let link = Link(name: "cilium_host", index: 4, isAdminUp: true, hasCarrier: true, mtu: 1500)
        return KernelFacts(
            isComplete: true,
            routes: [KernelRoute(prefix: cidr(index), nextHops: [hop])],
            links: ["cilium_host": link]
        )
    }

    static func healthyBIRD(_ index: Int) -> BIRDFacts {
        var bird = BIRDFacts(condition: .readable, conditionSince: at(0))
        bird.routerID = address("10.1.0.\(index)")
        bird.statics = [
            BIRDStatic(
                prefix: cidr(index),
                protocolName: "static1",
                isDormant: false,
                device: "cilium_host"
            )
        ]
        bird.routes[cidr(index)] = [
            BIRDRoute(
                prefix: cidr(index),
                table: "master4",
                protocolName: "static1",
                destination: .unicast,
                isBest: true
            )
        ]
        for (uplink, neighbor) in [("uplink0", "10.1.0.254"), ("uplink1", "10.2.0.254")] {
            bird.sessions[uplink] = BGPSession(
                name: uplink,
                protocolState: .up,
                state: .established,
                neighbor: address(neighbor),
                since: at(500_000),
                channels: [BGPChannel(name: "ipv4", state: .up, exported: 1)]
            )
            bird.exports[ExportKey(uplink: uplink, prefix: cidr(index))] = .sent
        }
        return bird
    }

    /// A whole report of one node, changed by `change`.
    mutating func report(
        _ index: Int,
        _ change: (inout KernelFacts, inout BIRDFacts) -> Void = { _, _ in }
    ) {
        var (kernel, bird) = (Self.healthyKernel(index), Self.healthyBIRD(index))
        change(&kernel, &bird)
        let node = "n\(index)"
        if snapshot.nodes[node]?.connection != .connected {
            snapshot.apply(.agent(node: node, .connected(interval: 5_000, version: "t")), at: now)
        }
        snapshot.apply(.agent(node: node, .snapshot(kernel, ["bird.ctl": bird])), at: now)
    }

    mutating func heartbeats(except silent: Set<Int> = []) {
        for index in 1...count where !silent.contains(index) {
            snapshot.apply(.agent(node: "n\(index)", .heartbeat), at: now)
        }
    }

    // MARK: - Reads

    func table(_ name: String, _ change: (inout SwitchTable) -> Void = { _ in }) -> SwitchTable {
        var table = SwitchTable(hasSummary: true, listsAllNeighbors: true)
        for index in 1...count {
            let hop = address(name == "a" ? "10.1.0.\(index)" : "10.2.0.\(index)")
            table.routes[Self.cidr(index)] = [
                SwitchRoute(
                    prefix: Self.cidr(index),
                    vrf: "default",
                    nextHops: [hop],
                    protocolName: "bgp",
                    isBest: true
                )
            ]
        }
        change(&table)
        return table
    }

    func loadBalancer(_ change: (inout LoadBalancerTable) -> Void = { _ in }) -> LoadBalancerTable {
        var table = LoadBalancerTable(monitorTimeout: 4_000)
        table.selfNetworks = [prefix("10.3.1.0/24")]
        table.routes = [
            LoadBalancerRoute(
                name: "pods",
                prefix: prefix("10.16.0.0/16"),
                routeDomain: nil,
                target: .gateway(address("10.3.1.254"))
            )
        ]
        for index in 1...count {
            for (pool, host) in [("/K8S/web", 10), ("/K8S/api", 11)] {
                table.all.append(member(pool, "10.16.\(index - 1).\(host)", isUp: true))
            }
        }
        table.virtualServers = [
            VirtualServer(
                name: "/K8S/web",
                destination: "/K8S/10.50.0.10:80",
                pool: "/K8S/web",
                availability: "available",
                enabled: "enabled",
                reason: ""
            )
        ]
        change(&table)
        return table
    }

    func member(_ pool: String, _ text: String, isUp: Bool) -> PoolMember {
        PoolMember(
            pool: pool,
            address: address(text),
            routeDomain: nil,
            port: 80,
            availability: isUp ? "available" : "offline",
            enabled: "enabled",
            session: "enabled",
            monitor: isUp ? "up" : "down",
            reason: isUp ? "" : "No successful responses"
        )
    }

    mutating func read(
        _ name: String,
        by way: SwitchWay = .polled,
        _ result: ReadResult<SwitchTable>
    ) {
        snapshot.apply(.switchRead(name: name, by: way, result, took: 50), at: now)
    }

    mutating func readLTM(_ result: ReadResult<LoadBalancerTable>) {
        snapshot.apply(.loadBalancerRead(name: "ltm-1", unit: "u", result, took: 50), at: now)
    }

    /// Every polled source once, healthy.
    mutating func readAll() {
        for name in ["a", "b"] { read(name, .read(table(name))) }
        readLTM(.read(loadBalancer()))
    }

    /// All of it read once more, a period later; the load balancer `change`d, all else as it should be.
    mutating func round(_ change: (inout LoadBalancerTable) -> Void = { _ in }) {
        pass(15_000)
        heartbeats()
        for name in ["a", "b"] { read(name, .read(table(name))) }
        readLTM(.read(loadBalancer(change)))
    }

    mutating func pass(_ milliseconds: Int64) { now = now + milliseconds }

    var judgement: Judgement {
        let judgement = judge(snapshot, now: now)
        expectTyped(judgement, in: snapshot)
        return judgement
    }
    var kinds: [Kind] { judgement.verdicts.map(\.kind) }

    func states(_ stage: PathStage, of index: Int) -> [StageState] {
        judgement.paths.first { $0.node == "n\(index)" }?.states(stage).map(\.state) ?? []
    }
}

/// Everything is read once more, each time a while later; switch a `change`d, all else as it should be.
func read(
    _ site: inout Site,
    times: Int = 1,
    every period: Int64 = 15_000,
    _ change: (inout SwitchTable) -> Void = { _ in }
) {
    for _ in 0..<times {
        site.pass(period)
        site.heartbeats()
        site.read("a", .read(site.table("a", change)))
        site.read("b", .read(site.table("b")))
        site.readLTM(.read(site.loadBalancer()))
    }
}

extension LoadBalancerTable {
    /// All members of all pools, to be changed in place; a pool that loses its last stays, empty.
    var all: [PoolMember] {
        get { members }
        set {
            let groups = Dictionary(grouping: newValue, by: \.pool)
            for name in Set(pools.keys).union(groups.keys) {
                pools[name, default: LoadBalancerPool()].members = groups[name] ?? []
            }
        }
    }
}
