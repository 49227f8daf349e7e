// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Routing
import Support
import Testing
import Verdicts

/// What the switch itself says of a session that is down.
@Suite struct SwitchSessionScenarios {
    /// All nodes as neighbours of a, but for those in `missing`.
    private func neighbors(except missing: Set<Int> = []) -> [IPAddress: SwitchNeighbor] {
        var neighbors: [IPAddress: SwitchNeighbor] = [:]
        for index in 1...4 where !missing.contains(index) {
            neighbors[address("10.1.0.\(index)")] = SwitchNeighbor(
                isEstablished: true,
                state: "Established",
                prefixesReceived: 1
            )
        }
        return neighbors
    }

    private func lose(_ site: inout Site, _ nodes: [Int] = [3], error: String) {
        let now = site.now
        for index in nodes {
            site.report(index) { _, bird in
                bird.sessions["uplink0"]?.protocolState = .start
                bird.sessions["uplink0"]?.state = .active
                bird.sessions["uplink0"]?.lastError = error
                bird.sessions["uplink0"]?.firstError = error
                bird.sessions["uplink0"]?.since = now
            }
        }
    }
    @Test("switch-neighbor-missing: two reads list everybody but the node")
    func neighborMissing() {
        var site = Site()
        lose(&site, error: "Received: Peer de-configured")
        let change: (inout SwitchTable) -> Void = { table in
            table.neighbors = self.neighbors(except: [3])
            table.routes[Site.cidr(3)] = nil
        }
        read(&site, times: 1, change)
        #expect(site.kinds == [.sessionDown])
        read(&site, times: 1, change)
        #expect(site.kinds == [.switchNeighborMissing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(node: "n3", uplink: "uplink0", switchName: "a"))
        #expect(
            verdict.summary == "switch a has no BGP neighbor for n3:"
                + " its BGP summary lists none of 10.1.0.3, 10.2.0.3; another uplink's session is up"
        )
        #expect(verdict.impact.hasAnotherWay == true)
        #expect(verdict.absorbs == ["session-down/n3"])
    }

    @Test("where neighbours may come unnamed, who is not listed may only be away")
    func dynamicNeighbors() {
        var site = Site()
        lose(&site, error: "Hold timer expired")
        read(&site, times: 3) { table in
            table.neighbors = neighbors(except: [3])
            table.listsAllNeighbors = false
        }
        #expect(site.kinds == [.sessionDown])
    }

    @Test(
        "a listed neighbour whose session is down is the session's matter, and its state evidence"
    )
    func listed() {
        var site = Site()
        lose(&site, error: "Hold timer expired")
        read(&site, times: 2) { table in
            table.neighbors = neighbors()
            table.neighbors[address("10.1.0.3")] = SwitchNeighbor(
                isEstablished: false,
                state: "Idle (Admin)",
                prefixesReceived: nil
            )
        }
        #expect(site.kinds == [.sessionDown])
        #expect(site.judgement.verdicts[0].evidence.contains { $0.value == "Idle (Admin)" })
    }

    @Test("several neighbours gone at once is the switch's incident")
    func manyMissing() {
        var site = Site()
        lose(&site, [1, 2, 3], error: "Received: Peer de-configured")
        read(&site, times: 2) { table in
            table.neighbors = neighbors(except: [1, 2, 3])
        }
        #expect(site.kinds == [.switchNeighborMissing])
        #expect(site.judgement.verdicts[0].subject == Subject(switchName: "a"))
    }

    @Test("switch-prefix-limit: the switch said so when it closed the session")
    func prefixLimitTold() {
        var site = Site()
        lose(&site, error: "Received: Maximum number of prefixes reached")
        #expect(site.kinds == [.switchPrefixLimit])
        #expect(
            site.judgement.verdicts[0].summary == "switch a has shut its session with n3:"
                + " maximum-prefix is reached (Received: Maximum number of prefixes reached);"
                + " another uplink's session is up"
        )
    }

    @Test("switch-prefix-limit: BIRD's word is overwritten, the switch's summary still says it")
    func prefixLimitRead() {
        var site = Site()
        lose(&site, error: "Socket: Connection closed")
        read(&site, times: 1) { table in
            table.neighbors = neighbors()
            table.neighbors[address("10.1.0.3")] = SwitchNeighbor(
                isEstablished: false,
                state: "Idle (PfxCt)",
                prefixesReceived: 2
            )
        }
        #expect(site.kinds == [.switchPrefixLimit])
    }

    @Test("what was told as a session becomes the switch's, in one incident")
    func oneIncident() {
        var site = Site()
        var ledger = IncidentLedger(cluster: "lab", policy: AlertPolicy(holds: [.sessionDown: 0]))
        lose(&site, error: "Received: Peer de-configured")
        var told = ledger.step(site.judgement, now: site.now)
        #expect(told.map(\.incident.verdict.kind) == [.sessionDown])
        read(&site, times: 2) { table in
            table.neighbors = neighbors(except: [3])
        }
        told = ledger.step(site.judgement, now: site.now)
        #expect(told.map(\.change) == [.changed])
        #expect(told.map(\.incident.verdict.kind) == [.switchNeighborMissing])
        #expect(ledger.incidents.count == 1)
    }
}
