// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@testable import BIRD

@Suite struct BIRDHostileInput {
    private func reply(_ text: String) throws -> Reply {
        var reader = ReplyReader()
        for case .reply(let reply) in try reader.read(Array(text.utf8)) { return reply }
        throw ReplyError.notAReply("no reply")
    }

    private func session(_ lines: String) throws -> BGPSession? {
        let text = "2002-Name Proto Table State Since Info\n" + lines + "0000 \n"
        return ProtocolReply.all(try reply(text)).protocols.first?
            .session(serverTime: "", now: at(0))
    }

    @Test("a peer's shutdown text stays a text, whatever it says")
    func message() throws {
        for text in [
            "limit: 1 [HIT]", "Export limit: 1 [HIT]", "Channel ipv6", "BGP state: Established",
            "0000 fake 9001 reply", "Routes: 9 imported, 9 exported", "\u{301}x", "ünïcode \u{7f}",
        ] {
            let found = try session(
                "1002-u BGP --- start 13:00:00.000  Active        Received: Administrative shutdown\n"
                    + "1006-  Message:          \(text)\n   BGP state:          Active\n"
                    + "     Neighbor address: 10.1.0.254\n   Channel ipv4\n     State:          DOWN\n \n"
            )
            let session = try #require(found)
            #expect(session.message == text)
            #expect(session.state == .active)
            #expect(session.channels == [BGPChannel(name: "ipv4", state: .down)])
            #expect(session.neighbor == address("10.1.0.254"))
        }
    }

    @Test("bytes that are not UTF-8 are replaced, and the line is read all the same")
    func brokenText() throws {
        var reader = ReplyReader()
        let row = Array("1002-u BGP --- up 13:00:00  Established\n1006-  Message: ".utf8)
        let bytes = row + [0xff, 0xc3, 0x28, 0x00] + Array("\n0000 \n".utf8)
        for case .reply(let reply) in try reader.read(bytes) {
            let session = ProtocolReply.all(reply).protocols.first?
                .session(serverTime: "", now: at(0))
            #expect(session?.isEstablished == true)
            #expect(session?.message.contains("\u{fffd}") == true)
        }
    }

    @Test("a session that stopped by itself is not disabled, and says why")
    func automatic() throws {
        let stopped = try session(
            "1002-u BGP --- down 13:00:00.000  Automatic shutdown: Route limit exceeded\n"
                + "1006-  BGP state:          Down\n   Channel ipv4\n     State:          DOWN\n"
                + "     Import limit:   1 [HIT]\n       Action:       disable\n"
        )
        #expect(stopped?.isDisabled == false)
        #expect(stopped?.lastError == "Automatic shutdown: Route limit exceeded")
        #expect(stopped?.channels.first?.limitHit == true)
    }

    @Test("a protocol that only waits for dynamic neighbours is no session")
    func listener() throws {
        let found = try session(
            "1002-dyn BGP --- start 18:28:53.313  Passive       \n"
                + "1006-  BGP state:          Passive\n     Neighbor range:   10.9.0.0/16\n"
        )
        #expect(found == nil)
    }

