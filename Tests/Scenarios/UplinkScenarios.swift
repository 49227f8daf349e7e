// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

@Suite struct UplinkScenarios {
    private func down(_ bird: inout BIRDFacts, _ uplink: String, _ error: String) {
        bird.sessions[uplink]?.protocolState = .start
        bird.sessions[uplink]?.state = .active
        bird.sessions[uplink]?.lastError = error
        bird.sessions[uplink]?.since = at(995_000)
        for key in bird.exports.keys where key.uplink == uplink { bird.exports[key] = .channelDown }
    }

    @Test("session-down on one uplink is a warning, with BIRD's own words")
    func oneUplink() {
        var site = Site()
        site.report(3) { _, bird in down(&bird, "uplink0", "Received: Administrative shutdown") }
        #expect(site.kinds == [.sessionDown])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.severity == .warning)
        #expect(verdict.subject == Subject(node: "n3", uplink: "uplink0", switchName: "a"))
        #expect(verdict.since == at(995_000))
        #expect(
            verdict.summary
                == "switch a has shut its session with n3 (uplink0: Active, Received: Administrative shutdown);"
                + " another uplink's session is up"
        )
    }

    @Test("who shut a session is still known once BIRD's attempts to come back have other errors")
    func shut() {
        var site = Site()
        site.report(3) { _, bird in
            down(&bird, "uplink0", "Socket: Connection closed")
            bird.sessions["uplink0"]?.firstError = "Received: Administrative shutdown"
        }
        let verdict = site.judgement.verdicts[0]
        #expect(
            verdict.summary
                == "switch a has shut its session with n3 (uplink0: Received: Administrative shutdown,"
                + " now Active, Socket: Connection closed); another uplink's session is up"
        )
        #expect(verdict.evidence[1].value == "it ended with: Received: Administrative shutdown")
    }

    @Test("session-down on both uplinks is one critical incident, and what follows is folded")
    func bothUplinks() {
        var site = Site()
        site.report(3) { _, bird in
            down(&bird, "uplink0", "Hold timer expired")
            down(&bird, "uplink1", "Hold timer expired")
        }
        for _ in 0..<2 {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] {
                site.read(name, .read(site.table(name) { $0.routes[Site.cidr(3)] = nil }))
            }
            site.readLTM(.read(site.loadBalancer()))
        }
        #expect(site.kinds == [.sessionDown])
        #expect(site.judgement.verdicts[0].severity == .critical)
        #expect(site.judgement.verdicts[0].subject == Subject(node: "n3"))
        #expect(site.states(.switchRIB, of: 3) == [.missing, .missing])
    }

    @Test("a switch that goes away is one incident, its unreadability included")
    func switchLost() {
        var site = Site()
        for index in 1...4 {
            site.report(index) { _, bird in down(&bird, "uplink1", "Socket: Connection closed") }
        }
        for _ in 0..<3 {
            site.pass(15_000)
            site.heartbeats()
            site.read("a", .read(site.table("a")))
            site.read("b", .failed("connection refused"))
            site.readLTM(.read(site.loadBalancer()))
        }
        #expect(site.kinds == [.sessionDown])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(switchName: "b"))
        #expect(verdict.severity == .warning)
        #expect(verdict.impact.nodes.count == 4)
        #expect(verdict.absorbs.contains("session-down/n3"))
    }

    @Test("session-disabled: on purpose, so info, and the other uplink carries on")
    func disabled() {
        var site = Site()
        site.report(3) { _, bird in
            bird.sessions["uplink0"]?.protocolState = .down
            bird.sessions["uplink0"]?.state = .down
            bird.sessions["uplink0"]?.isDisabled = true
        }
        #expect(site.kinds == [.sessionDisabled])
        #expect(site.judgement.verdicts[0].severity == .info)
    }

    @Test("not-exported: the filter of both uplinks rejects it: one verdict, the way is cut")
    func notExported() {
        var site = Site()
        site.report(3) { _, bird in
            for key in bird.exports.keys { bird.exports[key] = .rejectedByFilter }
        }
        #expect(site.kinds == [.notExported])
        #expect(
            site.judgement.verdicts[0].summary
                == "10.16.2.0/24 of n3 is not exported over uplink0 and uplink1:"
                + " its export filter rejects it"
        )
    }

    @Test("an export that was not answered is unknown, not withheld")
    func unanswered() {
        var site = Site()
        site.report(3) { _, bird in
            for key in bird.exports.keys { bird.exports[key] = .unknown("8004") }
        }
        #expect(site.kinds == [])
        #expect(
            site.states(.export, of: 3) == [.unknown(reason: "8004"), .unknown(reason: "8004")]
        )
    }
}
