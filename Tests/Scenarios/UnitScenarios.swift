// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// Two units of one load balancer: u is active, v is ready to take over.
@Suite struct UnitScenarios {
    private func pair() -> Site {
        var site = Site()
        site.snapshot.loadBalancers["ltm-1"]?.units["v"] = Readings(staleAfter: 45_000)
        for _ in 0..<2 { read(&site) }
        return site
    }

    private func read(
        _ site: inout Site,
        times: Int = 1,
        active: (inout LoadBalancerTable) -> Void = { _ in },
        standby: (inout LoadBalancerTable) -> Void = { _ in }
    ) {
        for _ in 0..<times {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] { site.read(name, .read(site.table(name))) }
            let own = site.loadBalancer {
                $0.partitions = ["K8S"]
                active(&$0)
            }
            site.readLTM(.read(own))
            let other = site.loadBalancer {
                $0.role = .standby
                $0.partitions = ["K8S"]
                standby(&$0)
            }
            site.snapshot.apply(
                .loadBalancerRead(name: "ltm-1", unit: "v", .read(other), took: 50),
                at: site.now
            )
        }
    }

    private func kill(_ table: inout LoadBalancerTable) {
        for index in table.all.indices {
            table.all[index].monitor = "down"
            table.all[index].availability = "offline"
        }
        for index in table.virtualServers.indices {
            table.virtualServers[index].availability = "offline"
        }
    }

    @Test("ltm-unit-differs: the standby unit lacks members, once two reads of it say so")
    func lacksMembers() {
        var site = pair()
        let lacking = { (table: inout LoadBalancerTable) in
            table.all.removeAll { $0.address == address("10.16.1.10") }
        }
        read(&site, standby: lacking)
        #expect(site.kinds == [])
        read(&site, standby: lacking)
        #expect(site.kinds == [.ltmUnitDiffers])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.summary == "ltm-1: unit v (standby) lacks 1 member")
        #expect(verdict.subject == Subject(loadBalancer: "ltm-1"))
        read(&site)
        #expect(site.kinds == [])
    }

    @Test("ltm-unit-differs: the standby unit has no route, or lacks a whole pool")
    func lacksRoutesAndPools() {
        var site = pair()
        read(&site, times: 2) {
            _ in
        } standby: { table in
            table.routes = []
            table.pools["/K8S/api"] = nil
            table.synchronization = "Changes Pending"
        }
        #expect(site.kinds == [.ltmUnitDiffers])
        let verdict = site.judgement.verdicts[0]
        #expect(
            verdict.summary
                == "ltm-1: unit v (standby) lacks 1 pool, has no usable route to 4 pod CIDRs"
        )
        #expect(verdict.evidence.contains { $0.value == "Changes Pending" })
    }

    @Test("a pool or a member that the controller has just written on one unit is no difference")
    func justWritten() {
        var site = pair()
        read(&site) { $0.all.append(Site().member("/K8S/web", "10.16.0.99", isUp: true)) }
        #expect(site.kinds == [])
        read(
            &site,
            active: { $0.all.append(Site().member("/K8S/web", "10.16.0.99", isUp: true)) },
            standby: { $0.all.append(Site().member("/K8S/web", "10.16.0.99", isUp: true)) }
        )
        #expect(site.kinds == [])
    }

    @Test("the standby unit's own way is cut: its members are down, and nobody is paged")
    func standbyIsCut() {
        var site = pair()
        read(&site, times: 3, standby: kill)
        #expect(site.kinds == [.ltmUnitDiffers])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.severity == .warning)
        #expect(verdict.summary == "ltm-1: unit v (standby) cannot reach 8 members")
        // Monitor time-out and one read, as for members that are down on the active unit.
        #expect(verdict.hold == 19_000)
    }

    @Test("a failover: the other unit is judged from then on, and no difference is made up")
    func failover() {
        var site = pair()
        read(&site, times: 3, active: { $0.role = .standby }, standby: { $0.role = .active })
        #expect(site.kinds == [])
        read(&site, times: 2, active: { $0.role = .standby }) { table in
            table.role = .active
            kill(&table)
        }
        #expect(site.kinds.contains(.virtualServerDown))
    }

    @Test("no unit is active: unknown, and nothing is called missing")
    func noneActive() {
        var site = pair()
        read(
            &site,
            times: 3,
            active: {
                $0.role = .standby; $0.routes = []
            },
            standby: kill
        )
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.judgement.verdicts.first?.summary
                == "ltm-1: no unit carries traffic, u is standby, v is standby"
        )
        #expect(site.states(.member, of: 1) == [.unknown(reason: "no unit is active")])
    }
}

