// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Facts
import Routing
import Support
import Testing
import Wire

@Suite struct AgentSessions {
    private func session() -> AgentSession {
        AgentSession(names: ["n1"], patience: 15_000, now: at(0))
    }

    private func hello(_ node: String, version: UInt64 = 1) -> [UInt8] {
        AgentFrame.hello(.init(version: version, node: node, interval: 5_000, agentVersion: "t"))
            .encoded(now: at(0))
    }

    private func reason(_ actions: [AgentSession.Action]) -> String? {
        for case .refuse(let reason) in actions { return reason }
        return nil
    }

    @Test("a node whose name the certificate holds is welcome, and its facts arrive")
    func welcome() {
        var session = session()
        #expect(
            session.received(hello("n1")[...], now: at(1)) == [
                .send(.welcome(version: 1)),
                .deliver(
                    node: "n1",
                    .connected(interval: 5_000, version: "t", byCertificate: true)
                ),
            ]
        )
        var report = Report()
        report.kernel = [KernelStatus(isComplete: true)]
        let snapshot = AgentFrame.snapshot(generation: 4, report)
        #expect(
            session.received(snapshot.encoded(now: at(2))[...], now: at(2)) == [
                .deliver(node: "n1", .snapshot(KernelFacts(isComplete: true), [:])),
                .send(.acknowledge(generation: 4)),
            ]
        )
        let beat = AgentFrame.heartbeat(generation: 4).encoded(now: at(3))
        #expect(
            session.received(beat[...], now: at(3)) == [
                .deliver(node: "n1", .heartbeat), .send(.acknowledge(generation: 4)),
            ]
        )
    }

    @Test("a clock is told when it moves against the collector's; one out of all time is none")
    func clocks() {
        var session = session()
        session.clockOffset = 1_000_000
        func hello(_ clock: UInt64?) -> [UInt8] {
            AgentFrame.hello(.init(node: "n1", interval: 5_000, agentVersion: "t", clock: clock))
                .encoded(now: at(0))
        }
        func ahead(_ actions: [AgentSession.Action]) -> [Int64] {
            actions.compactMap { action in
                guard case .deliver(_, .clock(let ahead)) = action else { return nil }
                return ahead
            }
        }
        #expect(ahead(session.received(hello(.max)[...], now: at(1))) == [])
        func beat(_ clock: UInt64?) -> [Int64] {
            let frame = AgentFrame.heartbeat(generation: 4, clock: clock)
            return ahead(session.received(frame.encoded(now: at(1))[...], now: at(1)))
        }
        #expect(beat(nil) == [])
        #expect(beat(1_031_001) == [31_000])
        #expect(beat(1_031_901) == [])
        #expect(beat(1_000_001) == [0])
        #expect(beat(.max) == [])
        #expect(beat(1 << 47) == [(1 << 47) - 1_000_001])
        #expect(beat(1) == [-1_000_000])
    }

    @Test("frames and what a later version added are counted, each once")
    func tally() {
        var session = session()
        _ = session.received(hello("n1")[...], now: at(1))
        // A snapshot: generation 1, no strings, no next hops, one section of type 99 with two facts.
        let later: [UInt8] = [0, 0, 0, 9, 2, 1, 0, 0, 1, 99, 2, 2, 0]
        #expect(
            session.received(later[...], now: at(2)).contains(.send(.acknowledge(generation: 1)))
        )
        var tally = AgentSession.Tally()
        tally.frames = 2
        tally.skipped.facts = 2
        #expect(session.takeTally() == tally)
        #expect(session.takeTally() == AgentSession.Tally())
    }

    @Test("another node's name is refused, with both names in the reason")
    func impostor() {
        var session = session()
        #expect(
            reason(session.received(hello("n2")[...], now: at(1)))
                == "certificate of another node: n1 speaks for n2"
        )
    }

    @Test("a SPIFFE id speaks for the node it ends in, and for no other")
    func spiffe() {
        for (node, isWelcome) in [("n1", true), ("1", false), ("node/n1", false), ("", false)] {
            var session = AgentSession(
                names: ["spiffe://lab/node/n1"],
                patience: 15_000,
                now: at(0)
            )
            #expect(
                (reason(session.received(hello(node)[...], now: at(1))) == nil) == isWelcome,
                "\(node)"
            )
        }
    }

    @Test(
        "what is no conversation ends it",
        arguments: [
            ([0x47, 0x45, 0x54, 0x20], "frame of"),  // "GET ": a length of a gigabyte
            ([0, 0, 0, 0], "invalid frame length"), ([0, 0, 0, 1, 99], "unknown frame type 99"),
            ([0, 0, 0, 2, 4, 1], "report before hello"), ([0, 0, 0, 1, 5], "goodbye before hello"),
        ] as [([UInt8], String)]
    )
    func garbage(bytes: [UInt8], expected: String) {
        var session = session()
        let reason = reason(session.received(bytes[...], now: at(1))) ?? ""
        #expect(reason.contains(expected), "\(reason)")
    }

    @Test("an older collector says which version it speaks")
    func version() {
        var session = session()
        #expect(
            reason(session.received(hello("n1", version: 2)[...], now: at(1)))
                == "format version: 2, this is 1"
        )
    }

    @Test("a gap asks for a snapshot and believes nothing")
    func gap() {
        var session = session()
        _ = session.received(hello("n1")[...], now: at(1))
        let change = AgentFrame.changes(base: 8, generation: 9, Report(), removed: Report())
        #expect(session.received(change.encoded(now: at(2))[...], now: at(2)) == [.send(.resync)])
    }

    @Test("silence before hello, and on an open stream, has an end")
    func silence() {
        var session = session()
        #expect(session.timerFired(now: at(4_999)).isEmpty)
        #expect(reason(session.timerFired(now: at(5_000))) == "no hello")
        _ = session.received(hello("n1")[...], now: at(1_000))
        #expect(session.timerFired(now: at(15_999)).isEmpty)
        #expect(reason(session.timerFired(now: at(16_000))) == "silent on an open connection")
    }
}
