// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import Routing
package import Verdicts

extension Store {
    /// Takes note of the ways that are other than they were; they are written within a second or two. `touched` is
    /// where they may be; nil: anywhere.
    package func note(
        _ paths: PathList,
        touched: [Int]? = nil,
        startedAt: Timestamp,
        at now: Timestamp
    ) {
        recorder.note(paths, touched: touched, startedAt: startedAt, at: now)
    }

    /// All ways, or those of one prefix, as they were then.
    package func paths(
        at moment: Timestamp,
        of prefix: Prefix? = nil
    ) async throws(StoreError) -> PastPaths {
        do {
            return try await pool.read { db in
                PastPaths(
                    paths: try PathTrace.stored(at: moment, of: prefix, db),
                    lastSeen: try lastSeen(before: moment, db)
                )
            }
        } catch {
            throw StoreError(path: path, reason: words(error))
        }
    }

    func beginPaths() async {
        let last = try? await pool.read { db in
            try PathTrace.stored(at: Timestamp(milliseconds: .max), of: nil, db)
        }
        recorder.begin(with: last ?? [])
    }

    func writePaths() async {
        let (changes, lost) = recorder.take()
        if lost > 0 { say("\(path): \(lost) changes of ways could not be recorded") }
        // An alert may be waiting to be written: a burst of a fleet takes many turns, and is encoded before its turn.
        for start in stride(from: 0, to: changes.count, by: 1_000) {
            let some = Array(changes[start..<min(start + 1_000, changes.count)])
            do {
                let rows = try some.map { (change: $0, body: try $0.encoded()) }
                try await pool.write { db in
                    for row in rows { try row.change.write(row.body, to: db) }
                }
            } catch {
                recorder.putBack(Array(changes[start...]))
                guard !(error is CancellationError) else { return }
                return became(.failing(words(error), since: clock()))
            }
        }
        if !changes.isEmpty { became(.good) }
    }
}

/// How long after its last sign of life a collector is taken to have gone on: three of them.
private let lifeSign: Int64 = 30_000

private func lastSeen(before moment: Timestamp, _ db: Database) throws -> Timestamp? {
    let run = try Row.fetchOne(
        db,
        sql: "SELECT alive_at FROM run WHERE started_at <= ? ORDER BY started_at DESC LIMIT 1",
        arguments: [moment.milliseconds]
    )
    guard let alive = run?["alive_at"] as Int64? else { return .zero }
    return alive + lifeSign < moment.milliseconds ? Timestamp(milliseconds: alive) : nil
}

extension PathRecorder.Change {
    fileprivate func encoded() throws -> Data { try trace.map { try body($0) } ?? Data() }

    fileprivate func write(_ body: Data, to db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO path (prefix, node, at, body) VALUES (?, ?, ?, ?)",
            arguments: [
                key.prefix.description, key.node, at.milliseconds, body,
            ]
        )
    }
}

extension PathTrace {
    /// SQLite takes the columns beside `max` from the row that has it.
    fileprivate static func stored(
        at moment: Timestamp,
        of prefix: Prefix?,
        _ db: Database
    ) throws -> [PathTrace] {
        let rows =
            if let prefix {
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT body, max(at) FROM path WHERE prefix = ? AND at <= ?
                        GROUP BY prefix, node
                        """,
                    arguments: [prefix.description, moment.milliseconds]
                )
            } else {
                try Row.fetchAll(
                    db,
                    sql: "SELECT body, max(at) FROM path WHERE at <= ? GROUP BY prefix, node",
                    arguments: [moment.milliseconds]
                )
            }
        return rows.compactMap { read(PathTrace.self, $0) }
            .sorted { ($0.node, $0.prefix) < ($1.node, $1.prefix) }
    }
}
