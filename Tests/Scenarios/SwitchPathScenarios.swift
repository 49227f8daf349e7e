// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// What a switch forwards by, beyond there or not: how many next hops, how steadily, whose.
@Suite struct SwitchPathScenarios {
    // MARK: - Next hops

    /// n3 has a second session with a, from 10.1.0.103.
    private func twin(_ paths: SwitchFacts.PathsExpected = .seen) -> Site {
        var site = Site()
        var intents = Site.intents(4)
        intents["n3"]?.addresses.append(address("10.1.0.103"))
        site.snapshot.apply(.intent(.read(intents)), at: site.now)
        site.snapshot.switches["a"]?.pathsExpected = paths
        site.report(3) { kernel, bird in
            kernel.addresses = ["10.1.0.3", "10.1.0.103"].map {
                LinkAddress(device: "eth1", address: address($0), length: 24)
            }
            bird.sessions["uplink2"] = bird.sessions["uplink0"]
            bird.sessions["uplink2"]?.name = "uplink2"
            bird.exports[ExportKey(uplink: "uplink2", prefix: Site.cidr(3))] = .sent
        }
        return site
    }

    private func both(_ table: inout SwitchTable) {
        table.routes[Site.cidr(3)]?[0].nextHops = [address("10.1.0.3"), address("10.1.0.103")]
    }

    @Test("switch-partial-paths: two next hops were used, one is left")
    func partial() {
        var site = twin()
        read(&site, times: 2, both)
        #expect(site.kinds == [])
        read(&site)
        #expect(site.kinds == [])
        read(&site)
        #expect(site.kinds == [.switchPartialPaths])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.severity == .warning)
        #expect(verdict.subject == Subject(node: "n3", prefix: Site.cidr(3), switchName: "a"))
        #expect(
            verdict.summary == "10.16.2.0/24 of n3 is impaired:"
                + " switch a uses 1 of 2 next hops: 10.1.0.3, not 10.1.0.103"
        )
        #expect(
            site.states(.switchRIB, of: 3)[0]
                == .wrong(expected: "2 next hops", found: "1: 10.1.0.3")
        )
    }

    @Test(
        "a switch that was never seen to use several is right with one, unless all are asked for",
        arguments: [
            (SwitchFacts.PathsExpected.seen, [Kind]()), (.any, []), (.all, [.switchPartialPaths]),
        ]
    )
    func expectation(paths: SwitchFacts.PathsExpected, kinds: [Kind]) {
        var site = twin(paths)
        read(&site, times: 3)
        #expect(site.kinds == kinds)
    }

    @Test("a static route that hides BGP's is told as that")
    func shadowed() {
        var site = Site()
        read(&site, times: 2) { table in
            var hidden = table.routes[Site.cidr(3)]?[0]
            hidden?.isBest = false
            table.routes[Site.cidr(3)]?[0].protocolName = "static"
            table.routes[Site.cidr(3)]?[0].nextHops = [address("10.1.0.1")]
            if let hidden { table.routes[Site.cidr(3)]?.append(hidden) }
        }
        #expect(site.kinds == [.switchWrongNextHop])
        #expect(
            site.judgement.verdicts[0].summary.hasSuffix(
                "switch a sends it to 10.1.0.1 (n1's): its static route hides bgp's via 10.1.0.3;"
                    + " switch b has it"
            )
        )
    }

    @Test("BGP's route that the switch does not use is missing, and told as unused")
    func unused() {
        var site = Site()
        read(&site, times: 2) { $0.routes[Site.cidr(3)]?[0].isBest = false }
        #expect(site.kinds == [.switchRouteMissing])
        #expect(
            site.judgement.verdicts[0].summary.hasSuffix(
                "switch a lacks it, it does not use bgp's route via 10.1.0.3; switch b has it"
            )
        )
    }

    @Test("half of the flows go to another node: two owners, not a wrong next hop")
    func sharedWithAnother() {
        var site = Site()
        read(&site, times: 2) {
            $0.routes[Site.cidr(3)]?[0].nextHops = [address("10.1.0.1"), address("10.1.0.3")]
        }
        #expect(site.kinds == [.ownerDuplicate])
        #expect(site.judgement.verdicts[0].summary.hasSuffix("announced by n1, owned by n3"))
    }

    @Test("a longer prefix inside a CIDR through another node takes part of it away")
    func moreSpecific() {
        var site = Site()
        let half = prefix("10.16.2.128/25")
        read(&site, times: 2) { table in
            table.routes[half] = table.routes[Site.cidr(1)]
            table.routes[half]?[0].prefix = half
        }
        #expect(site.kinds == [.ownerDuplicate])
        #expect(site.judgement.verdicts[0].subject.prefix == half)
    }

    // MARK: - Flapping

    private func flap(_ site: inout Site, times: Int) {
        for _ in 0..<times {
            read(&site, every: 5_000) { $0.routes[Site.cidr(3)] = nil }
            read(&site, every: 5_000)
        }
    }

    @Test("switch-route-flapping: gone and back three times while the session held")
    func flapping() {
        var site = Site()
        flap(&site, times: 2)
        #expect(site.kinds == [])
        flap(&site, times: 1)
        #expect(site.kinds == [.switchRouteFlapping])
        #expect(
            site.judgement.verdicts[0].summary.hasSuffix(
                "switch a lost it and installed it anew 3 times in ten minutes (the poll), over a session that held"
            )
        )
        read(&site, times: 2, every: 5_000) { $0.routes[Site.cidr(3)] = nil }
        #expect(site.kinds == [.switchRouteFlapping], "a short absence is part of the flapping")
        read(&site, times: 4, every: 10_000) { $0.routes[Site.cidr(3)] = nil }
        #expect(site.kinds.contains(.switchRouteMissing), "one that lasts is not")
    }

    @Test("ten minutes later it flaps no more, without any new fact")
    func settled() throws {
        var site = Site()
        flap(&site, times: 3)
        let judgement = site.judgement
        #expect(judgement.verdicts.map(\.kind) == [.switchRouteFlapping])
        read(&site, times: 38)
        #expect(site.kinds == [.switchRouteFlapping])
        let next = try #require(site.judgement.nextChange)
        #expect(next - site.now <= 15_000)
        read(&site)
        #expect(site.kinds == [])
    }

    @Test("absences that a session's restart explains are no flapping")
    func explained() {
        var site = Site()
        for _ in 0..<4 {
            read(&site, every: 5_000) { $0.routes[Site.cidr(3)] = nil }
            let now = site.now
            site.report(3) { _, bird in bird.sessions["uplink0"]?.since = now }
            read(&site, every: 5_000)
        }
        #expect(site.kinds == [])
    }

    @Test("a route that is younger than the last read was away between two")
    func byAge() {
        var site = Site()
        for _ in 0..<4 {
            read(&site, every: 30_000) { $0.routes[Site.cidr(3)]?[0].age = 4 }
        }
        #expect(site.kinds == [.switchRouteFlapping])
    }
}
