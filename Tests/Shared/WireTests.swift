// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing
import Wire

@Suite struct ReportFormat {
    private let now = at(1_000_000)

    private let daemon = "/run/bird/bird.ctl"

    private var session: BGPSession {
        let channel = BGPChannel(
            name: "ipv4",
            state: .up,
            imported: 0,
            exported: 1,
            limitHit: true,
            isRecovering: true
        )
        return BGPSession(
            name: "uplink0",
            protocolState: .start,
            state: .active,
            neighbor: address("10.1.0.254"),
            neighborAS: 64512,
            localAS: 64512,
            since: at(400_000),
            lastError: "Hold timer expired",
            firstError: "Received: Administrative shutdown",
            message: "größer",
            isDisabled: true,
            isPeerRestarting: true,
            holdTime: 240,
            silentSince: at(900_000),
            bfdState: "Down",
            channels: [channel, BGPChannel(name: "ipv6", state: .down)]
        )
    }

    private var report: Report {
        let hop = NextHop(gateway: address("10.16.0.1"), device: "cilium_host", isDead: true)
        var report = Report()
        report.kernel = [KernelStatus(isComplete: true, watchesConnections: true)]
        report.links = [
            Link(
                name: "cilium_host",
                index: 4,
                isAdminUp: true,
                hasCarrier: false,
                mtu: 1500,
                reversePathFilter: .loose
            ),
            Link(name: "uplink0", index: 5, isAdminUp: true, hasCarrier: true, mtu: 9000),
        ]
        report.addresses = [
            LinkAddress(device: "uplink0", address: address("10.1.0.1"), length: 24),
            LinkAddress(device: "uplink0", address: address("fd00::1"), length: 64),
        ]
        report.rules = [
            RoutingRule(family: .ipv4, priority: 0, table: 255),
            RoutingRule(
                family: .ipv4,
                priority: 100,
                table: 70_000,
                source: prefix("10.16.0.0/24"),
                selectors: [.mark, .inverted]
            ),
            RoutingRule(family: .ipv6, priority: 9, action: .prohibit, table: 0),
        ]
        report.routes = [
            KernelRoute(prefix: prefix("0.0.0.0/0"), metric: 7, nextHops: [hop, NextHop()]),
            KernelRoute(prefix: prefix("10.16.0.0/24"), proto: 2, nextHops: [hop]),
            KernelRoute(prefix: prefix("10.16.0.0/25"), table: 100, nextHops: [hop]),
            KernelRoute(prefix: prefix("::/0"), destination: .prohibit),
            KernelRoute(
                prefix: prefix("fd00:10:16::/64"),
                table: 100,
                metric: 1024,
                destination: .blackhole
            ),
            KernelRoute(prefix: prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")),
        ]
        report.birds = [
            OfDaemon(
                daemon,
                BIRDStatus(
                    condition: .malformed("cut"),
                    since: at(999_000),
                    version: "2.0.12",
                    routerID: address("10.1.0.1"),
                    lastReboot: "2026-11-23",
                    lastReconfiguration: "2026-11-24",
                    isRecovering: true
                )
            )
        ]
        var other = session
        other.name = "uplink1"
        other.channels = []
        report.sessions = [OfDaemon(daemon, session), OfDaemon(daemon, other)]
        report.statics = [
            OfDaemon(
                daemon,
                BIRDStatic(
                    prefix: prefix("10.16.0.0/24"),
                    protocolName: "static1",
                    isDormant: true,
                    device: "cilium_host"
                )
            )
        ]
        report.birdRoutes = [
            OfDaemon(
                daemon,
                BIRDRoute(
                    prefix: prefix("10.16.0.0/24"),
                    table: "master4",
                    protocolName: "static1",
                    destination: .unreachable,
                    isBest: false,
                    nextHops: [hop]
                )
            )
        ]
        let key = ExportKey(uplink: "uplink0", prefix: prefix("10.16.0.0/24"))
        let second = ExportKey(uplink: "uplink1", prefix: prefix("10.16.0.0/24"))
        report.exports = [
            OfDaemon(daemon, Export(key, .unknown("8004"))),
            OfDaemon(daemon, Export(second, .sent)),
        ]
        return report
    }

    private func body(_ frame: AgentFrame) throws -> ArraySlice<UInt8> {
        var reader = FrameReader(limit: WireLimit.frame)
        reader.append(frame.encoded(now: now))
        return try #require(try reader.next())
    }

    private func decoded(_ frame: AgentFrame) throws -> AgentFrame {
        var skipped = SkippedContent()
        let result = try AgentFrame(decoding: body(frame), now: now, skipped: &skipped)
        #expect(skipped == SkippedContent())
        return result
    }

    @Test("every frame comes back as it was")
    func roundTrip() throws {
        let hello = AgentFrame.Hello(node: "n1", interval: 5_000, agentVersion: "0.1.0")
        let frames: [AgentFrame] = [
            .hello(hello),
            .snapshot(generation: 7, report), .heartbeat(generation: .max), .goodbye,
            .changes(base: 7, generation: 9, report, removed: Report()),
            .snapshot(generation: 0, Report()),
        ]
        for frame in frames { #expect(try decoded(frame) == frame) }
    }

    @Test("of what was removed only the keys cross the wire, and they take out what they name")
    func removals() throws {
        guard
            case .changes(_, _, let updated, let removed) = try decoded(
                .changes(base: 1, generation: 2, Report(), removed: report)
            )
        else { return #expect(Bool(false)) }
        #expect(updated.isEmpty)
        #expect(removed.count == report.count)
        #expect(removed.links.map(\.name) == ["cilium_host", "uplink0"])
        #expect(removed.routes.allSatisfy { $0.nextHops.isEmpty && $0.proto == 0 })
        var rest = report
        rest.apply(updated: Report(), removed: removed)
        #expect(rest.isEmpty)
    }

    @Test("ages, not clocks, cross the wire")
    func ages() throws {
        var skipped = SkippedContent()
        let frame = AgentFrame.snapshot(generation: 1, report)
        let other = try AgentFrame(decoding: body(frame), now: at(5_000_000), skipped: &skipped)
        guard case .snapshot(_, let report) = other else { return #expect(Bool(false)) }
        #expect(report.sessions.first?.value.since == at(4_400_000))
        #expect(report.sessions.first?.value.silentSince == at(4_900_000))
        #expect(report.birds.first?.value.since == at(4_999_000))
    }

    @Test("every truncation is an error, none a trap")
    func truncations() throws {
        let whole = try body(.changes(base: 1, generation: 2, report, removed: report))
        for length in 0..<whole.count {
            var skipped = SkippedContent()
            #expect(throws: WireError.self) {
                _ = try AgentFrame(decoding: whole.prefix(length), now: now, skipped: &skipped)
            }
        }
    }

    @Test("random damage gives a frame or an error, never a trap", arguments: [UInt64(11), 12])
    func damage(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let whole = Array(try body(.snapshot(generation: 3, report)))
        var refused = 0
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<(1 + random.next() % 4) {
                let index = Int(random.next() % UInt64(bytes.count))
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
            var skipped = SkippedContent()
            do {
                _ = try AgentFrame(decoding: bytes[...], now: now, skipped: &skipped)
            } catch { refused += 1 }
        }
        #expect(refused > 100)
    }

    @Test(
        "fact types, columns and words of a newer agent are skipped and counted, the rest is kept"
    )
    func newerAgent() throws {
        let bytes: [UInt8] = [
            2, 5, 0, 0, 2,  // snapshot, generation 5, no strings, no next hops, two sections
            99, 4, 3, 2, 1, 0,  // type 99: 4 bytes, three facts
            1, 7, 1,  // kernel: 7 bytes, one fact
            1 << 1 | 1, 1, 0x83 & 0x7f,  // flags: complete, watching
            50 << 1, 1, 9,  // a column this version does not know
            42,  // something more at the frame's end
        ]
        var skipped = SkippedContent()
        let frame = try AgentFrame(decoding: bytes[...], now: now, skipped: &skipped)
        var expected = Report()
        expected.kernel = [KernelStatus(isComplete: true, watchesConnections: true)]
        #expect(frame == .snapshot(generation: 5, expected))
        #expect(skipped.facts == 3)
        #expect(skipped.fields == 2)
    }

    @Test("prefixes are told by their distance, as the format's example has it")
    func prefixDistances() throws {
        var report = Report()
        report.routes = ["10.16.0.0/24", "10.16.1.0/24", "10.16.1.128/25"].map {
            KernelRoute(prefix: prefix($0))
        }
        let column: [UInt8] = [1 << 1, 9, 0x18, 2, 0x80, 0xc0, 0x50, 2, 0x19, 1, 2]
        let bytes = Array(try body(.snapshot(generation: 1, report)))
        #expect(bytes == [2, 1, 0, 0, 1, 3, 12, 3] + column)
    }

    @Test("a few bytes cannot claim many facts")
    func amplification() {
        // 131,072 links without any column; then a session with 2^20 channels.
        let claims: [[UInt8]] = [
            [2, 5, 0, 0, 1, 2, 3, 0x80, 0x80, 8],
            [2, 5, 0, 0, 1, 5, 6, 1, 33, 3, 0x80, 0x80, 0x40],
        ]
        for bytes in claims {
            var skipped = SkippedContent()
            #expect(throws: WireError.self) {
                _ = try AgentFrame(decoding: bytes[...], now: now, skipped: &skipped)
            }
        }
    }

    @Test("channels count as facts: 64 KB cannot claim a million of them")
    func channelAmplification() {
        // 65,536 sessions of 16 channels each; a column of a later version makes up the length.
        let filling = [UInt8](repeating: 0, count: 0x10000)
        let section: [UInt8] = [0x80, 0x80, 4, 33, 1, 16, 200, 0x80, 0x80, 4] + filling
        let length = section.count
        let head: [UInt8] = [
            2, 5, 0, 0, 1, 5, UInt8(length & 0x7f | 0x80), UInt8(length >> 7 & 0x7f | 0x80),
            UInt8(length >> 14),
        ]
        var skipped = SkippedContent()
        #expect(throws: WireError.tooLong(what: "channels", length: 16, limit: 0)) {
            _ = try AgentFrame(decoding: (head + section)[...], now: now, skipped: &skipped)
        }
    }

    @Test("lists out of order and keys that stand twice are put in order, the last one counts")
    func disorder() throws {
        var mixed = report
        mixed.routes.reverse()
        var first = report.routes[1]
        first.proto = 99
        mixed.routes.insert(first, at: 0)
        #expect(try decoded(.snapshot(generation: 1, mixed)) == .snapshot(generation: 1, report))
    }

    @Test("a claimed size is refused before anything is allocated for it")
    func claims() {
        var reader = FrameReader(limit: 64)
        reader.append([0, 0, 1, 0])
        #expect(throws: WireError.tooLong(what: "frame", length: 256, limit: 64)) {
            _ = try reader.next()
        }
        var skipped = SkippedContent()
        // A string table of 2^35 entries.
        let bytes: [UInt8] = [2, 5, 0x80, 0x80, 0x80, 0x80, 0x80, 1]
        #expect(throws: WireError.self) {
            _ = try AgentFrame(decoding: bytes[...], now: now, skipped: &skipped)
        }
    }

    @Test("frames are found whatever the split")
    func splits() throws {
        let stream = [
            AgentFrame.heartbeat(generation: 1), .goodbye, .snapshot(generation: 2, report),
        ]
        .flatMap { $0.encoded(now: now) }
        for size in [1, 2, 3, 7, 100, stream.count] {
            var reader = FrameReader(limit: WireLimit.frame)
            var count = 0
            for start in stride(from: 0, to: stream.count, by: size) {
                reader.append(stream[start..<min(start + size, stream.count)])
                while try reader.next() != nil { count += 1 }
            }
            #expect(count == 3)
            #expect(reader.isEmpty)
        }
    }

    @Test("changes apply only on top of what they are based on")
    func replication() {
        var replica = ReplicatedFacts()
        let nothing = AgentFrame.changes(base: 1, generation: 2, Report(), removed: Report())
        #expect(replica.apply(nothing) == .gap)
        #expect(replica.apply(.snapshot(generation: 2, report)) == .applied(2))
        #expect(replica.apply(.heartbeat(generation: 2)) == .unchanged(2))
        #expect(replica.apply(.heartbeat(generation: 3)) == .gap)
        var gone = Report()
        gone.kernel = report.kernel
        let change = AgentFrame.changes(base: 2, generation: 4, Report(), removed: gone)
        #expect(replica.apply(change) == .applied(4))
        #expect(replica.report.kernel.isEmpty)
        #expect(replica.report.count == report.count - 1)
    }
}
