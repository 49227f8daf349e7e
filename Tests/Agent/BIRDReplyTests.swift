// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@testable import BIRD

@Suite struct BIRDReplies {
    private func reply(_ bytes: [UInt8]) throws -> Reply {
        var reader = ReplyReader()
        for case .reply(let reply) in try reader.read(bytes) { return reply }
        throw ReplyError.notAReply("no reply")
    }

    private func protocols(_ version: String, _ state: String) throws -> [ProtocolReply] {
        let bytes = try #require(BIRDFixture.bytes(version, state, "show-protocols-all"))
        let (protocols, unknown) = ProtocolReply.all(try reply(bytes))
        #expect(unknown == 0)
        return protocols
    }

    @Test("every captured reply of eleven versions is read to its end")
    func all() throws {
        let files = BIRDFixture.all
        #expect(files.count > 500)
        for (name, bytes) in files {
            var reader = ReplyReader()
            let events = try reader.read(bytes)
            #expect(reader.isIdle, "\(name)")
            #expect(events.contains { if case .reply = $0 { true } else { false } }, "\(name)")
            let (json, isComplete) = inspect(bytes)
            #expect(isComplete && json.contains("\"unknownLines\":0"), "\(name): \(json)")
        }
    }

    @Test("any split of the bytes gives the same replies")
    func splits() throws {
        var bytes = try #require(BIRDFixture.bytes("2.0.12", "healthy", "hello"))
        bytes += Array("+echoed\n<3 messages lost>\n".utf8)
        bytes += try #require(BIRDFixture.bytes("2.0.7", "healthy", "show-route-all"))
        bytes += try #require(BIRDFixture.bytes("3.3.2", "dual-stack", "show-static"))
        var whole = ReplyReader()
        let expected = try whole.read(bytes)
        #expect(expected.count == 5)
        for cut in bytes.indices {
            var reader = ReplyReader()
            let events = try reader.read(Array(bytes[..<cut])) + reader.read(Array(bytes[cut...]))
            #expect(events == expected, "cut at \(cut)")
        }
        var reader = ReplyReader()
        var events: [ReplyReader.Event] = []
        for byte in bytes { events += try reader.read([byte]) }
        #expect(events == expected)
    }

    @Test("a healthy node: two sessions up, one prefix exported", arguments: BIRDFixture.versions)
    func healthy(version: String) throws {
        let all = try protocols(version, "healthy")
        let sessions = all.compactMap { $0.session(serverTime: "", now: at(0)) }
        #expect(sessions.map(\.name).sorted() == ["uplink0", "uplink1"])
        for session in sessions {
            #expect(session.isEstablished)
            #expect(session.neighborAS == 65_000)
            // BIRD 1.6 does not print it.
            #expect(session.localAS == (version == "1.6.8" ? nil : 65_000))
            #expect(session.neighbor != nil)
            #expect(session.channels.first?.exported == 1)
            #expect(session.lastError.isEmpty)
        }
        #expect(all.first { $0.name == "static1" }?.kind == "Static")
    }

