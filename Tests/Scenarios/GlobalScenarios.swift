// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// A site whose DNS is answered by GTM: one wide IP over the load balancer's one virtual server, and
/// another data center's beside it.
@Suite struct GlobalScenarios {
    private let available = GlobalState(availability: "available", reason: "Available")
    private let unheard = GlobalState(
        availability: "offline",
        reason: "Monitor /Common/bigip : no reply from big3d: timed out"
    )
    private let down = GlobalState(availability: "offline", reason: "Monitor /Common/bigip : DOWN")

    private func site() -> Site {
        var site = Site()
        site.snapshot.loadBalancers["ltm-1"]?.hasGTM = true
        return site
    }

    private func wideIP(_ own: GlobalState, _ other: GlobalState? = nil, as whole: GlobalState)
        -> WideIP
    {
        var members = [
            GlobalMember(server: "ltm-pair", name: "web", virtualServer: "/K8S/web", state: own)
        ]
        if let other {
            members.append(
                GlobalMember(server: "far", name: "web", virtualServer: nil, state: other)
            )
        }
        return WideIP(name: "/Common/www.example.com", type: "a", state: whole, members: members)
    }

    private func read(
        _ site: inout Site,
        _ wideIPs: [WideIP]?,
        times: Int = 2,
        _ change: (inout LoadBalancerTable) -> Void = { _ in }
    ) {
        for _ in 0..<times {
            site.round { table in
                change(&table)
                table.wideIPs = wideIPs
            }
        }
    }

    @Test("gtm-degraded: GTM has no answer from the server's big3d, what it asks for is available")
    func unheardServer() {
        var site = site()
        let wideIP = wideIP(unheard, available, as: available)
        read(&site, [wideIP], times: 1)
        #expect(site.kinds == [])
        read(&site, [wideIP], times: 1)
        #expect(site.kinds == [.gtmDegraded])
        let verdict = site.judgement.verdicts[0]
        #expect(
            verdict.summary
                == "ltm-1: wide IP www.example.com is degraded: GTM gets no answer from big3d of ltm-pair, whose virtual servers are available"
        )
        #expect(verdict.impact.wideIPs == ["www.example.com"])
        #expect(verdict.subject == Subject(loadBalancer: "ltm-1", virtualServer: "/K8S/web"))
        #expect(site.states(.gtm, of: 1) == [.ok])
    }

    @Test("a wide IP that is offline as a whole, its member down in GTM alone")
    func offline() {
        var site = site()
        read(&site, [wideIP(down, as: down)])
        #expect(
            site.judgement.verdicts.first?.summary
                == "ltm-1: wide IP www.example.com is offline: its member ltm-pair:web is down in GTM and available in the LTM"
        )
        #expect(
            site.states(.gtm, of: 1)
                == [.wrong(expected: "available", found: "www.example.com offline")]
        )
    }

    @Test(
        "a virtual server that is down takes its wide IP with it: one incident, with the wide IP as impact"
    )
    func impact() {
        var site = site()
        read(&site, [wideIP(down, as: down)]) { table in
            table.virtualServers[0].availability = "offline"
        }
        #expect(site.kinds == [.virtualServerDown])
        #expect(site.judgement.verdicts[0].impact.wideIPs == ["www.example.com"])
    }

    @Test("a root on the way has wide IPs in its impact")
    func rootImpact() {
        var site = site()
        site.report(1) { kernel, _ in kernel.routes = [] }
        read(&site, [wideIP(available, as: available)])
        #expect(site.judgement.verdicts.first?.impact.wideIPs == ["www.example.com"])
    }

    @Test("what is disabled, checking, or was down in one read only is not degraded")
    func notDegraded() {
        var site = site()
        let disabled = GlobalState(availability: "offline", enabled: "disabled")
        read(&site, [wideIP(disabled, as: disabled)])
        #expect(site.kinds == [])
        let checking = GlobalState(availability: "unknown", reason: "Checking")
        read(&site, [wideIP(checking, as: checking)])
        #expect(site.kinds == [])
        #expect(site.states(.gtm, of: 1) == [.notChecked])
        read(&site, [wideIP(available, as: available)], times: 1)
        read(&site, [wideIP(down, as: down)], times: 1)
        read(&site, [wideIP(available, as: available)], times: 1)
        #expect(site.kinds == [])
    }

    @Test("one answer that stands in two tables is no confirmation")
    func oneAnswer() {
        var site = site()
        var wideIP = wideIP(down, as: down)
        wideIP.round = 7
        read(&site, [wideIP])
        #expect(site.kinds == [])
        wideIP.round = 8
        read(&site, [wideIP], times: 1)
        #expect(site.kinds == [.gtmDegraded])
    }

    @Test("a wide IP all of whose members an operator disabled is offline on purpose")
    func disabledMembers() {
        var site = site()
        let disabled = GlobalState(availability: "offline", enabled: "disabled")
        read(&site, [wideIP(disabled, as: GlobalState(availability: "offline"))])
        #expect(site.kinds == [])
    }

    @Test("another data center's member that is down is its own operators' business")
    func elsewhere() {
        var site = site()
        read(&site, [wideIP(available, down, as: available)])
        #expect(site.kinds == [])
    }

    @Test("wide IPs that cannot be read are unknown, and the load balancer is judged all the same")
    func unread() {
        var site = site()
        read(&site, nil) { $0.wideIPProblem = "GTM: gtm/server: HTTP 403: no permission" }
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.states(.gtm, of: 1)
                == [.unknown(reason: "GTM: gtm/server: HTTP 403: no permission")]
        )
        #expect(site.states(.member, of: 1) == [.ok])
    }
}

/// `pods-via: dynamic`: the load balancer learns the way to pods.
@Suite struct LearnedRouteScenarios {
    private func site(_ routes: [LoadBalancerRoute], problem: String? = nil) -> Site {
        var site = Site()
        site.snapshot.loadBalancers["ltm-1"]?.podsVia = .dynamicRoutes
        for _ in 0..<2 {
            site.round { table in
                table.routes = routes
                table.liveRoutesProblem = problem
            }
        }
        return site
    }

    private func route(_ index: Int) -> LoadBalancerRoute {
        LoadBalancerRoute(
            name: "\(Site.cidr(index))",
            prefix: Site.cidr(index),
            routeDomain: nil,
            target: .gateway(address("10.3.1.254")),
            isDynamic: true
        )
    }

    @Test(
        "ltm-route-missing: a CIDR that the load balancer does not learn, while it learns the others"
    )
    func oneMissing() {
        let site = site((2...4).map(route))
        #expect(site.kinds == [.ltmRouteMissing])
        #expect(site.judgement.verdicts[0].impact.prefixes == [Site.cidr(1)])
        #expect(site.states(.ltmRoute, of: 2) == [.ok])
    }

    @Test("where learned routes cannot be read nothing is missing")
    func unread() {
        let site = site([], problem: "net/route/stats: HTTP 403: no permission")
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.states(.ltmRoute, of: 1)
                == [
                    .unknown(
                        reason:
                            "configured routes only, net/route/stats: HTTP 403: no permission"
                    )
                ]
        )
    }
}
