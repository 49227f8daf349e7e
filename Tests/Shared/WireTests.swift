// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing
import Wire

@Suite struct ReportFormat {
    private let now = at(1_000_000)

    private var facts: [Fact] {
        let hop = NextHop(gateway: address("10.16.0.1"), device: "cilium_host")
        let channel = BGPChannel(
            name: "ipv4",
            state: .up,
            imported: 0,
            exported: 1,
            limitHit: true
        )
        let session = BGPSession(
            name: "uplink0",
            protocolState: .up,
            state: .established,
            neighbor: address("10.1.0.254"),
            neighborAS: 64512,
            localAS: 64512,
            since: at(400_000),
            lastError: "Hold timer expired",
            message: "größer",
            isDisabled: false,
            channels: [channel]
        )
        let six = KernelRoute(
            prefix: prefix("fd00:10:16::/64"),
            table: 100,
            metric: 1024,
            destination: .blackhole
        )
        return [
            .kernel(isComplete: true),
            .link(
                Link(name: "cilium_host", index: 4, isAdminUp: true, hasCarrier: false, mtu: 1500)
            ),
            .kernelRoute(KernelRoute(prefix: prefix("10.16.0.0/24"), proto: 2, nextHops: [hop])),
            .kernelRoute(six),
            .bird(
                daemon: "/run/bird/bird.ctl",
                BIRDStatus(
                    condition: .malformed("cut"),
                    since: at(999_000),
                    version: "2.0.12",
                    routerID: address("10.1.0.1"),
                    lastReboot: "2026-11-23",
                    isRecovering: true
                )
            ),
            .session(daemon: "/run/bird/bird.ctl", session),
            .birdStatic(
                daemon: "/run/bird/bird.ctl",
                BIRDStatic(
                    prefix: prefix("10.16.0.0/24"),
                    protocolName: "static1",
                    isDormant: true,
                    device: "cilium_host"
                )
            ),
            .birdRoute(
                daemon: "/run/bird/bird.ctl",
                BIRDRoute(
                    prefix: prefix("10.16.0.0/24"),
                    table: "master4",
                    protocolName: "static1",
                    destination: .unicast,
                    isBest: true,
                    nextHops: [hop]
                )
            ),
            .export(
                daemon: "/run/bird/bird.ctl",
                ExportKey(uplink: "uplink0", prefix: prefix("10.16.0.0/24")),
                .unknown("8004")
            ),
        ]
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
            .hello(hello), .snapshot(generation: 7, facts),
            .changes(base: 7, generation: 9, facts, removed: facts.map(\.key)),
            .heartbeat(generation: .max), .goodbye, .snapshot(generation: 0, []),
        ]
        for frame in frames { #expect(try decoded(frame) == frame) }
    }

    @Test("ages, not clocks, cross the wire")
    func ages() throws {
        var skipped = SkippedContent()
        let frame = AgentFrame.snapshot(generation: 1, facts)
        let other = try AgentFrame(decoding: body(frame), now: at(5_000_000), skipped: &skipped)
        guard case .snapshot(_, let facts) = other else { return #expect(Bool(false)) }
        let since = facts.compactMap { fact -> Timestamp? in
            if case .session(_, let session) = fact { return session.since }
            return nil
        }
        #expect(since == [at(4_400_000)])
    }

    @Test("every truncation is an error, none a trap")
    func truncations() throws {
        let whole = try body(.changes(base: 1, generation: 2, facts, removed: facts.map(\.key)))
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
        let whole = Array(try body(.snapshot(generation: 3, facts)))
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

    @Test("a fact type of a newer agent is skipped and counted, the rest is kept")
    func unknownFact() throws {
        // snapshot 2, generation 5, no strings, no next hops, two facts:
        // type 99 with three bytes, then kernel complete with one byte more than is known.
        let bytes: [UInt8] = [2, 5, 0, 0, 2, 99, 3, 1, 2, 3, 1, 2, 1, 77]
        var skipped = SkippedContent()
        let frame = try AgentFrame(decoding: bytes[...], now: now, skipped: &skipped)
        #expect(frame == .snapshot(generation: 5, [.kernel(isComplete: true)]))
        #expect(skipped.facts == 1)
        #expect(skipped.fields == 1)
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
            AgentFrame.heartbeat(generation: 1), .goodbye, .snapshot(generation: 2, facts),
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
        #expect(replica.apply(.changes(base: 1, generation: 2, [], removed: [])) == .gap)
        #expect(replica.apply(.snapshot(generation: 2, facts)) == .applied(2))
        #expect(replica.apply(.heartbeat(generation: 2)) == .unchanged(2))
        #expect(replica.apply(.heartbeat(generation: 3)) == .gap)
        #expect(
            replica.apply(.changes(base: 2, generation: 4, [], removed: [.kernel])) == .applied(4)
        )
        #expect(replica.facts[.kernel] == nil)
        #expect(replica.facts.count == facts.count - 1)
    }
}
