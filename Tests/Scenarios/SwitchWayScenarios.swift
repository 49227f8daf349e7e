// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// Switch a is polled and brings BMP; b is polled.
@Suite struct SwitchWayScenarios {
    private func site() -> Site {
        var site = Site()
        site.snapshot.switches["a"] = SwitchFacts(
            name: "a",
            neighbors: [address("10.1.0.254")],
            ways: [.polled: 45_000, .bmp: 45_000]
        )
        cycle(&site)
        cycle(&site)
        return site
    }

    /// Both ways of a and everything else once; nil: that way tells nothing.
    private func cycle(
        _ site: inout Site,
        poll: ((inout SwitchTable) -> Void)? = { _ in },
        bmp: ((inout SwitchTable) -> Void)? = { _ in }
    ) {
        site.pass(15_000)
        site.heartbeats()
        if let poll { site.read("a", .read(site.table("a", poll))) }
        if let bmp { site.read("a", by: .bmp, .read(site.table("a", bmp))) }
        site.read("b", .read(site.table("b")))
        site.readLTM(.read(site.loadBalancer()))
    }

    private func lacking(_ table: inout SwitchTable) { table.routes[Site.cidr(3)] = nil }

    @Test("absent in one read of the RIB and withdrawn over BMP for 5 s is proof enough")
    func agreement() {
        var site = site()
        cycle(&site, poll: nil, bmp: lacking)
        site.pass(1_000)
        site.read("a", .read(site.table("a", lacking)))
        #expect(site.kinds == [])
        #expect(site.judgement.nextChange == site.now + 4_000)
        site.pass(4_000)
        #expect(site.kinds == [.switchRouteMissing])
        #expect(
            site.judgement.verdicts[0].summary
                == "10.16.2.0/24 of n3 is lost in part: switch a lacks it,"
                + " no neighbour announces it to the switch (BMP); switch b has it"
        )
    }

    @Test("withdrawn over BMP after the RIB was read is unknown until it is read again")
    func withdrawnSince() {
        var site = site()
        site.pass(1_000)
        site.read("a", by: .bmp, .read(site.table("a", lacking)))
        #expect(site.kinds == [])
        #expect(
            site.states(.switchRIB, of: 3)
                == [.unknown(reason: "withdrawn over BMP, not read again since"), .ok]
        )
    }

    @Test("what the RIB still has is there, whatever BMP says: a graceful restart keeps it")
    func keptThroughRestart() {
        var site = site()
        for _ in 0..<3 {
            site.pass(1_000)
            site.read("a", by: .bmp, .read(site.table("a", lacking)))
            site.pass(1_000)
            site.read("a", .read(site.table("a")))
            #expect(site.states(.switchRIB, of: 3) == [.ok, .ok])
        }
        #expect(site.kinds == [])
    }

    @Test("when the poll fails BMP tells, and only the poll is called unreadable")
    func pollFails() {
        var site = site()
        for _ in 0..<4 {
            cycle(&site, poll: nil)
            site.read("a", .failed("HTTP 500"))
        }
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.judgement.verdicts[0].summary
                == "switch a cannot be read by the poll: HTTP 500; it is still read by BMP"
        )
        #expect(site.states(.switchRIB, of: 3) == [.ok, .ok])
    }

    @Test("a BMP session that does not come is told after a minute, and breaks nothing")
    func neverConnected() {
        var site = Site()
        site.snapshot.switches["a"] = SwitchFacts(
            name: "a",
            neighbors: [address("10.1.0.254")],
            ways: [.polled: 45_000, .bmp: 45_000]
        )
        cycle(&site, bmp: nil)
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.judgement.verdicts[0].summary.contains(
                "has not connected since the collector started"
            )
        )
        site.snapshot.startedAt = site.now - 50_000
        #expect(site.kinds == [])
    }

    @Test(
        "how far a CIDR came on the switch is told",
        arguments: [
            (RouteEvidence.announced, "its import policy refuses it (BMP)"),
            (.accepted, "BGP has it via 10.1.0.3, the RIB does not (BMP)"),
        ]
    )
    func howFar(evidence: RouteEvidence, words: String) {
        var site = site()
        for _ in 0..<2 {
            cycle(
                &site,
                poll: lacking,
                bmp: { table in
                    table.routes[Site.cidr(3)]?[0].evidence = evidence
                    table.routes[Site.cidr(3)]?[0].isBest = evidence != .announced
                }
            )
        }
        #expect(site.kinds == [.switchRouteMissing])
        #expect(site.judgement.verdicts[0].summary.contains("switch a lacks it, \(words);"))
    }

    @Test("two nodes that announce one CIDR to the switch are two owners, whatever it chose")
    func announcedTwice() {
        var site = site()
        for _ in 0..<2 {
            cycle(
                &site,
                bmp: { $0.announcers[Site.cidr(2)] = [address("10.1.0.2"), address("10.1.0.4")] }
            )
        }
        #expect(site.kinds == [.ownerDuplicate])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.summary == "10.16.1.0/24 is claimed twice: announced by n4, owned by n2")
        #expect(verdict.evidence[0].value == "10.1.0.2, 10.1.0.4")
    }

    @Test("an address among the announcers that is no node's is a reflecting switch")
    func reflected() {
        var site = site()
        for _ in 0..<2 {
            cycle(
                &site,
                bmp: { $0.announcers[Site.cidr(2)] = [address("10.1.0.2"), address("10.4.0.2")] }
            )
        }
        #expect(site.kinds == [])
    }

    @Test("a family that the switch is not read of is unknown, not missing")
    func uncovered() {
        var site = Site()
        for _ in 0..<3 {
            site.pass(15_000)
            site.heartbeats()
            site.read(
                "a",
                .read(
                    site.table("a") { table in
                        table.routes = [:]
                        table.covered = [TableScope(vrf: "default", family: .ipv6)]
                    }
                )
            )
            site.read("b", .read(site.table("b")))
            site.readLTM(.read(site.loadBalancer()))
        }
        #expect(site.kinds == [])
        #expect(
            site.states(.switchRIB, of: 3)
                == [.unknown(reason: "IPv4 of VRF default is not read on the switch"), .ok]
        )
    }

    @Test(
        "what comes by itself is believed missing after 5 s, however often others change meanwhile"
    )
    func pushedGrace() {
        var site = Site()
        site.snapshot.switches["a"] = SwitchFacts(
            name: "a",
            neighbors: [address("10.1.0.254")],
            ways: [.bmp: 45_000]
        )
        func tell(_ change: (inout SwitchTable) -> Void = { _ in }) {
            site.read(
                "a",
                by: .bmp,
                .read(
                    site.table("a") { table in
                        for index in 1...4 {
                            table.neighbors[address("10.1.0.\(index)")] = SwitchNeighbor(
                                isEstablished: true,
                                state: "Established",
                                prefixesReceived: nil
                            )
                        }
                        change(&table)
                    }
                )
            )
        }
        site.pass(15_000)
        site.heartbeats()
        tell()
        for _ in 0..<10 {
            site.pass(400)
            tell(lacking)
        }
        #expect(site.kinds == [])
        site.pass(1_500)
        tell(lacking)
        #expect(site.kinds == [.switchRouteMissing])
        tell { table in
            table.routes[Site.cidr(3)] = nil
            table.untold = [address("10.1.0.3")]
        }
        #expect(site.kinds == [])
        tell { table in
            table.routes[Site.cidr(3)] = nil
            table.neighbors[address("10.1.0.3")] = nil
        }
        #expect(site.kinds == [])
    }

    @Test("a switch that no session of the node leads to has nothing to know of it")
    func anotherRack() {
        var site = Site()
        site.report(3) { _, bird in
            bird.sessions["uplink1"] = nil
            bird.exports[ExportKey(uplink: "uplink1", prefix: Site.cidr(3))] = nil
        }
        for _ in 0..<2 {
            site.pass(15_000)
            site.heartbeats()
            site.read("a", .read(site.table("a")))
            site.read("b", .read(site.table("b", lacking)))
            site.readLTM(
                .read(
                    site.loadBalancer { table in
                        table.all[6] = site.member("/K8S/web", "10.16.2.10", isUp: false)
                    }
                )
            )
        }
        #expect(site.states(.switchRIB, of: 3) == [.ok, .notChecked])
        #expect(site.kinds == [.ltmMembersDown])
    }
}
