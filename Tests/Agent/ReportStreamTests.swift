// SPDX-License-Identifier: Apache-2.0
import Reporting
import Routing
import Support
import Testing
import Wire

@Suite struct ReportStreaming {
    private let hello = AgentFrame.Hello(node: "n1", interval: 5_000, agentVersion: "t")

    private func frames(_ actions: [ReportStream.Action], now: Timestamp) throws -> [AgentFrame] {
        var reader = FrameReader(limit: WireLimit.frame)
        for case .send(let bytes) in actions { reader.append(bytes) }
        var frames: [AgentFrame] = []
        var skipped = SkippedContent()
        while let body = try reader.next() {
            frames.append(try AgentFrame(decoding: body, now: now, skipped: &skipped))
        }
        return frames
    }

    private func links(_ indices: some Sequence<UInt32>, mtu: UInt32 = 1500) -> Report {
        var report = Report()
        report.links = indices.map { index in
            Link(name: "eth\(index)", index: index, isAdminUp: true, hasCarrier: true, mtu: mtu)
        }
        report.sort()
        return report
    }

    private func opened(_ table: FactTable) throws -> ReportStream {
        var stream = ReportStream(hello: hello, seed: 1, now: at(0))
        #expect(stream.proceed(table, now: at(0)) == [.connect])
        let first = try frames(stream.opened(table, now: at(10)), now: at(10))
        #expect(first.first == .hello(hello))
        return stream
    }