    @Test(
        "each way to lose a session is told apart, in BIRD's words",
        arguments: BIRDFixture.versions,
        [
            ("uplink0-peer-shutdown", "Received: Administrative shutdown", false),
            ("uplink0-hold-timer-expired", "Hold timer expired", false),
            ("uplink0-disabled", "", true),
        ]
    )
    func losses(version: String, loss: (state: String, error: String, isDisabled: Bool)) throws {
        guard BIRDFixture.bytes(version, loss.state, "show-protocols-all") != nil else { return }
        let all = try protocols(version, loss.state)
        let session = try #require(
            all.first { $0.name == "uplink0" }?.session(serverTime: "", now: at(0))
        )
        #expect(!session.isEstablished)
        #expect(session.isDisabled == loss.isDisabled, "\(session)")
        #expect(loss.error.isEmpty || session.lastError.contains(loss.error), "\(session)")
        let other = try #require(
            all.first { $0.name == "uplink1" }?.session(serverTime: "", now: at(0))
        )
        #expect(other.isEstablished)
    }

    @Test("an export limit that is hit shows on the channel", arguments: BIRDFixture.versions)
    func limit(version: String) throws {
        guard BIRDFixture.bytes(version, "export-limit-action-block", "show-protocols-all") != nil
        else { return }
        let all = try protocols(version, "export-limit-action-block")
        // BIRD 3 shows the mark only now and then.
        guard !version.hasPrefix("3") else { return }
        #expect(
            all.first { $0.name == "uplink0" }?.channels.contains(where: \.value.limitHit) == true
        )
    }

    @Test(
        "a static route whose interface is down is dormant, else it is active",
        arguments: BIRDFixture.versions
    )
    func statics(version: String) throws {
        for (state, isDormant) in [("healthy", false), ("static-iface-down", true)] {
            let bytes = try #require(BIRDFixture.bytes(version, state, "show-static"))
            #expect(
                StaticReply(try reply(bytes), protocolName: "static1").statics == [
                    BIRDStatic(
                        prefix: prefix("10.217.3.0/24"),
                        protocolName: "static1",
                        isDormant: isDormant,
                        device: "cilium_host"
                    )
                ]
            )
        }
    }

    @Test(
        "the route of a healthy node is best, unicast and through cilium_host",
        arguments: BIRDFixture.versions
    )
    func routes(version: String) throws {
        let bytes = try #require(BIRDFixture.bytes(version, "healthy", "show-route-all"))
        let routes = RouteReply(try reply(bytes)).routes
        #expect(routes.map(\.prefix) == [prefix("10.217.3.0/24")])
        #expect(routes[0].isBest)
        #expect(routes[0].destination == .unicast)
        #expect(routes[0].protocolName == "static1")
        #expect(routes[0].nextHops == [NextHop(device: "cilium_host")])
    }

    @Test(
        "status: version, router id and times, whatever the version",
        arguments: BIRDFixture.versions
    )
    func status(version: String) throws {
        let bytes = try #require(BIRDFixture.bytes(version, "healthy", "show-status"))
        let status = StatusReply(try reply(bytes))
        #expect(status.version.hasPrefix(version.prefix(3)))
        #expect(status.routerID == address("192.0.2.2"))
        #expect(!status.serverTime.isEmpty && !status.lastReboot.isEmpty)
        #expect(!status.isShuttingDown)
    }

    @Test("a reply ends at four digits and a blank, at nothing else")
    func framing() throws {
        var reader = ReplyReader()
        let text =
            "1007-Table x:\n 0000 not the end\n+echoed\n8000-<line overflow>\n<5 messages lost>\n0014 \n 1 line after the end\n0000 \n"
        let events = try reader.read(Array(text.utf8))
        #expect(events.count == 4)
        #expect(events[0] == .asynchronous("echoed"))
        #expect(events[1] == .messagesLost("<5 messages lost>"))
        guard case .reply(let first) = events[2], case .reply(let second) = events[3] else {
            return #expect(Bool(false))
        }
        #expect(first.code == 14)
        #expect(first.lines.map(\.code) == [1007, 1007, 8000, 14])
        // The code outlives the reply: BIRD before 2.0.8 begins the next one with a blank.
        #expect(second.lines.first == ReplyLine(code: 14, text: "1 line after the end"))
    }

    @Test("ages come from two times of one clock, and from nothing else")
    func ages() {
        #expect(ServerTime.age(of: "13:10:52.445", now: "2026-11-23 13:10:54.699") == 2_254)
        #expect(ServerTime.age(of: "23:59:59", now: "2026-11-23 00:00:01") == 2_000)
        #expect(ServerTime.age(of: "1763903453.140000", now: "1763903460.240000") == 7_100)
        #expect(ServerTime.age(of: "2026-11-20", now: "2026-11-23 00:00:01") == nil)
        #expect(ServerTime.age(of: "13:10:54.700", now: "2026-11-23 13:10:54.699") == 0)
        #expect(ServerTime.age(of: "2026-02-28 23:00:00", now: "2026-03-01 00:00:01") == 3_601_000)
        #expect(ServerTime.age(of: "2024-02-28 23:00:00", now: "2024-03-01 00:00:01") == 90_001_000)
        #expect(ServerTime.age(of: "13:10:52", now: "1763903460.240000") == nil)
        #expect(ServerTime.age(of: "-1:00:00", now: "2026-11-23 00:00:01") == nil)
        #expect(ServerTime.age(of: "Mon 13:10", now: "2026-11-23 00:00:01") == nil)
    }

    @Test("only checked names and canonical prefixes get into a line, and no line is long")
    func commands() {
        let cidr = prefix("10.16.2.0/24")
        #expect(
            Command.exported(cidr, "uplink-0.rack7:tor_a").line.map {
                String(decoding: $0, as: UTF8.self)
            }
                == "show route 10.16.2.0/24 exported 'uplink-0.rack7:tor_a'\n"
        )
        for name in [
            "", "a'b", "a b", "a\nconfigure", "a;down", String(repeating: "x", count: 64), "ü",
        ] {
            #expect(Command.exported(cidr, name).line == nil, "\(name)")
            #expect(Command.staticRoutes(name).line == nil)
        }
        let longest = Command.noExport(
            prefix("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128"),
            String(repeating: "x", count: 63)
        )
        #expect((longest.line?.count ?? 999) <= Command.limit)
    }

    @Test(
        "random damage to real replies gives a result or an error, never a trap",
        arguments: [UInt64(5), 6]
    )
    func damage(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let whole = try #require(BIRDFixture.bytes("3.3.2", "dual-stack", "show-protocols-all"))
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<8 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
                    truncatingIfNeeded: random.next()
                )
            }
            let (json, _) = inspect(bytes)
            #expect(json.hasPrefix("{"))
        }
    }

    @Test("a truncated recording says so")
    func truncated() throws {
        let whole = try #require(BIRDFixture.bytes("2.0.12", "healthy", "show-status"))
        #expect(inspect(whole).isComplete)
        let (json, isComplete) = inspect(Array(whole.dropLast(8)))
        #expect(!isComplete)
        #expect(json.contains("\"final\":null"))
    }
}
