// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Facts
import Routing
import Support
import Testing
import Wire

@Suite struct TokenSessions {
    private let token = bearer("n1")

    private func session(names: [String] = [], takesTokens: Bool = true) -> AgentSession {
        AgentSession(names: names, takesTokens: takesTokens, patience: 15_000, now: at(0))
    }

    private func hello(_ node: String = "n1") -> [UInt8] {
        AgentFrame.hello(.init(node: node, interval: 5_000, agentVersion: "t"))
            .encoded(now: at(0))
    }

    private func frame(_ token: BearerToken) -> [UInt8] {
        AgentFrame.token(token).encoded(now: at(0))
    }

    private func reason(_ actions: [AgentSession.Action]) -> String? {
        for case .refuse(let reason) in actions { return reason }
        return nil
    }

    /// What the agent is told of it.
    private func told(_ actions: [AgentSession.Action]) -> String? {
        for case .send(.refused(let reason)) in actions { return reason }
        return nil
    }

    private func streaming() -> AgentSession {
        var session = session()
        _ = session.received((hello() + frame(token))[...], now: at(1))
        _ = session.reviewed(.proved(node: "n1"), now: at(2))
        return session
    }

    @Test("hello and token: reviewed first, welcome then; what came meanwhile is read after it")
    func accepted() {
        var session = session()
        let beat = AgentFrame.heartbeat(generation: 7).encoded(now: at(0))
        #expect(session.received(hello()[...], now: at(1)) == [])
        #expect(session.received((frame(token) + beat)[...], now: at(2)) == [.prove(token)])
        #expect(session.isPaused && session.node == nil)
        #expect(
            session.reviewed(.proved(node: "n1"), now: at(3)) == [
                .send(.welcome(version: 1)),
                .deliver(node: "n1", .connected(interval: 5_000, version: "t")),
                .send(.resync),
            ]
        )
        #expect(!session.isPaused && session.node == "n1")
    }

    @Test("another node's token is refused, and both names are told")
    func impostor() {
        var session = session()
        _ = session.received((hello("n5") + frame(token))[...], now: at(1))
        let actions = session.reviewed(.proved(node: "n1"), now: at(2))
        #expect(reason(actions) == "token of another node: n1 speaks for n5")
        #expect(told(actions) == reason(actions))
        #expect(session.node == nil)
    }

    @Test(
        "what the API server says of a token is counted under one word, and told to the agent",
        arguments: [
            (.refused("token has expired"), "token refused: token has expired"),
            (
                .refused("not made for the audience podpath"),
                "token refused: not made for the audience podpath"
            ),
            (.refused("a\nb"), "token refused: a?b"),
            (.unproved("HTTP 503"), "cannot be proved now: HTTP 503"),
        ] as [(TokenProofs.Outcome, String)]
    )
    func refused(outcome: TokenProofs.Outcome, expected: String) {
        var session = session()
        _ = session.received((hello() + frame(token))[...], now: at(1))
        let actions = session.reviewed(outcome, now: at(2))
        #expect(reason(actions) == expected && told(actions) == expected)
    }

    @Test(
        "a token that is too long, or no b64token, is a bad frame; nothing of it is told"
    )
    func badTokens() {
        for bytes in [
            [UInt8](repeating: 0x61, count: BearerToken.limit + 1), Array("a\nb".utf8),
            Array("a b".utf8), [0x61, 0], [0xc3, 0xa9], [], Array("a<b".utf8), Array("a=b".utf8),
            Array("==".utf8), Array("a\"b".utf8),
            [UInt8](repeating: 0x3c, count: BearerToken.limit),
        ] {
            var session = session()
            _ = session.received(hello()[...], now: at(1))
            var body: [UInt8] = [6]
            var rest = bytes.count
            while rest >= 0x80 {
                body.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            body += [UInt8(rest)] + bytes
            let length = (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (24 - 8 * $0)) }
            let why = reason(session.received((length + body)[...], now: at(2))) ?? ""
            #expect(why.hasPrefix("bad frame: ") && !why.contains("a\n"), "\(why)")
        }
        #expect(BearerToken([UInt8](repeating: 0x61, count: BearerToken.limit)) != nil)
        #expect(BearerToken(Array("aZ09-._~+/==".utf8)) != nil)
    }

    @Test("before its node is proved nobody may send more than a token's length")
    func greetingLimit() {
        var session = session()
        let why = reason(session.received([0, 0x10, 0, 0], now: at(1)))
        #expect(why == "bad frame: frame of 1048576, limit \(BearerToken.limit + 64)")
        var proved = streaming()
        #expect(reason(proved.received([0, 0x10, 0, 0], now: at(1))) == nil)
    }

    @Test("who brings neither certificate nor token, nor any word, is left")
    func silence() {
        var session = session()
        _ = session.received(hello()[...], now: at(1))
        #expect(reason(session.timerFired(now: at(4_999))) == nil)
        #expect(reason(session.timerFired(now: at(5_000))) == "no token, and no certificate")
    }

    @Test("a review that does not end is the end after 20 s, and the agent is told")
    func noAnswer() {
        var session = session()
        _ = session.received((hello() + frame(token))[...], now: at(1_000))
        #expect(session.timerFired(now: at(20_999)) == [])
        let actions = session.timerFired(now: at(21_000))
        #expect(reason(actions) == "cannot be proved now: no answer in 20 s")
        #expect(told(actions) == reason(actions))
    }

    @Test("a report before the review is not believed")
    func reportFirst() {
        var session = session()
        let beat = AgentFrame.heartbeat(generation: 7).encoded(now: at(0))
        #expect(
            reason(session.received((hello() + beat)[...], now: at(1)))
                == "no token, and no certificate"
        )
    }

    @Test("who has a certificate that nobody asked for learns it")
    func unasked() {
        var session = AgentSession(
            names: [],
            takesTokens: true,
            asksCertificates: false,
            patience: 15_000,
            now: at(0)
        )
        let beat = AgentFrame.heartbeat(generation: 7).encoded(now: at(0))
        _ = session.received(hello()[...], now: at(1))
        let expected = "no token, and no certificate was asked for"
        #expect(reason(session.timerFired(now: at(5_000))) == expected)
        #expect(reason(session.received(beat[...], now: at(2))) == expected)
    }

    @Test("the next token on a running stream is reviewed while reports go on")
    func rotation() {
        var session = streaming()
        let next = bearer("n1", expires: 9)
        #expect(session.received(frame(next)[...], now: at(10_000)) == [.prove(next)])
        #expect(!session.isPaused)
        let beat = AgentFrame.heartbeat(generation: 7).encoded(now: at(0))
        #expect(session.received(beat[...], now: at(10_001)) == [.send(.resync)])
        #expect(session.reviewed(.proved(node: "n1"), now: at(10_002)) == [])
        let actions = session.reviewed(.proved(node: "n5"), now: at(10_003))
        #expect(reason(actions) == "token of another node: n5 speaks for n1")
        #expect(
            reason(session.reviewed(.refused("its pod is gone"), now: at(10_004)))
                == "token refused: its pod is gone"
        )
    }

    @Test("tokens that come faster than any kubelet makes them are refused")
    func flood() {
        var session = streaming()
        #expect(
            reason(session.received(frame(token)[...], now: at(5_000))) == "token again: within 5 s"
        )
        var patient = streaming()
        #expect(patient.received(frame(token)[...], now: at(5_001)) == [.prove(token)])
    }

    @Test("where none is taken, before hello and beside a certificate a token is refused")
    func misplaced() {
        var early = session()
        #expect(reason(early.received(frame(token)[...], now: at(1))) == "token before hello")
        var none = session(names: ["n1"], takesTokens: false)
        _ = none.received(hello()[...], now: at(1))
        #expect(
            reason(none.received(frame(token)[...], now: at(2))) == "token beside a certificate"
        )
        var both = session(names: ["n1"])
        _ = both.received(hello()[...], now: at(1))
        #expect(
            reason(both.received(frame(token)[...], now: at(2))) == "token beside a certificate"
        )
    }

    @Test("where both are taken a certificate speaks for its node as ever, and for no other")
    func certificates() {
        var own = session(names: ["n1"])
        #expect(own.received(hello()[...], now: at(1)).first == .send(.welcome(version: 1)))
        var other = session(names: ["n1"])
        #expect(
            reason(other.received(hello("n5")[...], now: at(1)))
                == "certificate of another node: n1 speaks for n5"
        )
    }
}
