// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Verdicts

/// Judges a large, healthy site: nodes × 2 prefixes × 2 uplinks, two switches, and ten pool members a node.
/// Prints the milliseconds of each judgement, one a line, and how many paths and verdicts there were; then the same of
/// judgements after one node reported a change, which is mended by the next; after a switch was read and had nothing
/// new, or had lost one route or got it back; and after the BIG-IP was read and had nothing new.
///
///     benchmark-judge NODES ROUNDS
@main struct JudgeBenchmark {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard arguments.count == 2, arguments[0] > 0, arguments[0] <= 60_000 else {
            print("benchmark-judge NODES ROUNDS")
            exit(2)
        }
        var site = LargeSite(nodes: arguments[0])
        site.readAll()
        site.readAll()
        for _ in 0..<arguments[1] {
            let began = ContinuousClock.now
            let judgement = judge(site.snapshot, now: site.now)
            let took = (ContinuousClock.now - began) / .milliseconds(1)
            print("full", took, judgement.paths.count, judgement.verdicts.count)
        }
        var judge = Judge()
        _ = judge.judge(site.snapshot, .everything, now: site.now)
        measure("change", 200, &site, &judge) { site, turn in
            site.report(turn / 2 * 7 % arguments[0], isBroken: turn % 2 == 0)
        }
        measure("switch", 2 * arguments[1], &site, &judge) { site, _ in site.readSwitch(0) }
        measure("switch-route", 2 * arguments[1], &site, &judge) { site, turn in
            site.readSwitch(0, lacking: turn % 2 == 0 ? turn / 2 : nil)
        }
        measure("bigip", 2 * arguments[1], &site, &judge) { site, _ in site.readLoadBalancer() }
    }

    private static func measure(
        _ name: String,
        _ turns: Int,
        _ site: inout LargeSite,
        _ judge: inout Judge,
        _ change: (inout LargeSite, Int) -> SnapshotChanges
    ) {
        for turn in 0..<turns {
            let changes = change(&site, turn)
            let began = ContinuousClock.now
            let judgement = judge.judge(site.snapshot, changes, now: site.now)
            let took = (ContinuousClock.now - began) / .milliseconds(1)
            print(name, took, judgement.paths.count, judgement.verdicts.count)
        }
    }
}

private struct LargeSite {
    var snapshot: Snapshot
    var now = Timestamp(milliseconds: 1_000_000)
    private let count: Int

    init(nodes count: Int) {
        self.count = count
        snapshot = Snapshot(
            cluster: "large",
            podSupernets: [Self.prefix(0x0a00_0000, 8), Self.prefix6(0, 32)],
            agentStaleAfter: 60_000,
            intentSource: .file,
            startedAt: Timestamp(milliseconds: 0)
        )
        var intents: [String: NodeIntent] = [:]
        for index in 0..<count {
            intents[Self.name(index)] = NodeIntent(
                name: Self.name(index),
                podCIDRs: Self.cidrs(index),
                addresses: [Self.uplinkAddress(0, index), Self.uplinkAddress(1, index)]
            )
        }
        snapshot.apply(.intent(.read(intents)), at: now)
        for index in 0..<2 {
            snapshot.switches["s\(index)"] = SwitchFacts(
                name: "s\(index)",
                neighbors: [Self.switchAddress(index)],
                ways: [.polled: 60_000]
            )
        }
        snapshot.loadBalancers["ltm"] = LoadBalancerFacts(
            name: "ltm",
            podsVia: .staticRoutes,
            units: ["u": Readings(staleAfter: 60_000)]
        )
        for index in 0..<count { report(index) }
    }

    private static func name(_ index: Int) -> String { "node-\(index)" }

    private static func prefix(_ bits: UInt128, _ length: Int) -> Prefix {
        Prefix(containing: IPAddress(family: .ipv4, bits: bits), length: length)
            ?? Prefix(host: IPAddress(family: .ipv4, bits: bits))
    }

    private static func prefix6(_ index: Int, _ length: Int) -> Prefix {
        let bits = UInt128(0xfd00_0010) << 96 | UInt128(index) << 64
        let address = IPAddress(family: .ipv6, bits: bits)
        return Prefix(containing: address, length: length) ?? Prefix(host: address)
    }

    private static func cidrs(_ index: Int) -> [Prefix] {
        [prefix(0x0a00_0000 + UInt128(index) << 8, 24), prefix6(index, 64)]
    }

    private static func uplinkAddress(_ uplink: Int, _ index: Int) -> IPAddress {
        IPAddress(family: .ipv4, bits: 0xac10_0000 + UInt128(uplink) << 17 + UInt128(index))
    }

