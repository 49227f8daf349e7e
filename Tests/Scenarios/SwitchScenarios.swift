// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

@Suite struct SwitchScenarios {
    @Test("switch-route-missing: one read is unknown, two are missing")
    func missing() {
        var site = Site()
        read(&site) { $0.routes[Site.cidr(3)] = nil }
        #expect(site.kinds == [])
        read(&site) { $0.routes[Site.cidr(3)] = nil }
        #expect(site.kinds == [.switchRouteMissing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(node: "n3", prefix: Site.cidr(3), switchName: "a"))
        #expect(
            verdict.summary
                == "10.16.2.0/24 of n3 is lost in part: switch a lacks it; switch b has it"
        )
    }

    @Test("a read that began before the export proves nothing against the switch")
    func settling() {
        var site = Site()
        site.report(3) { _, bird in
            for key in bird.exports.keys { bird.exports[key] = .rejectedByFilter }
        }
        read(&site, times: 2) { $0.routes[Site.cidr(3)] = nil }
        site.report(3)
        #expect(site.kinds == [])
        read(&site) { $0.routes[Site.cidr(3)] = nil }
        #expect(site.kinds == [])
        read(&site) { $0.routes[Site.cidr(3)] = nil }
        #expect(site.kinds == [.switchRouteMissing])
    }

    @Test("a switch that does not call the session up itself is not blamed for the route")
    func sessionOnItsWay() {
        var site = Site()
        read(&site, times: 3) { table in
            table.routes[Site.cidr(3)] = nil
            table.neighbors[address("10.1.0.3")] = SwitchNeighbor(
                isEstablished: false,
                state: "OpenSent",
                prefixesReceived: nil
            )
        }
        #expect(site.kinds == [])
    }

    @Test("only an aggregate: missing, and the aggregate is named")
    func coveredOnly() {
        var site = Site()
        read(&site, times: 2) { table in
            table.routes[Site.cidr(3)] = nil
            table.routes[prefix("10.16.0.0/16")] = [
                SwitchRoute(
                    prefix: prefix("10.16.0.0/16"),
                    vrf: "default",
                    nextHops: [],
                    protocolName: "static",
                    isBest: true
                )
            ]
        }
        #expect(site.kinds == [.switchRouteMissing])
        #expect(site.judgement.verdicts[0].summary.contains("it has only 10.16.0.0/16"))
    }

    @Test("most CIDRs missing on one switch is the switch's incident")
    func crowded() {
        var site = Site()
        read(&site, times: 2) { $0.routes = [:] }
        #expect(site.kinds == [.switchRouteMissing])
        #expect(site.judgement.verdicts[0].summary == "4 pod CIDRs: switch a lacks it")
    }

    @Test("switch-wrong-next-hop: the switch sends it to another node")
    func wrongNextHop() {
        var site = Site()
        read(&site, times: 2) { $0.routes[Site.cidr(3)]?[0].nextHops = [address("10.1.0.1")] }
        #expect(site.kinds == [.switchWrongNextHop])
        #expect(
            site.states(.switchRIB, of: 3)
                == [.wrong(expected: "10.1.0.3 or 10.2.0.3", found: "10.1.0.1"), .ok]
        )
    }

    @Test("the node's address on its other uplink is right: the switches reflect to each other")
    func otherUplink() {
        var site = Site()
        read(&site, times: 2) { $0.routes[Site.cidr(3)]?[0].nextHops = [address("10.2.0.3")] }
        #expect(site.kinds == [])
    }

    @Test("switch-route-stale: a CIDR that no node owns")
    func stale() {
        var site = Site()
        let stranger = prefix("10.16.77.0/24")
        read(&site, times: 2) { table in
            table.routes[stranger] = [
                SwitchRoute(
                    prefix: stranger,
                    vrf: "default",
                    nextHops: [address("10.1.0.4")],
                    protocolName: "bgp",
                    isBest: true
                )
            ]
        }
        #expect(site.kinds == [.switchRouteStale])
        #expect(
            site.judgement.verdicts[0].summary
                == "10.16.77.0/24 is on switch a via 10.1.0.4 (n4), yet no node owns it"
        )
    }

    @Test("owner-duplicate: a second node announces it; the wrong next hop is folded")
    func duplicate() {
        var site = Site()
        site.report(4) { _, bird in
            bird.statics.append(
                BIRDStatic(prefix: Site.cidr(2), protocolName: "static1", isDormant: false)
            )
        }
        read(&site, times: 2) { $0.routes[Site.cidr(2)]?[0].nextHops = [address("10.1.0.4")] }
        #expect(site.kinds == [.ownerDuplicate])
        #expect(site.judgement.verdicts[0].subject == Subject(prefix: Site.cidr(2)))
        #expect(
            site.judgement.verdicts[0].summary
                == "10.16.1.0/24 is claimed twice: announced by n4, owned by n2"
        )
    }

    @Test("two nodes that own overlapping CIDRs are told without any report")
    func ownedTwice() {
        var site = Site()
        var intents = Site.intents(4)
        intents["n4"]?.podCIDRs.append(prefix("10.16.1.128/25"))
        site.snapshot.apply(.intent(.read(intents)), at: site.now)
        #expect(site.kinds.contains(.ownerDuplicate))
    }

    @Test("sink-failing: who is told does not hear, and the way is good all the same")
    func deafSink() {
        var site = Site()
        site.snapshot.apply(.sink(name: "oncall", .failing("HTTP 404 no_service")), at: site.now)
        #expect(site.kinds == [.sinkFailing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.failingSink == "oncall")
        #expect(
            verdict.summary == "sink oncall does not take what it is sent: HTTP 404 no_service"
        )
        #expect(verdict.verify[0].command == "podpath-collector notify-test oncall --config FILE")
        site.snapshot.apply(.sink(name: "oncall", .well), at: site.now)
        #expect(site.kinds == [])
    }

    @Test("source-unreadable: the stage is unknown, and nothing is missing")
    func unreadable() {
        var site = Site()
        for _ in 0..<4 {
            site.pass(15_000)
            site.heartbeats()
            site.read("a", .failed("vtysh: not finished within 30 s"))
            site.read("b", .read(site.table("b")))
            site.readLTM(.read(site.loadBalancer()))
        }
        #expect(site.kinds == [.sourceUnreadable])
        #expect(site.judgement.verdicts[0].subject == Subject(switchName: "a"))
        guard case .unknown = site.states(.switchRIB, of: 1)[0] else { return #expect(Bool(false)) }
    }
}