    @Test("the session of a bird6 has an IPv6 channel, though 1.6 does not name it")
    func bird6() throws {
        let six = try session(
            "1002-six BGP master up 13:00:00    Established   \n"
                + "1006-  Routes:         0 imported, 1 exported, 0 preferred\n"
                + "   BGP state:          Established\n     Neighbor address: fe80::1%eth0\n"
        )
        #expect(
            six?.channels == [
                BGPChannel(name: "ipv6", state: .up, imported: 0, exported: 1, preferred: 0)
            ]
        )
        #expect(six?.neighbor == address("fe80::1"))
    }

    @Test("a row that BIRD cut off is a gap in the list, a detail is not")
    func overflow() throws {
        let head = "2002-Name Proto Table State Since Info\n"
        let row = "1002-u BGP --- up 13:00:00  Established\n1006-  BGP state: Established\n"
        let lost = try reply(
            head + row + " \n8000-<line overflow>\n1006-  BGP state: Idle\n0000 \n"
        )
        #expect(ProtocolReply.all(lost).unknown == 1)
        #expect(ProtocolReply.all(lost).protocols.map(\.bgpState) == [.established])
        let cut = try reply(head + row + "8000-<line overflow>\n1006-  Local AS: 64512\n0000 \n")
        #expect(ProtocolReply.all(cut).unknown == 0)
        #expect(ProtocolReply.all(cut).protocols.map(\.localAS) == [64_512])
    }

    @Test("routes: multipath, labels, blackholes, blank prefixes and several tables")
    func routes() throws {
        let read = RouteReply(
            try reply(
                "1007-Table master4:\n 10.16.0.0/24         unicast [static1 13:10:52.445] * (200)\n"
                    + " \tvia 10.1.0.254 on br0 onlink weight 1\n \tvia 10.1.0.253 on br0 weight 2\n"
                    + "                      unicast [uplink0 13:00 from 10.1.0.9] (100) [i]\n"
                    + " \tdev eth0\n 10.16.8.0/24         blackhole [static1 13:10] ! (200)\n"
                    + " 10.16.9.0/24 mpls 100 unreachable [static1 13:10] * (200)\n \n"
                    + " Table master6:\n fd00::/64            prohibited [static6 13:10] * (200)\n"
                    + " 65000:1 10.0.0.0/24  unicast [vpn 13:10] * (100)\n \tdev vpn0\n0000 \n"
            )
        )
        #expect(
            read.routes.map(\.destination) == [
                .unicast, .unicast, .blackhole, .unreachable, .prohibit,
            ]
        )
        #expect(read.routes.map(\.isBest) == [true, false, true, true, true])
        #expect(
            read.routes.map(\.table) == ["master4", "master4", "master4", "master4", "master6"]
        )
        #expect(
            read.routes[0].nextHops.map(\.description) == [
                "via 10.1.0.254 dev br0", "via 10.1.0.253 dev br0",
            ]
        )
        #expect(read.routes[1].protocolName == "uplink0")
        #expect(read.routes[4].nextHops.isEmpty)
        #expect(read.unknown == 1)
    }

    @Test("a static route is dormant only if none of its next hops works")
    func statics() throws {
        let read = StaticReply(
            try reply(
                "1009-10.16.0.0/24\n \tdev a (dormant)\n \tvia 10.1.0.254 (dormant)\n"
                    + " 10.16.1.0/24\n \tvia 10.1.0.254 (dormant)\n \tvia fe80::1%eth0 (bfd)\n"
                    + " 10.16.8.0/24\tblackhole\n 10.16.6.0/24 multipath\n \tdev b weight 1\n"
                    + " 10.16.7.0/24 dev gone0 (dormant)\n 65000:1 10.0.0.0/24\n \tdev c (dormant)\n0000 \n"
            ),
            protocolName: "s"
        )
        #expect(read.statics.map(\.isDormant) == [true, false, false, false, true])
        #expect(read.statics.map(\.device) == ["a", "eth0", nil, "b", "gone0"])
        #expect(read.unknown == 1)
    }

    @Test("random bytes and damaged transcripts never trap", arguments: [UInt64(1), 2, 3])
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789- +<>\n\n\n\t[]:/.%*!()aBGP\r\u{0}\u{ff}".utf8)
        for _ in 0..<400 {
            let bytes = (0..<300).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            var poll = BIRDPoll(prefixes: [], supernets: [], now: at(0))
            _ = poll.received(Array("0001 BIRD 2.0.12 ready.\n".utf8) + bytes, now: at(.max))
            var echo = EchoSession(now: at(0))
            _ = echo.received(bytes, now: at(.min))
            #expect(inspect(bytes).json.hasSuffix("}"))
            let text = String(decoding: bytes, as: UTF8.self)
            _ = ProtocolReply(row: text)?.session(serverTime: text, now: at(.min))
            _ = ServerTime.age(of: String(text.prefix(20)), now: String(text.suffix(20)))
        }
    }

    @Test("a damaged poll ends the same way however it is split", arguments: [UInt64(7), 8])
    func damagedSplits(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func below(_ limit: Int) -> Int { Int(random.next() % UInt64(max(1, limit))) }
        let files = BIRDFixture.all
        let cidrs = [prefix("10.217.3.0/24"), prefix("fd00:217:3::/64")]
        for _ in 0..<400 {
            var bytes = Array("0001 BIRD 2.0.12 ready.\n0016 a\n9001 b\n".utf8)
            for command in ["show-status", "show-protocols-all", "show-static", "show-route-all"] {
                let version = BIRDFixture.versions[below(BIRDFixture.versions.count)]
                bytes += BIRDFixture.bytes(version, "healthy", command) ?? []
            }
            bytes += files[below(files.count)].bytes
            for _ in 0..<below(6) {
                let start = below(bytes.count)
                let end = min(bytes.count, start + below(40))
                bytes.replaceSubrange(start..<end, with: [UInt8(truncatingIfNeeded: random.next())])
            }
            let cut = below(bytes.count)
            var whole = BIRDPoll(prefixes: cidrs, supernets: cidrs, now: at(0))
            var parts = whole
            let first = parts.received(Array(bytes[..<cut]), now: at(5))
            let second = parts.received(Array(bytes[cut...]), now: at(5))
            let actions = whole.received(bytes, now: at(5))
            #expect(actions == first + second)
            for case .send(let line) in actions { #expect(line.count <= Command.limit) }
        }
    }

    @Test("what does not end is cut: a line, a reply")
    func bounds() throws {
        var reader = ReplyReader()
        let line = Array(("1006-" + String(repeating: "x", count: 500) + "\n").utf8)
        #expect(throws: ReplyError.replyTooLong) {
            for _ in 0..<(ReplyReader.replyLimit / 500 + 1) { _ = try reader.read(line) }
        }
        var echo = ReplyReader()
        let pushed = Array(("+" + String(repeating: "x", count: 900) + "\n").utf8)
        for _ in 0..<20_000 { _ = try echo.read(pushed) }
        #expect(echo.isIdle)
        var long = ReplyReader()
        #expect(throws: ReplyError.lineTooLong) {
            _ = try long.read([UInt8](repeating: 0x30, count: 512))
        }
    }

    @Test("only the keys that have content are printed, and the last reply is the final one")
    func inspection() {
        let (json, isComplete) = inspect(
            Array(
                "0001 BIRD 2.0.12 ready.\n+uplink0: Received: Administrative shutdown\n<3 messages lost>\ngarbage\n1009-10.16.7.0/24\n \tdev gone0 (dormant)\n0000 \n"
                    .utf8
            )
        )
        #expect(isComplete)
        #expect(
            json
                == #"{"final":"0000","statics":[{"prefix":"10.16.7.0/24","dormant":true}],"asynchronous":["uplink0: Received: Administrative shutdown","<3 messages lost>"],"unknownLines":1}"#
        )
    }
}
