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
        guard !changes.isEmpty else { return }
        do {
            try await pool.write { db in
                for change in changes { try change.write(to: db) }
            }
            became(.good)
        } catch {
            recorder.putBack(changes)
            became(.failing(words(error), since: clock()))
        }
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
    fileprivate func write(to db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO path (prefix, node, at, body) VALUES (?, ?, ?, ?)",
            arguments: [
                key.prefix.description, key.node, at.milliseconds,
                try trace.map { try body($0) } ?? Data(),
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
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT body, max(at) FROM path WHERE at <= ? AND (? IS NULL OR prefix = ?)
                GROUP BY prefix, node
                """,
            arguments: [moment.milliseconds, prefix?.description, prefix?.description]
        )
        return rows.compactMap { read(PathTrace.self, $0) }
            .sorted { ($0.node, $0.prefix) < ($1.node, $1.prefix) }
    }
}