@Suite struct VirtualServerScenarios {
    private func read(
        _ site: inout Site,
        times: Int = 2,
        _ change: (inout LoadBalancerTable) -> Void = { _ in }
    ) {
        for _ in 0..<times { site.round(change) }
    }

    private func down(_ table: inout LoadBalancerTable, _ hosts: [String]) {
        for index in table.all.indices where table.all[index].pool == "/K8S/web" {
            guard hosts.contains(table.all[index].address?.description ?? "") else { continue }
            table.all[index].monitor = "down"
            table.all[index].availability = "offline"
        }
        table.virtualServers[0].availability = "offline"
        table.virtualServers[0].reason = "The children pool member(s) are down"
    }

    private let all = (0..<4).map { "10.16.\($0).10" }

    @Test("where no member of a load balancer is up its own way to the pods is suspected first")
    func noneUp() {
        var site = Site()
        read(&site) { table in
            table.kill { _ in true }
            for index in table.virtualServers.indices {
                table.virtualServers[index].availability = "offline"
            }
        }
        let told = site.judgement.verdicts.map(\.summary).filter {
            $0.contains("no member of ltm-1 is up: look at its own VLAN, self IP and route")
        }
        #expect(!told.isEmpty)
        #expect(!site.judgement.verdicts.contains { $0.summary.contains("application") })
    }

    @Test("no load balancer is called cut off while a member of it may be up")
    func uncheckedMember() {
        var site = Site()
        read(&site) { table in
            table.kill { _ in true }
            table.all[0].monitor = "unchecked"
            table.all[0].availability = "unknown"
        }
        #expect(!site.judgement.verdicts.contains { $0.summary.contains("no member of") })
    }

