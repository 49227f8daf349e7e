// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@testable import BIRD

@Suite struct BIRDPolling {
    private func poll() -> BIRDPoll {
        BIRDPoll(
            prefixes: [prefix("10.16.2.0/24")],
            supernets: [prefix("10.16.0.0/16")],
            now: at(0)
        )
    }

    private let key = ExportKey(uplink: "uplink0", prefix: prefix("10.16.2.0/24"))

    private func reading(_ change: (inout ScriptedBIRD) -> Void = { _ in }) -> (
        BIRDReading?, [String]
    ) {
        var bird = ScriptedBIRD()
        change(&bird)
        var poll = poll()
        return (bird.run(&poll), bird.asked)
    }

    @Test("restrict comes first, and every question has one answer")
    func whole() throws {
        let (result, asked) = reading()
        let reading = try #require(result)
        #expect(asked.first == "restrict")
        #expect(reading.condition == .readable)
        #expect(reading.routerID == address("10.1.0.3"))
        #expect(reading.sessions.map(\.name) == ["uplink0"])
        #expect(reading.sessions[0].since == at(2) - 1_000)
        #expect(reading.statics.first?.device == "cilium_host")
        #expect(reading.routes.first?.isBest == true)
        #expect(reading.exports == [key: .sent])
        #expect(!asked.contains { $0.contains("noexport") })
    }

