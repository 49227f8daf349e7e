// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import GRDB
import Incidents
import Routing
import Support
import Synchronization
import Testing
import Verdicts

@testable import Store

/// A store in a folder of its own, and what it said.
private final class Cellar: Sendable {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("podpath-store-\(UInt64.random(in: 0...UInt64.max))").path
    let said = Mutex<[String]>([])

    var path: String { folder + "/state/podpath.sqlite" }

    func open() throws -> Store {
        try Store(
            path: path,
            clock: { at(5_000_000) },
            say: { text in
                self.said.withLock { $0.append(text) }
            }
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

extension Store {
    /// As the next collector would find it.
    fileprivate func memory() async throws -> Memory {
        try await pool.read { db in try Memory(from: db) }
    }
}

private func verdict(_ kind: Kind, _ node: String) -> Verdict {
    var impact = Impact()
    impact.prefixes = [prefix("10.16.2.0/24")]
    return Verdict(
        kind: kind,
        severity: .critical,
        identity: "\(kind.rawValue)/\(node)",
        subject: Subject(node: node),
        summary: "\(node) is broken",
        since: nil,
        evidence: [Evidence("agent \(node)", "kernel route", "absent", at: at(1))],
        impact: impact,
        verify: [Verification(on: node, "ip route show")],
        hold: 0,
        absorbs: []
    )
}

/// A ledger that breaks and mends, and what it wants kept.
private struct Life {
    var ledger = IncidentLedger(
        cluster: "lab",
        policy: AlertPolicy(holds: [.kernelRouteMissing: 0])
    )
    var sequence: Int64 = 0

    mutating func judge(
        _ verdicts: [Verdict],
        at moment: Timestamp
    ) -> (entries: [LedgerEntry], deliveries: [Delivery]) {
        let judgement = Judgement(paths: [], verdicts: verdicts, nextChange: nil)
        let deliveries = ledger.step(judgement, now: moment).map { transition in
            sequence += 1
            return Delivery(sequence: sequence, sink: "chat", transition: transition)
        }
        return (ledger.takeTouched(), deliveries)
    }
}

private let broken = verdict(.kernelRouteMissing, "n3")

@Suite struct StoreTests {
    @Test("what waits for a sink is not taken to be heard there")
    func heard() async throws {
        let cellar = Cellar()
        let store = try cellar.open()
        var life = Life()
        let broken = ["n1", "n2"].map { verdict(.kernelRouteMissing, $0) }
        let begun = life.judge(broken, at: at(1_000))
        await store.keep(begun.entries, begun.deliveries)
        let first = try #require(begun.deliveries.first)
        await store.end(first.sequence, .delivered)
        let memory = try await store.memory()
        #expect(memory.told["chat"]?.count == 2)
        #expect(memory.heard["chat"] == [first.transition.incident.id])
    }

    @Test(
        "the past comes in pages, the last that began first, each incident once, and one by its name"
    )
    func pages() async throws {
        let cellar = Cellar()
        let store = try cellar.open()
        var life = Life()
        for number in 0..<5 {
            // Two at a time begin and end together.
            let broken = ["n\(number)", "m\(number)"].map { verdict(.kernelRouteMissing, $0) }
            let begun = life.judge(broken, at: at(Int64(number) * 100_000 + 1_000))
            await store.keep(begun.entries, begun.deliveries)
            for second in [50_000, 99_000] {
                let ended = life.judge([], at: at(Int64(number) * 100_000 + Int64(second)))
                await store.keep(ended.entries, ended.deliveries)
            }
        }
        var (range, seen) = (
            PastIncidents(since: at(0), until: at(399_500), limit: 3), [Incident]()
        )
        while case let page = try await store.incidents(range), let last = page.last {
            #expect(page.count <= 3)
            seen += page
            range.after = last.key
        }
        #expect(seen.count == 8)
        #expect(Set(seen.map(\.id)).count == 8)
        #expect(seen.map(\.detectedAt) == seen.map(\.detectedAt).sorted(by: >))
        range = PastIncidents(since: at(300_000), until: at(.max), limit: 10)
        #expect(try await store.incidents(range).count == 4)
        let one = try #require(seen.first)
        #expect(try await store.incident(one.id) == one)
        #expect(try await store.incident("nothing") == nil)
    }

    @Test("what is open, what was resolved and what is still to be told is found again")
    func memory() async throws {
        let cellar = Cellar()
        var life = Life()
        do {
            let store = try cellar.open()
            let (entries, deliveries) = life.judge([broken], at: at(1_000))
            await store.keep(entries, deliveries)
            await store.end(1, .delivered)
            let other = life.judge([broken, verdict(.kernelRouteMissing, "n4")], at: at(2_000))
            await store.keep(other.entries, other.deliveries)
            store.close()
        }
        let memory = try cellar.open().inherited
        #expect(
            memory.entries.map(\.incident)
                == life.ledger.incidents.sorted {
                    $0.detectedAt < $1.detectedAt
                }
        )
        #expect(memory.waiting.map(\.sequence) == [2])
        #expect(memory.waiting[0].transition.incident.verdict.subject.node == "n4")
        #expect(memory.lastSequence == 2)
        #expect(memory.told == ["chat": Set(life.ledger.incidents.map(\.id))])
        #expect(cellar.said.withLock { $0 } == [])
    }

    @Test("who was told of a cause the last time does not count as told when it comes again")
    func toldAnew() async throws {
        let cellar = Cellar()
        var life = Life()
        let store = try cellar.open()
        for (second, verdicts) in [(1, [broken]), (2, []), (3, [broken])] as [(Int64, [Verdict])] {
            let (entries, deliveries) = life.judge(verdicts, at: at(second * 1_000))
            await store.keep(entries, second == 3 ? [] : deliveries)
        }
        let memory = try await store.memory()
        #expect(
            memory.entries.map(\.incident.state).sorted { $0.rawValue < $1.rawValue } == [
                .firing, .resolved,
            ]
        )
        #expect(memory.told == [:])
    }

    @Test("silences are found again, with their last words")
    func silences() async throws {
        let cellar = Cellar()
        let store = try cellar.open()
        var silence = Silence(
            id: "s",
            form: .maintenance,
            match: .init(node: "n3"),
            author: "ann",
            comment: "rack",
            startsAt: at(1),
            endsAt: at(9)
        )
        await store.keep(silence)
        silence.endsAt = at(5)
        await store.keep(silence)
        #expect(try await store.memory().silences == [silence])
    }

    @Test("a file that is no database, or a damaged one, is kept aside, and the store begins anew")
    func damaged() async throws {
        let cellar = Cellar()
        var life = Life()
        do {
            let store = try cellar.open()
            let (entries, deliveries) = life.judge([broken], at: at(1_000))
            await store.keep(entries, deliveries)
            store.close()
        }
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: cellar.path + suffix)
        }
        let file = try #require(FileHandle(forUpdatingAtPath: cellar.path))
        try file.write(contentsOf: Data("no database at all, by any means".utf8))
        try file.close()
        #expect(try cellar.open().inherited.entries == [])
        #expect(cellar.said.withLock { $0 }.count == 1)
        #expect(FileManager.default.fileExists(atPath: cellar.path + ".damaged"))
    }

    @Test("a second collector may not write where the first one does")
    func second() throws {
        let cellar = Cellar()
        let store = try cellar.open()
        do {
            _ = try cellar.open()
            Issue.record("it was opened twice")
        } catch let error as StoreError {
            #expect(error.isInUse)
        }
        _ = store
    }

    @Test(
        "a disk that is full costs nothing but that it is said: all is written when there is room"
    )
    func full() async throws {
        let cellar = Cellar()
        var life = Life()
        let store = try cellar.open()
        try await store.pool.write { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        var deliveries: [Delivery] = []
        for second in 1...60 {
            let node = verdict(.kernelRouteMissing, "n\(second)")
            let new = life.judge([node], at: at(Int64(second) * 1_000))
            deliveries += new.deliveries
            await store.keep(new.entries, new.deliveries)
        }
        guard case .failing = store.health else {
            Issue.record("it is not full")
            return
        }
        #expect(store.waiting > 0)
        await store.end(deliveries[0].sequence, .delivered)
        try await store.pool.write { try $0.execute(sql: "PRAGMA max_page_count = 100000") }
        await store.flush()
        #expect(store.health == .good)
        #expect(store.waiting == 0)
        let memory = try await store.memory()
        #expect(memory.waiting.map(\.sequence) == deliveries.dropFirst().map(\.sequence))
        #expect(memory.entries.count == life.ledger.incidents.count)
        #expect(cellar.said.withLock { $0 }.count == 2)
    }

    @Test("what fails at the very end of its transaction is kept")
    func failsAtCommit() async throws {
        let cellar = Cellar()
        var life = Life()
        let store = try cellar.open()
        // A constraint that is looked at when all is written.
        try await store.pool.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE other (id INTEGER PRIMARY KEY);
                    CREATE TABLE bad (
                        id INTEGER REFERENCES other (id) DEFERRABLE INITIALLY DEFERRED
                    );
                    CREATE TRIGGER spoil AFTER INSERT ON incident
                    BEGIN INSERT INTO bad VALUES (1); END;
                    """
            )
        }
        let (entries, deliveries) = life.judge([broken], at: at(1_000))
        await store.keep(entries, deliveries)
        #expect(store.health != .good)
        #expect(store.waiting == 2)
        try await store.pool.write { try $0.execute(sql: "DROP TRIGGER spoil") }
        await store.flush()
        #expect(store.health == .good)
        #expect(try await store.memory().waiting == deliveries)
    }

    @Test("a disk that does not answer holds up nobody, and what waited is written behind it")
    func stuck() async throws {
        let cellar = Cellar()
        var life = Life()
        let store = try cellar.open()
        var configuration = GRDB.Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: cellar.path, configuration: configuration)
        let (entries, deliveries) = life.judge([broken], at: at(1_000))
        // The writer waits for two seconds, an alert for one.
        try await other.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
        }
        await store.keep(entries, deliveries)
        #expect(store.health != .good)
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        while store.health != .good { await store.flush(); await Task.yield() }
        #expect(try await store.memory().waiting == deliveries)
    }

    @Test("a copy in one file holds what the store held, while it is written")
    func backUp() async throws {
        let cellar = Cellar()
        var life = Life()
        let store = try cellar.open()
        let (entries, deliveries) = life.judge([broken], at: at(1_000))
        await store.keep(entries, deliveries)
        let copy = cellar.folder + "/copy.sqlite"
        try Store.backUp(cellar.path, to: copy)
        let again = try Store(path: copy, clock: { at(0) }, say: { _ in })
        #expect(again.inherited.waiting == deliveries)
    }
}

/// The way of one CIDR, well or broken.
private func trace(_ index: Int, _ state: StageState, readAt: Int64 = 0) -> PathTrace {
    PathTrace(
        prefix: prefix("10.16.\(index).0/24"),
        node: "n\(index)",
        stages: [StageResult(.kernel, state, detail: "via cilium_host", readAt: at(readAt))]
    )
}

@Suite struct PathHistories {
    private let start = at(1_000_000)

    private func later(_ seconds: Int64) -> Timestamp { start + seconds * 1_000 }

    @Test("a way is found as it was at any moment, though only its changes are kept")
    func timeTravel() async throws {
        let cellar = Cellar()
        let store = try cellar.open()
        let states: [(Int64, StageState)] = [
            (0, .unknown(reason: "no agent")), (5, .ok), (100, .ok), (200, .missing),
            (201, .unknown(reason: "silent for 3 s")), (202, .unknown(reason: "silent for 4 s")),
            (300, .ok),
        ]
        for (second, state) in states {
            store.note(
                [trace(1, state, readAt: second), trace(2, .ok)],
                startedAt: start,
                at: later(second)
            )
        }
        await store.writePaths()
        let count = try await store.pool.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM path")
        }
        #expect(count == 5)
        for (second, word) in [
            (4, nil), (5, "ok"), (199, "ok"), (200, "missing"), (250, "unknown"), (400, "ok"),
        ]
            as [(Int64, String?)]
        {
            let past = try await store.paths(at: later(second), of: prefix("10.16.1.0/24"))
            #expect(past.paths.first?.stages.first?.state.word == word, "at \(second) s")
        }
        #expect(try await store.paths(at: later(400)).paths.count == 2)
        // A node that is no more has no way any more.
        store.note([trace(2, .ok)], startedAt: start, at: later(500))
        await store.writePaths()
        #expect(try await store.paths(at: later(500)).paths.map(\.node) == ["n2"])
        #expect(try await store.paths(at: later(499)).paths.map(\.node) == ["n1", "n2"])
    }

    /// Of the collector after one that left two ways, both well.
    private func afterTwoWays(in cellar: Cellar) async throws -> Store {
        let first = try cellar.open()
        first.note([trace(1, .ok), trace(2, .ok)], startedAt: start, at: later(5))
        await first.writePaths()
        first.close()
        let store = try cellar.open()
        await store.beginPaths()
        return store
    }

    @Test("the next collector records only what is other than its predecessor left it")
    func successor() async throws {
        let cellar = Cellar()
        let store = try await afterTwoWays(in: cellar)
        let again = later(1_000)
        store.note(
            [trace(1, .unknown(reason: "starting")), trace(2, .ok)],
            startedAt: again,
            at: again
        )
        store.note([trace(1, .ok), trace(2, .ok)], startedAt: again, at: again + 5_000)
        store.note([trace(1, .missing), trace(2, .ok)], startedAt: again, at: again + 6_000)
        #expect(store.recorder.take().changes.map(\.key.node) == ["n1"])
    }

    @Test("what is too old goes, and of each way the last word stays")
    func retention() async throws {
        let cellar = Cellar()
        let store = try cellar.open()
        for second in 0..<2_000 {
            let states = (1...4).map { trace($0, second % 2 == 0 ? .ok : .missing) }
            store.note(PathList(states), startedAt: at(0), at: later(Int64(second)))
        }
        await store.writePaths()
        let before = try await store.size()
        await store.prune(Retention(age: .max / 4, size: before / 4), at: later(2_000))
        #expect(try await store.size() <= before / 4)
        let last = try await store.paths(at: later(2_000)).paths
        #expect(last.map(\.stages.first?.state) == Array(repeating: StageState.missing, count: 4))
        await store.prune(Retention(age: 0), at: later(3_000))
        let count = try await store.pool.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM path")
        }
        #expect(count == 4)
        #expect(try await store.paths(at: later(3_000)).paths.count == 4)
        #expect(store.health == .good)
    }

    @Test("what is still unknown when all have had time to speak is on record as that")
    func unknownAfterBeginning() async throws {
        let cellar = Cellar()
        let store = try await afterTwoWays(in: cellar)
        let again = later(1_000)
        let paths: PathList = [trace(1, .unknown(reason: "no agent"))]
        store.note(paths, startedAt: again, at: again)
        store.note(paths, touched: [], startedAt: again, at: again + 60_000)
        #expect(store.recorder.take().changes.isEmpty)
        store.note(paths, touched: [], startedAt: again, at: again + 71_000)
        let changes = store.recorder.take().changes
        #expect(changes.map(\.key.node).sorted() == ["n1", "n2"])
        #expect(changes.first { $0.key.node == "n2" }?.trace == nil)
    }

    @Test("a moment at which nobody looked is said to be one")
    func gap() async throws {
        let cellar = Cellar()
        let store = try cellar.open()
        try await store.pool.write { db in
            try db.execute(
                sql: "INSERT INTO run (started_at, alive_at) VALUES (1000000, 1600000)"
            )
        }
        #expect(try await store.paths(at: at(1_500_000)).lastSeen == nil)
        #expect(try await store.paths(at: at(1_700_000)).lastSeen == at(1_600_000))
        #expect(try await store.paths(at: at(900_000)).lastSeen == .zero)
    }
}