    private static func switchAddress(_ index: Int) -> IPAddress {
        IPAddress(family: .ipv4, bits: 0xc0a8_0000 + UInt128(index))
    }

    @discardableResult
    mutating func report(_ index: Int, isBroken: Bool = false) -> SnapshotChanges {
        var bird = BIRDFacts(condition: .readable, conditionSince: Timestamp(milliseconds: 0))
        var routes: [KernelRoute] = []
        for cidr in Self.cidrs(index) {
            let hop = NextHop(gateway: nil, device: "cilium_host")
            routes.append(KernelRoute(prefix: cidr, nextHops: [hop]))
            bird.statics.append(
                BIRDStatic(prefix: cidr, protocolName: "s", isDormant: false, device: "cilium_host")
            )
            bird.routes[cidr] = [
                BIRDRoute(
                    prefix: cidr,
                    table: "m",
                    protocolName: "s",
                    destination: .unicast,
                    isBest: true
                )
            ]
            for uplink in 0..<2 {
                bird.exports[ExportKey(uplink: "uplink\(uplink)", prefix: cidr)] = .sent
            }
        }
        for uplink in 0..<2 {
            bird.sessions["uplink\(uplink)"] = BGPSession(
                name: "uplink\(uplink)",
                protocolState: .up,
                state: .established,
                neighbor: Self.switchAddress(uplink),
                since: Timestamp(milliseconds: 500_000),
                channels: []
            )
        }
        let link = Link(name: "cilium_host", index: 4, isAdminUp: true, hasCarrier: true, mtu: 1500)
        var kernel = KernelFacts(
            isComplete: true,
            routes: routes.sorted { $0.prefix < $1.prefix },
            links: ["cilium_host": link]
        )
        let node = Self.name(index)
        if snapshot.nodes[node] == nil {
            snapshot.apply(.agent(node: node, .connected(interval: 5_000, version: "b")), at: now)
        }
        if isBroken { kernel.routes = [] }
        return snapshot.apply(.agent(node: node, .snapshot(kernel, ["bird.ctl": bird])), at: now)
    }

    mutating func readAll() {
        now = now + 15_000
        for uplink in 0..<2 { readSwitch(uplink) }
        readLoadBalancer()
    }

    @discardableResult
    mutating func readSwitch(_ uplink: Int, lacking missing: Int? = nil) -> SnapshotChanges {
        // A little later, and not so much that agents would have to speak again.
        now = now + 1
        var table = SwitchTable(hasSummary: true, listsAllNeighbors: true)
        for index in 0..<count {
            for cidr in Self.cidrs(index) where index != missing || cidr.family == .ipv6 {
                table.routes[cidr] = [
                    SwitchRoute(
                        prefix: cidr,
                        vrf: "default",
                        nextHops: [Self.uplinkAddress(uplink, index)],
                        protocolName: "bgp",
                        isBest: true
                    )
                ]
            }
        }
        return snapshot.apply(
            .switchRead(name: "s\(uplink)", by: .polled, .read(table), took: 50),
            at: now
        )
    }

    @discardableResult
    mutating func readLoadBalancer() -> SnapshotChanges {
        now = now + 1
        return snapshot.apply(
            .loadBalancerRead(name: "ltm", unit: "u", .read(loadBalancer()), took: 50),
            at: now
        )
    }

    private func loadBalancer() -> LoadBalancerTable {
        var table = LoadBalancerTable(monitorTimeout: 4_000)
        table.selfNetworks = [Self.prefix(0xc0a8_6400, 24), Self.prefix6(0, 32)]
        table.routes = [
            LoadBalancerRoute(
                name: "pods",
                prefix: Self.prefix(0x0a00_0000, 8),
                routeDomain: nil,
                target: .gateway(IPAddress(family: .ipv4, bits: 0xc0a8_6401))
            )
        ]
        for index in 0..<count {
            for pod in 0..<10 {
                table.pools["/K8S/pool-\(index % 500)", default: LoadBalancerPool()].members.append(
                    PoolMember(
                        pool: "/K8S/pool-\(index % 500)",
                        address: IPAddress(
                            family: .ipv4,
                            bits: 0x0a00_0000 + UInt128(index) << 8 + UInt128(pod + 10)
                        ),
                        routeDomain: nil,
                        port: 80,
                        availability: "available",
                        enabled: "enabled",
                        session: "enabled",
                        monitor: "up",
                        reason: ""
                    )
                )
            }
        }
        return table
    }
}