    @Test("a stream begins with a snapshot, then says only what changed, then that it is there")
    func life() throws {
        var table = FactTable()
        table.replace(with: links([0, 1]))
        var stream = try opened(table)
        #expect(
            stream.received(CollectorFrame.acknowledge(generation: 1).encoded(), table, now: at(20))
                == []
        )
        table.replace(with: links([0, 2]))
        let change = try frames(stream.proceed(table, now: at(30)), now: at(30))
        guard case .changes(1, 2, let updated, let removed) = try #require(change.first) else {
            return #expect(Bool(false))
        }
        #expect(updated == links([2]))
        #expect(removed.links.map(\.name) == ["eth1"])
        #expect(removed.count == 1)
        #expect(
            stream.received(CollectorFrame.acknowledge(generation: 2).encoded(), table, now: at(40))
                == []
        )
        #expect(stream.proceed(table, now: at(5_029)) == [])
        #expect(
            try frames(stream.proceed(table, now: at(5_030)), now: at(5_030)) == [
                .heartbeat(generation: 2)
            ]
        )
    }

    @Test("what changes while a frame is under way leaves merged, in one frame")
    func conflates() throws {
        var table = FactTable()
        table.replace(with: links([1]))
        var stream = try opened(table)
        for mtu: UInt32 in 1...1_000 {
            table.replace(with: links([1], mtu: mtu))
            #expect(stream.proceed(table, now: at(20)) == [])
        }
        let actions = stream.received(
            CollectorFrame.acknowledge(generation: 1).encoded(),
            table,
            now: at(30)
        )
        let sent = try frames(actions, now: at(30))
        guard case .changes(let base, let generation, let updated, _) = try #require(sent.first)
        else {
            return #expect(Bool(false))
        }
        #expect(sent.count == 1)
        #expect(base == 1)
        #expect(generation == table.generation)
        #expect(updated.count == 1)
    }

    @Test("a collector that lost count gets a snapshot")
    func resync() throws {
        var table = FactTable()
        table.replace(with: links([1]))
        var stream = try opened(table)
        let sent = try frames(
            stream.received(CollectorFrame.resync.encoded(), table, now: at(20)),
            now: at(20)
        )
        #expect(sent == [.snapshot(generation: 1, links([1]))])
    }

    @Test("a collector that acknowledges nothing is left, and asked again later, ever more rarely")
    func halfDead() throws {
        var table = FactTable()
        table.replace(with: links([1]))
        var stream = try opened(table)
        var now = stream.deadline
        #expect(now == at(15_010))
        #expect(
            stream.proceed(table, now: now) == [
                .close(reason: "no acknowledgement for 3 intervals")
            ]
        )
        var waits: [Int64] = []
        for _ in 0..<10 {
            waits.append(stream.deadline - now)
            now = stream.deadline
            #expect(stream.proceed(table, now: now) == [.connect])
            stream.closed(now: now)
        }
        #expect(waits.allSatisfy { $0 >= 250 && $0 <= 30_000 })
        #expect(waits.last ?? 0 >= 15_000)
    }

    @Test("nothing waits busily: a deadline in the past always leads to an action")
    func noSpin() throws {
        var table = FactTable()
        table.replace(with: links([1]))
        var stream = try opened(table)
        var now = at(10)
        for _ in 0..<100 {
            now = max(now, stream.deadline)
            let actions = stream.proceed(table, now: now)
            #expect(!actions.isEmpty || stream.deadline > now)
        }
    }

    private let token = BearerToken(Array("e30.e30.c2ln".utf8))

    @Test(
        "with a token nothing is said between it and the welcome, and the next one goes beside reports"
    )
    func token_() throws {
        let token = try #require(token)
        var table = FactTable()
        table.replace(with: links([1]))
        var stream = ReportStream(hello: hello, seed: 1, now: at(0))
        _ = stream.proceed(table, now: at(0))
        let first = try frames(stream.opened(table, token: token, now: at(10)), now: at(10))
        #expect(first == [.hello(hello), .token(token)])
        table.replace(with: links([1, 2]))
        #expect(stream.proceed(table, now: at(20_000)) == [])
        #expect(!stream.isWelcome && !stream.isStreaming)
        let actions = stream.received(
            CollectorFrame.welcome(version: 1).encoded(),
            table,
            now: at(20_000)
        )
        #expect(
            try frames(actions, now: at(20_000)) == [.snapshot(generation: 2, links([1, 2]))]
        )
        #expect(stream.isWelcome)
        #expect(try frames(stream.handOver(token, now: at(20_001)), now: at(0)) == [.token(token)])
        let answer = CollectorFrame.acknowledge(generation: 2).encoded()
        #expect(stream.received(answer, table, now: at(20_002)) == [])
    }

    @Test("a collector that says nothing of a token is left, and one that refuses it is quoted")
    func unproved() throws {
        let token = try #require(token)
        let table = FactTable()
        func opened() -> ReportStream {
            var stream = ReportStream(hello: hello, seed: 1, now: at(0))
            _ = stream.proceed(table, now: at(0))
            _ = stream.opened(table, token: token, now: at(0))
            return stream
        }
        var mute = opened()
        #expect(mute.deadline == at(30_000))
        #expect(
            mute.proceed(table, now: at(30_000)) == [
                .close(reason: "no word of the token for 30 s")
            ]
        )
        #expect(mute.deadline > at(30_000))
        var refused = opened()
        let word = CollectorFrame.refused(reason: "token refused: expired").encoded()
        #expect(
            refused.received(word, table, now: at(5)) == [
                .close(reason: "refused: token refused: expired")
            ]
        )
        #expect(refused.proceed(table, now: at(6)) == [])
        #expect((at(5 + 250)...at(5 + 500)).contains(refused.deadline))
    }

    @Test("a bad frame from the collector ends the connection, not the agent")
    func garbage() throws {
        let table = FactTable()
        var stream = try opened(table)
        let actions = stream.received([0, 0, 2, 1, 1], table, now: at(20))
        guard case .close(let reason) = try #require(actions.first) else {
            return #expect(Bool(false))
        }
        #expect(reason.contains("limit 512"))
        #expect(!stream.isStreaming)
    }

    @Test("removals that are no longer remembered lead to a snapshot, not to a wrong belief")
    func forgottenRemovals() {
        var table = FactTable()
        table.replace(with: links(0..<5_000))
        let base = table.generation
        table.replace(with: Report())
        #expect(table.changes(since: base) == nil)
        #expect(table.changes(since: table.generation)?.updated.isEmpty == true)
    }
}
