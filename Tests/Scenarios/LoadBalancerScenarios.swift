// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

@Suite struct LoadBalancerScenarios {
    private func read(
        _ site: inout Site,
        times: Int = 2,
        _ change: (inout LoadBalancerTable) -> Void
    ) {
        for _ in 0..<times { site.round(change) }
    }

    private func kill(_ table: inout LoadBalancerTable, _ addresses: [String]) {
        for index in table.all.indices
        where addresses.contains(table.all[index].address?.description ?? "") {
            table.all[index].monitor = "down"
            table.all[index].availability = "offline"
        }
    }

    @Test("ltm-route-missing: every CIDR, one incident, members down behind it folded")
    func routeMissing() {
        var site = Site()
        read(&site) { table in
            table.routes = []
            kill(&table, table.all.compactMap { $0.address?.description })
        }
        #expect(site.kinds == [.ltmRouteMissing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(loadBalancer: "ltm-1"))
        #expect(
            verdict.summary
                == "ltm-1 has no usable route to 4 pod CIDRs: no route covers it"
        )
        #expect(verdict.impact.poolMembers == 8)
    }

    @Test("a default route is enough; one through an unreachable gateway or a blackhole is not")
    func usable() {
        var site = Site()
        let gateway = address("10.3.1.254")
        read(&site) { table in
            table.routes = [
                LoadBalancerRoute(
                    name: "d",
                    prefix: prefix("0.0.0.0/0"),
                    routeDomain: nil,
                    target: .gateway(gateway)
                )
            ]
        }
        #expect(site.kinds == [])
        read(&site) { $0.routes[0].target = .gateway(address("192.0.2.1")) }
        #expect(site.kinds == [.ltmRouteMissing])
        read(&site) { $0.routes[0].target = .blackhole }
        #expect(site.kinds == [.ltmRouteMissing])
    }

    @Test("ltm-cidr-down: everything in one CIDR down, others up, every stage before holds")
    func cidrDown() {
        var site = Site()
        read(&site) { kill(&$0, ["10.16.2.10", "10.16.2.11"]) }
        #expect(site.kinds == [.ltmCIDRDown])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(node: "n3", prefix: Site.cidr(3), loadBalancer: "ltm-1"))
        // Monitor time-out 4 s and a third of the staleness limit: one read.
        #expect(verdict.hold == 19_000)
    }

    @Test(
        "several CIDRs that do not answer one load balancer are one verdict, which takes up theirs"
    )
    func cidrsDown() {
        var site = Site(nodes: 6)
        func hosts(_ nodes: ClosedRange<Int>) -> [String] {
            nodes.flatMap { ["10.16.\($0 - 1).10", "10.16.\($0 - 1).11"] }
        }
        read(&site) { kill(&$0, hosts(1...2)) }
        #expect(
            site.judgement.verdicts.map(\.identity) == [
                "ltm-cidr-down/ltm-1/10.16.0.0/24", "ltm-cidr-down/ltm-1/10.16.1.0/24",
            ]
        )
        read(&site) { kill(&$0, hosts(1...3)) }
        let verdicts = site.judgement.verdicts
        #expect(verdicts.map(\.identity) == ["ltm-cidr-down/ltm-1"])
        #expect(verdicts[0].absorbs.contains("ltm-cidr-down/ltm-1/10.16.0.0/24"))
        #expect(verdicts[0].subject == Subject(loadBalancer: "ltm-1"))
        #expect(
            verdicts[0].summary.hasPrefix(
                "10.16.0.0/24 of n1 and 2 more pod CIDRs do not answer ltm-1's monitors: "
            )
        )
    }

    @Test("a pool that was read long ago, and cannot be now, is believed a while longer")
    func unreadLater() {
        var site = Site()
        let unread: (inout LoadBalancerTable) -> Void = { table in
            table.unreadPools["/K8S/web"] = "HTTP 500"
            table.pools["/K8S/web"]?.began = at(900_000)
        }
        site.round()
        site.pass(3_600_000)
        for _ in 0..<3 { site.round(unread) }
        let table = site.snapshot.loadBalancers["ltm-1"]?.units["u"]?.latest?.value
        #expect(table?.pools(at: site.now, staleAfter: 45_000).count == 2)
        for _ in 0..<3 { site.round(unread) }
        let later = site.snapshot.loadBalancers["ltm-1"]?.units["u"]?.latest?.value
        #expect(later?.pools(at: site.now, staleAfter: 45_000).keys.sorted() == ["/K8S/api"])
    }

    @Test("ltm-members-down: scattered over CIDRs, the application's business")
    func membersDown() {
        var site = Site()
        read(&site) { kill(&$0, ["10.16.0.10", "10.16.3.11"]) }
        #expect(site.kinds == [.ltmMembersDown])
        #expect(site.judgement.verdicts[0].severity == .info)
    }

    @Test("members that a device does not know about are neither up nor down")
    func undecided() {
        var site = Site()
        read(&site) { table in
            for index in table.all.indices {
                table.all[index].monitor =
                    ["checking", "unchecked", "forced-down", "odd"][index % 4]
                table.all[index].availability = "unknown"
            }
        }
        #expect(site.kinds == [])
        #expect(
            site.states(.member, of: 1) == [.unknown(reason: "no member has a monitor's verdict")]
        )
    }

    @Test("a CIDR without members is not checked")
    func nothingExposed() {
        var site = Site()
        read(&site) { table in
            table.all.removeAll { Site.cidr(3).contains($0.address ?? address("::")) }
        }
        #expect(site.kinds == [])
        #expect(site.states(.member, of: 3) == [.notChecked])
    }

    @Test("an LTM that cannot be read is unknown, once")
    func unreadable() {
        var site = Site()
        for _ in 0..<4 {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] { site.read(name, .read(site.table(name))) }
            site.readLTM(.failed("HTTP 503"))
        }
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.judgement.verdicts[0].summary
                == "ltm-1 cannot be read: HTTP 503; traffic through it may be fine, podpath just cannot see it"
        )
    }

    @Test(
        "members that are down behind a switch whose doubtful read is not confirmed yet are not told"
    )
    func behindDoubt() {
        var site = Site()
        site.pass(15_000)
        site.heartbeats()
        site.read("a", .read(site.table("a") { $0.routes[Site.cidr(2)] = nil }))
        site.read("b", .read(site.table("b")))
        site.readLTM(
            .read(
                site.loadBalancer { table in
                    table.all[5] = site.member("/K8S/web", "10.16.1.10", isUp: false)
                }
            )
        )
        #expect(site.kinds == [])
        site.read("a", .read(site.table("a")))
        #expect(site.kinds == [.ltmMembersDown])
    }
}
