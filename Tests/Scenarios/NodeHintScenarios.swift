// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// The small site with its uplinks as devices: uplink0 in 10.1.0.0/24 with the default route, uplink1 in 10.2.0.0/24.
@Suite struct NodeHintScenarios {
    private func site(_ count: Int = 4) -> Site {
        var site = Site(nodes: count)
        for index in 1...count { report(index, &site) }
        return site
    }

    private func report(
        _ index: Int,
        _ site: inout Site,
        _ change: (inout KernelFacts) -> Void = { _ in }
    ) {
        site.report(index) { kernel, _ in
            for (number, device) in [(1, "uplink0"), (2, "uplink1")] {
                kernel.addresses.append(
                    LinkAddress(
                        device: device,
                        address: address("10.\(number).0.\(index)"),
                        length: 24
                    )
                )
                kernel.links[device] = Link(
                    name: device,
                    index: UInt32(number),
                    isAdminUp: true,
                    hasCarrier: true,
                    mtu: 9_000,
                    reversePathFilter: .loose
                )
            }
            kernel.routes.insert(
                KernelRoute(
                    prefix: prefix("0.0.0.0/0"),
                    nextHops: [NextHop(gateway: address("10.1.0.254"), device: "uplink0")]
                ),
                at: 0
            )
            change(&kernel)
        }
    }

    private func summaries(_ site: Site) -> [String] { site.judgement.verdicts.map(\.summary) }

    @Test("rp-filter-strict: on the uplink by which no answer leaves")
    func strict() {
        var site = site()
        #expect(site.kinds == [])
        report(3, &site) { $0.links["uplink1"]?.reversePathFilter = .strict }
        #expect(site.kinds == [.rpFilterStrict])
        #expect(site.judgement.verdicts[0].subject == Subject(node: "n3"))
        #expect(
            summaries(site) == [
                "n3: rp_filter is strict on uplink1 and the default route leaves by uplink0: uplink1"
                    + " drops what comes from addresses that no route sends out by uplink1"
            ]
        )
        report(3, &site) { $0.links["uplink0"]?.reversePathFilter = .strict }
        #expect(site.kinds == [])
        report(3, &site) { kernel in
            kernel.links["uplink1"]?.reversePathFilter = .strict
            kernel.routes[0].nextHops.append(
                NextHop(gateway: address("10.2.0.254"), device: "uplink1")
            )
        }
        #expect(site.kinds == [])
        // Without a default route it is not known how answers leave.
        report(3, &site) { kernel in
            kernel.links["uplink1"]?.reversePathFilter = .strict
            kernel.routes.removeFirst()
        }
        #expect(site.kinds == [])
    }

    @Test("mtu-differs: an uplink or the pod device is not as on the other nodes")
    func mtu() {
        var site = site()
        report(3, &site) { $0.links["uplink1"]?.mtu = 1_500 }
        #expect(site.kinds == [.mtuDiffers])
        let harm = ": large packets may be lost, small ones pass"
        #expect(summaries(site) == ["n3: the MTU of uplink1 is 1500, on 3 nodes it is 9000\(harm)"])
        report(3, &site) { $0.links["cilium_host"]?.mtu = 1_400 }
        #expect(
            summaries(site) == ["n3: the MTU of cilium_host is 1400, on 3 nodes it is 1500\(harm)"]
        )
        report(3, &site)
        #expect(site.kinds == [])
    }

    @Test("where no MTU is usual, none differs")
    func mixed() {
        var site = site()
        for index in 1...2 { report(index, &site) { $0.links["uplink1"]?.mtu = 1_500 } }
        #expect(site.kinds == [])
        var small = self.site(3)
        report(3, &small) { $0.links["uplink1"]?.mtu = 1_500 }
        #expect(small.kinds == [])
    }

    @Test("clock-skew: a node's clock is more than 5 s off; most of them are the collector's")
    func clocks() {
        var site = site()
        func tell(_ index: Int, _ ahead: Int64) {
            site.snapshot.apply(.agent(node: "n\(index)", .clock(ahead: ahead)), at: site.now)
        }
        for index in 1...4 { tell(index, 4_900) }
        #expect(site.kinds == [])
        tell(3, -30_500)
        #expect(site.kinds == [.clockSkew])
        #expect(summaries(site) == ["n3: its clock is 30 s behind the collector's"])
        for index in 1...4 { tell(index, 7_000) }
        #expect(site.judgement.verdicts.map(\.identity) == ["clock-skew/fleet"])
        #expect(
            summaries(site) == [
                "the clocks of 4 nodes differ from the collector's, so the collector's may be the one that is wrong; "
                    + "n1: its clock is 7 s ahead of the collector's"
            ]
        )
    }
}
