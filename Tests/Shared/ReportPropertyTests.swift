// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing
import Wire

@Suite struct ReportProperties {
    private let now = at(100_000_000)

    private func decoded(_ frame: AgentFrame) throws -> AgentFrame {
        var reader = FrameReader(limit: WireLimit.frame)
        reader.append(frame.encoded(now: now))
        var skipped = SkippedContent()
        let body = try #require(try reader.next())
        let result = try AgentFrame(decoding: body, now: now, skipped: &skipped)
        #expect(skipped == SkippedContent())
        return result
    }

    @Test("any report comes back as it was", arguments: [UInt64](1...40))
    func roundTrip(seed: UInt64) throws {
        var random = RandomReport(seed: seed, now: now)
        for generation in 1...UInt64(10) {
            let frame = AgentFrame.snapshot(generation: generation, random.next())
            #expect(try decoded(frame) == frame)
        }
    }

    @Test(
        "the difference of any two reports makes the second of the first",
        arguments: [UInt64](1...40)
    )
    func difference(seed: UInt64) throws {
        var random = RandomReport(seed: seed, now: now)
        var replica = ReplicatedFacts()
        var held = random.next()
        _ = replica.apply(.snapshot(generation: 1, held))
        for generation in 2...UInt64(8) {
            let next = random.next()
            let (updated, removed) = difference(from: held, to: next)
            let frame = AgentFrame.changes(
                base: generation - 1,
                generation: generation,
                updated,
                removed: removed
            )
            #expect(replica.apply(try decoded(frame)) == .applied(generation))
            #expect(replica.report == next)
            held = next
        }
    }

    /// By sets, where the agent's table merges sorted lists.
    private func difference(from old: Report, to new: Report) -> (Report, Report) {
        var (updated, removed) = (Report(), Report())
        func split<Row: FactRow>(_ list: WritableKeyPath<Report, [Row]>) {
            updated[keyPath: list] = new[keyPath: list].filter { !old[keyPath: list].contains($0) }
            removed[keyPath: list] = old[keyPath: list].filter { row in
                !new[keyPath: list].contains { Row.haveSameKey(row, $0) }
            }
        }
        split(\.kernel)
        split(\.links)
        split(\.routes)
        split(\.birds)
        split(\.sessions)
        split(\.statics)
        split(\.birdRoutes)
        split(\.exports)
        split(\.addresses)
        split(\.rules)
        return (updated, removed)
    }

    @Test(
        "any truncation is an error, any flipped byte an error or a frame",
        arguments: [UInt64](1...6)
    )
    func damage(seed: UInt64) throws {
        var random = RandomReport(seed: seed, now: now)
        var flips = SeededGenerator(seed: seed)
        let whole = AgentFrame.snapshot(generation: 3, random.next()).encoded(now: now).dropFirst(4)
        var skipped = SkippedContent()
        for count in 0..<whole.count {
            #expect(throws: WireError.self) {
                try AgentFrame(decoding: whole.prefix(count), now: now, skipped: &skipped)
            }
        }
        var frames = 0
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 1 << UInt8(flips.next() % 8)
            frames += (try? AgentFrame(decoding: bytes, now: now, skipped: &skipped)) == nil ? 0 : 1
        }
        #expect(frames < whole.count)
    }
}