    @Test(
        "each answer about an export means one thing",
        arguments: [
            (
                "0000 ", "1007-Table master4:\n 10.16.2.0/24 unicast [static1 1] * (200)\n0000 ",
                ExportAnswer.rejectedByFilter
            ),
            ("0000 ", "0000 ", .notSent), ("8001 Network not found", "", .notInTable),
            ("9001 No valid tables", "", .channelDown),
            (
                "9001 Requested 'show route export' to protocols which aren't accepting exports at all.",
                "", .channelDown
            ),
            ("8009 cannot open", "", .unknown("BIRD answered 8009")),
        ]
    )
    func exports(answer: String, noexport: String, expected: ExportAnswer) {
        let (result, _) = reading { bird in
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] = answer
            bird.answers["show route 10.16.2.0/24 noexport 'uplink0'"] = noexport
        }
        #expect(result?.exports[key] == expected)
    }

    @Test("a BIRD before 2.0.8 has no exported: its filter's word is taken, and marked as that")
    func old() {
        let row = "1007-10.16.2.0/24 unicast [static1 1] * (200)\n0000 "
        let (result, asked) = reading { bird in
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] =
                "9001 syntax error, unexpected CF_SYM_UNDEFINED"
            bird.answers["show route 10.16.2.0/24 export 'uplink0'"] = row
        }
        #expect(result?.exports[key] == .accepted)
        #expect(
            asked.suffix(2) == [
                "show route 10.16.2.0/24 export 'uplink0'", "show route export 'uplink0' count",
            ]
        )
    }

    @Test("a table that is being reconfigured is asked once more, then it is unknown")
    func reconfiguring() {
        let (result, asked) = reading { bird in
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] =
                "8004 Stopped due to reconfiguration"
        }
        #expect(result?.exports[key] == .unknown("BIRD is reconfiguring"))
        #expect(asked.count { $0.hasSuffix("exported 'uplink0'") } == 2)
    }

    @Test("without 0016 for restrict nothing more is asked")
    func unrestricted() {
        let (result, asked) = reading { $0.answers["restrict"] = "9001 syntax error" }
        #expect(asked == ["restrict"])
        #expect(result?.condition == .unrestricted)
    }

    @Test(
        "a protocol with a name that may not be sent is not asked about, and its export is unknown"
    )
    func hostileName() {
        let (result, asked) = reading { bird in
            bird.answers["show protocols all"] = bird.answers["show protocols all"]?
                .replacing("uplink0", with: "up'link")
        }
        #expect(result?.condition == .readable)
        #expect(!asked.contains { $0.contains("link") })
        #expect(
            result?.exports.values.allSatisfy { $0 == .unknown("its name cannot be asked about") }
                == true
        )
    }

    @Test("a BIRD that shuts down is told apart from one that is gone")
    func shutdown() {
        let (result, _) = reading { bird in
            bird.answers["show status"] = "1000-BIRD 2.0.12\n0013 Shutdown in progress"
        }
        #expect(result?.condition == .shuttingDown)
    }

    @Test(
        "a frozen daemon, an end in the middle and garbage each have their reason, and no half lists"
    )
    func failures() {
        var frozen = poll()
        #expect(frozen.timerFired(now: at(999)).isEmpty)
        #expect(frozen.timerFired(now: at(1_000)) == [.finish(BIRDReading(condition: .noGreeting))])
        var cut = poll()
        _ = cut.received(Array("0001 BIRD 2.0.12 ready.\n".utf8), now: at(0))
        guard case .finish(let reading) = cut.failed(.closed, now: at(1)).first else {
            return #expect(Bool(false))
        }
        #expect(reading.condition == .closed)
        #expect(reading.sessions.isEmpty && reading.exports.isEmpty)
        var garbage = poll()
        guard
            case .finish(let other) = garbage.received(Array("HTTP/1.1 400\n".utf8), now: at(1))
                .first
        else { return #expect(Bool(false)) }
        guard case .malformed = other.condition else { return #expect(Bool(false), "\(other)") }
        var endless = poll()
        let flood = endless.received([UInt8](repeating: 65, count: 2_000), now: at(1))
        guard case .finish(let last) = flood.first else { return #expect(Bool(false)) }
        #expect(last.condition == .malformed("a line longer than BIRD writes"))
    }

    @Test("BIRD 1.6 refuses `exported` in other words")
    func ancient() {
        let row = "1007-10.16.2.0/24 dev cilium_host [static1 13:05:51] * (200)\n0000 "
        let (result, asked) = reading { bird in
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] = "9001 IP address expected"
            bird.answers["show route 10.16.2.0/24 export 'uplink0'"] = row
        }
        #expect(result?.exports[key] == .accepted)
        #expect(
            asked.suffix(2) == [
                "show route 10.16.2.0/24 export 'uplink0'", "show route export 'uplink0' count",
            ]
        )
    }

    @Test("a protocol that goes while it is asked about is unknown, not lost")
    func vanished() {
        let (result, _) = reading { bird in
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] = "9001 syntax error"
            bird.answers["show route 10.16.2.0/24 export 'uplink0'"] = "9001 syntax error"
        }
        #expect(result?.condition == .readable)
        #expect(result?.exports[key] == .unknown("BIRD does not understand the question"))
    }

    @Test("an old BIRD that exported nothing did not send what its filter accepts")
    func softReconfiguration() {
        let row = "1007-10.16.2.0/24 unicast [static1 1] * (200)\n0000 "
        let (result, _) = reading { bird in
            bird.answers["show protocols all"] = bird.answers["show protocols all"]?
                .replacing("1 exported", with: "0 exported")
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] = "9001 syntax error"
            bird.answers["show route 10.16.2.0/24 export 'uplink0'"] = row
        }
        #expect(result?.exports[key] == .notSent)
    }

    @Test("a session with a table of its own is asked, though the default table lacks the prefix")
    func ownTable() {
        let row = "1007-Table t4:\n 10.16.2.0/24 unicast [static1 1] * (200)\n \tdev veth0\n0000 "
        let (result, _) = reading { bird in
            bird.answers["show route 10.16.2.0/24"] = "8001 Network not found"
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] = row
        }
        #expect(result?.exports[key] == .sent)
        #expect(result?.routes.map(\.table) == ["t4"])
    }

    @Test("a table that cannot be asked makes the reading unreadable, never the route missing")
    func unreadableTable() {
        let (result, _) = reading { bird in
            bird.answers["show route 10.16.2.0/24"] = "8004 Stopped due to reconfiguration"
        }
        #expect(result?.condition == .reconfiguring)
        #expect(result?.sessions.isEmpty == true)
    }

    @Test("a static protocol that may not be asked about does not end the questions")
    func hostileStatic() {
        let (result, asked) = reading { bird in
            bird.answers["show protocols all"] = bird.answers["show protocols all"]?
                .replacing("static1", with: String(repeating: "s", count: 64))
        }
        #expect(asked.contains("show route 10.16.2.0/24"))
        #expect(result?.exports[key] == .sent)
    }

    @Test("a channel that is down under a session that is up was sent nothing")
    func channelDown() {
        let (result, asked) = reading { bird in
            bird.answers["show protocols all"] = bird.answers["show protocols all"]?
                .replacing("State:          UP", with: "State:          DOWN")
        }
        #expect(result?.exports[key] == .channelDown)
        #expect(!asked.contains { $0.contains("export") })
    }

    @Test("an answer that BIRD cut off proves nothing")
    func overflow() {
        let (result, _) = reading { bird in
            bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] =
                "8000-<line overflow>\n0000 "
        }
        #expect(result?.exports[key] == .unknown("a line was too long for BIRD"))
    }

    @Test("once finished the machine is silent")
    func finished() {
        var poll = poll()
        #expect(poll.deadline == at(1_000))
        _ = poll.failed(.refused, now: at(1))
        #expect(poll.deadline == nil)
        #expect(poll.received(Array("0001 BIRD ready.\n".utf8), now: at(2)).isEmpty)
        #expect(poll.failed(.closed, now: at(3)).isEmpty)
        #expect(poll.timerFired(now: at(9_000)).isEmpty)
    }

    @Test("after the greeting the whole poll has five seconds")
    func slow() {
        var poll = poll()
        _ = poll.received(Array("0001 BIRD 2.0.12 ready.\n".utf8), now: at(1_900))
        #expect(poll.deadline == at(5_000))
        #expect(poll.timerFired(now: at(4_999)).isEmpty)
        guard case .finish(let reading) = poll.timerFired(now: at(5_000)).first else {
            return #expect(Bool(false))
        }
        #expect(reading.condition == .noAnswer)
    }

    @Test("an age that jitters does not make a session new; a bounce does")
    func settled() {
        func reading(_ text: String, _ since: Int64) -> BIRDReading {
            var reading = BIRDReading(condition: .readable)
            reading.sessions = [
                BGPSession(name: "u", protocolState: .up, state: .established, since: at(since))
            ]
            reading.sinceTexts = ["u": text]
            return reading
        }
        let first = reading("13:00:00.000", 5_000)
        #expect(
            reading("13:00:00.000", 5_040).settled(comparedTo: first).sessions[0].since == at(5_000)
        )
        #expect(
            reading("13:00:09.000", 14_000).settled(comparedTo: first).sessions[0].since
                == at(14_000)
        )
        // 20 hours later BIRD prints the date alone.
        var dated = reading("2026-11-23", 0)
        dated.sessions[0].since = nil
        #expect(dated.settled(comparedTo: first).sessions[0].since == at(5_000))
        // Epoch times are computed anew each time: nothing else may differ because of it.
        var epoch = reading("1763903453.140000", 5_000)
        epoch.lastReboot = "1763903000.000120"
        var next = reading("1763903453.140713", 5_001)
        next.lastReboot = "1763903000.000833"
        #expect(next.settled(comparedTo: epoch) == epoch)
        next.lastReboot = "1763903100.000000"
        #expect(next.settled(comparedTo: epoch).lastReboot == "1763903100.000000")
    }

    @Test(
        "the echo session only hints, leaves where there is no echo, and ignores the scan's noise"
    )
    func echo() {
        var session = EchoSession(now: at(0))
        #expect(
            session.received(Array("0001 BIRD 2.0.12 ready.\n".utf8), now: at(0)) == [
                .send(Array("restrict\n".utf8))
            ]
        )
        #expect(
            session.received(Array("0016 Access restricted\n".utf8), now: at(0)) == [
                .send(Array("echo all\n".utf8))
            ]
        )
        #expect(session.received(Array("0000 \n".utf8), now: at(0)) == [])
        #expect(
            session.received(Array("+KRT: route with strange next-hop\n".utf8), now: at(0)) == []
        )
        #expect(session.received(Array("+a\n+b\n".utf8), now: at(0)) == [.moved])
        #expect(session.received(Array("<12 messages lost>\n".utf8), now: at(0)) == [.lost])
        #expect(
            session.received(Array("<1 messages lost>\n+a\n<2 messages lost>\n".utf8), now: at(0))
                == [.lost, .moved]
        )
        var three = EchoSession(now: at(0))
        _ = three.received(
            Array("0001 BIRD 3.3.2 ready.\n0016 Access restricted\n".utf8),
            now: at(0)
        )
        #expect(three.received(Array("9001 syntax error\n".utf8), now: at(0)) == [.unsupported])
    }

    // A BIRD 2.0.7: `exported` is a syntax error, the counters are of its `show protocols all`.
    @Test("without `exported` the filter's count must be what was sent, or nothing is known")
    func exportCount() {
        func answer(sent: Int, accepted: Int, row: Bool) -> ExportAnswer? {
            let (reading, _) = reading { bird in
                let route = bird.answers["show route 10.16.2.0/24 exported 'uplink0'"]
                bird.answers["show route 10.16.2.0/24 exported 'uplink0'"] =
                    "9001 syntax error, unexpected CF_SYM_UNDEFINED"
                bird.answers["show route 10.16.2.0/24 export 'uplink0'"] = row ? route : "0000 "
                bird.answers["show route 10.16.2.0/24 noexport 'uplink0'"] = row ? "0000 " : route
                bird.answers["show route export 'uplink0' count"] =
                    "1007-\(accepted) of 3 routes for 3 networks in table master4\n0000 "
                bird.answers["show protocols all"] = bird.answers["show protocols all"]?
                    .replacing("1 exported", with: "\(sent) exported")
            }
            return reading?.exports[key]
        }
        #expect(answer(sent: 1, accepted: 1, row: true) == .accepted)
        #expect(
            answer(sent: 1, accepted: 0, row: false)
                == .unknown("the filter accepts 0 routes now and 1 were sent")
        )
        #expect(
            answer(sent: 1, accepted: 2, row: true)
                == .unknown("the filter accepts 2 routes now and 1 were sent")
        )
        #expect(answer(sent: 2, accepted: 2, row: false) == .rejectedByFilter)
        #expect(answer(sent: 0, accepted: 1, row: true) == .notSent)
    }

    @Test("a static protocol that is disabled is told: what it holds cannot be asked")
    func staticDown() {
        let (up, _) = reading()
        #expect(up?.isStaticDown == false)
        let (down, asked) = reading { bird in
            bird.answers["show protocols all"] = bird.answers["show protocols all"]?
                .replacing("static1 Static master4 up", with: "static1 Static master4 down")
        }
        #expect(down?.isStaticDown == true)
        #expect(!asked.contains("show static 'static1'"))
    }
}