    @Test(
        "an application is not blamed while the way to its members is not seen, or known to be broken"
    )
    func suspicion() {
        var unseen = Site()
        for _ in 0..<2 {
            unseen.round { down(&$0, all) }
            for name in ["a", "b"] { unseen.read(name, .failed("HTTP 500")) }
        }
        unseen.pass(50_000)
        unseen.heartbeats()
        for _ in 0..<2 { unseen.readLTM(.read(unseen.loadBalancer { down(&$0, all) })) }
        let blind = unseen.judgement.verdicts.first { $0.kind == .virtualServerDown }
        #expect(
            blind?.summary.hasSuffix(
                "4 of 4 members are down; whether the way to them is good is not all known now"
            ) ?? false
        )
        var partly = Site()
        partly.report(3) { kernel, _ in kernel.routes = [] }
        read(&partly) { down(&$0, all) }
        let told = partly.judgement.verdicts.first { $0.kind == .virtualServerDown }
        #expect(
            told?.summary.hasSuffix(
                "4 of 4 members are down, 1 of them in pod CIDRs whose way is broken"
            ) ?? false
        )
    }

    @Test("virtual-server-down: every member of its pool is down, every way to them holds")
    func down() {
        var site = Site()
        read(&site, times: 1) { down(&$0, all) }
        #expect(!site.kinds.contains(.virtualServerDown))
        read(&site, times: 1) { down(&$0, all) }
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.kind == .virtualServerDown)
        #expect(
            verdict.subject
                == Subject(loadBalancer: "ltm-1", pool: "/K8S/web", virtualServer: "/K8S/web")
        )
        #expect(
            verdict.summary
                == "ltm-1: virtual server /K8S/web (10.50.0.10:80) is offline, 4 of 4 members are down,"
                + " which no route or pod CIDR explains: look at the application and its monitor"
        )
        #expect(
            site.states(.virtualServer, of: 2)
                == [.wrong(expected: "available", found: "/K8S/web offline")]
        )
        read(&site, times: 1)
        #expect(site.kinds == [])
    }

    @Test("a virtual server whose members all lie behind a root is that root's impact")
    func explained() {
        var site = Site()
        read(&site) { table in
            table.routes = []
            down(&table, all)
        }
        #expect(site.kinds == [.ltmRouteMissing])
        #expect(site.judgement.verdicts[0].impact.virtualServers == ["/K8S/web"])
    }

    @Test("one broken node does not explain a virtual server whose other members are down too")
    func halfExplained() {
        var site = Site()
        site.report(1) { kernel, _ in kernel.routes = [] }
        read(&site) { down(&$0, all) }
        #expect(Set(site.kinds).isSuperset(of: [.kernelRouteMissing, .virtualServerDown]))
    }

    @Test("one that an operator disabled, or whose monitors have not spoken, is not down")
    func notDown() {
        var site = Site()
        read(&site) { table in
            down(&table, [])
            table.virtualServers[0].enabled = "disabled"
        }
        #expect(site.kinds == [])
        read(&site) { $0.virtualServers[0].availability = "unknown" }
        #expect(site.kinds == [])
    }

    @Test("most virtual servers at once are one incident")
    func crowd() {
        var site = Site()
        read(&site) { table in
            down(&table, all)
            let one = table.virtualServers[0]
            for name in ["/K8S/shop", "/K8S/mail"] {
                var other = one
                other.name = name
                other.pool = nil
                table.virtualServers.append(other)
            }
        }
        let verdicts = site.judgement.verdicts.filter { $0.kind == .virtualServerDown }
        #expect(verdicts.count == 1)
        #expect(verdicts.first?.subject == Subject(loadBalancer: "ltm-1"))
        #expect(verdicts.first?.impact.virtualServers.count == 3)
    }
}

@Suite struct LostRouteScenarios {
    private func routes(_ numbers: ClosedRange<Int>) -> [LoadBalancerRoute] {
        numbers.map { index in
            LoadBalancerRoute(
                name: "/Common/k8s-n\(index)",
                prefix: Site.cidr(index),
                routeDomain: nil,
                target: .gateway(address("10.3.1.254"))
            )
        }
    }

    private func read(_ site: inout Site, _ more: [LoadBalancerRoute], supernet: Bool = true) {
        site.round { $0.routes = (supernet ? $0.routes : []) + more }
    }

    @Test("ltm-routes-removed: several vanish at once, a wider one still covers them")
    func removed() {
        var site = Site()
        read(&site, routes(1...4))
        read(&site, routes(1...1))
        #expect(site.kinds == [.ltmRoutesRemoved])
        let verdict = site.judgement.verdicts[0]
        #expect(
            verdict.summary
                == "ltm-1: 3 routes to pod CIDRs are gone, others still cover them: 10.16.1.0/24 is"
                + " reached by 10.16.0.0/16 via 10.3.1.254"
        )
        #expect(verdict.since == site.now)
        read(&site, routes(1...1))
        #expect(site.kinds == [.ltmRoutesRemoved])
        read(&site, routes(1...4))
        #expect(site.kinds == [])
    }

    @Test("where nothing covers them any more that is told, and only that")
    func nothingCovers() {
        var site = Site()
        for _ in 0..<2 { read(&site, routes(1...4), supernet: false) }
        for _ in 0..<2 { read(&site, [], supernet: false) }
        #expect(site.kinds == [.ltmRouteMissing])
    }

    @Test("one route, and those of a CIDR that nobody owns, go without a word")
    func rightly() {
        var site = Site()
        read(&site, routes(1...4) + routes(8...9))
        read(&site, routes(1...3))
        #expect(site.kinds == [])
    }
}
