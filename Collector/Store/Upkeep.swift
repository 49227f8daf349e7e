// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import Routing

/// How much is kept.
package struct Retention: Sendable, Hashable {
    /// Milliseconds; what is older and over is let go.
    package var age: Int64
    /// Bytes that the file may have; past it the oldest ways are let go first, then the oldest incidents.
    package var size: Int64

    /// A month, and what thirty thousand ways that change as a whole fill a dozen times.
    package init(age: Int64 = 30 * 86_400_000, size: Int64 = 256 << 20) {
        self.age = age
        self.size = size
    }
}

extension Store {
    /// Keeps the store until cancelled: a sign of life every ten seconds, ways each second, what could not be
    /// written as often, old things each ten minutes.
    package func run(_ retention: Retention, startedAt: Timestamp) async {
        await beginPaths()
        var turn = 0
        while !Task.isCancelled {
            if turn % 10 == 0 { await live(startedAt) }
            await writePaths()
            await flush()
            if turn % 600 == 30 { await prune(retention, at: clock()) }
            turn += 1
            try? await Task.sleep(for: .seconds(1))
        }
        // What was seen last is to be found when somebody asks what there was before the end.
        // A task that is cancelled may not write.
        await Task {
            await writePaths()
            await live(startedAt)
        }.value
    }

    private func live(_ startedAt: Timestamp) async {
        let now = clock()
        do {
            try await pool.write { db in
                try db.execute(
                    sql: "INSERT OR REPLACE INTO run (started_at, alive_at) VALUES (?, ?)",
                    arguments: [startedAt.milliseconds, now.milliseconds]
                )
            }
            became(.good)
        } catch {
            guard !(error is CancellationError) else { return }
            became(.failing(words(error), since: now))
        }
    }

    /// A little at a time: an alert may be waiting to be written.
    package func prune(_ retention: Retention, at now: Timestamp) async {
        do {
            var horizon = (now - retention.age).milliseconds
            try await forget(before: horizon)
            // Each time half of what is left of the past.
            horizon = max(horizon, try await oldest() ?? now.milliseconds)
            for _ in 0..<8 {
                guard try await size() > retention.size else { break }
                horizon += (now.milliseconds - horizon) / 2
                try await forgetPaths(before: horizon)
                if try await size() > retention.size { try await forget(before: horizon) }
            }
        } catch {
            guard !(error is CancellationError) else { return }
            became(.failing(words(error), since: now))
        }
    }

    private func oldest() async throws -> Int64? {
        try await pool.read { try Int64.fetchOne($0, sql: "SELECT min(at) FROM path") }
    }

    /// In bytes, what is free in the file not counted.
    func size() async throws -> Int64 {
        try await pool.read { db in
            let pages = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            let free = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
        }
    }

    private func forget(before horizon: Int64) async throws {
        try await forgetPaths(before: horizon)
        for (table, key, condition) in [
            ("incident", "id, detected_at", "resolved_at < ?"),
            (
                "delivery", "sequence",
                // Whoever was told of what is still open has to be told of its end.
                """
                outcome IS NOT NULL AND at < ?
                AND incident NOT IN (SELECT id FROM incident WHERE state <> 'resolved')
                """
            ),
            ("silence", "id", "ends_at < ?"),
            ("run", "started_at", "alive_at < ?"),
        ] {
            try await forget(table, key, condition, horizon)
        }
        try await pool.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA incremental_vacuum(2000)")
        }
    }

    /// The last row before the horizon tells how the way was at the horizon: it stays.
    private func forgetPaths(before horizon: Int64) async throws {
        try await forget(
            "path",
            "prefix, node, at",
            """
            at < ?1 AND (length(body) = 0 OR EXISTS (
                SELECT 1 FROM path AS later WHERE later.prefix = path.prefix
                AND later.node = path.node AND later.at > path.at AND later.at <= ?1))
            """,
            horizon
        )
    }

    private func forget(
        _ table: String,
        _ key: String,
        _ condition: String,
        _ horizon: Int64
    ) async throws {
        let sql = """
            DELETE FROM \(table) WHERE (\(key)) IN
            (SELECT \(key) FROM \(table) WHERE \(condition) LIMIT 2000)
            """
        var count = 1
        while count > 0, !Task.isCancelled {
            count = try await pool.write { db in
                try db.execute(sql: sql, arguments: [horizon])
                return db.changesCount
            }
        }
    }
}
