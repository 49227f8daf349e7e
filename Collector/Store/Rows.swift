// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import GRDB
import Incidents
import Routing

extension Backlog {
    func write(to db: Database) throws {
        for entry in entries.values { try write(entry, to: db) }
        for silence in silences.values {
            try db.execute(
                sql: "INSERT OR REPLACE INTO silence (id, ends_at, body) VALUES (?, ?, ?)",
                arguments: [silence.id, silence.endsAt.milliseconds, try body(silence)]
            )
        }
        for delivery in deliveries.values.sorted(by: { $0.sequence < $1.sequence }) {
            try write(delivery, to: db)
        }
        for (sequence, outcome) in outcomes {
            // What it said is in the incident's timeline.
            try db.execute(
                sql: "UPDATE delivery SET outcome = ?, body = NULL WHERE sequence = ?",
                arguments: [outcome.rawValue, sequence]
            )
        }
    }

    private func write(_ entry: LedgerEntry, to db: Database) throws {
        let incident = entry.incident
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO incident (id, detected_at, kind, state, resolved_at, body)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                incident.id, incident.detectedAt.milliseconds, incident.verdict.kind.rawValue,
                incident.state.rawValue, incident.resolvedAt?.milliseconds, try body(entry),
            ]
        )
    }

    private func write(_ delivery: Delivery, to db: Database) throws {
        let transition = delivery.transition
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO delivery (sequence, sink, incident, change, at, body)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                delivery.sequence, delivery.sink, transition.incident.id,
                transition.change.rawValue, transition.at.milliseconds, try body(delivery),
            ]
        )
    }
}

func body(_ value: some Encodable) throws -> Data { try JSONEncoder().encode(value) }

/// A row that another version wrote and this one cannot read is passed over, not fatal.
func read<Value: Decodable>(_ type: Value.Type, _ row: Row) -> Value? {
    guard let data = row["body"] as Data? else { return nil }
    return try? JSONDecoder().decode(type, from: data)
}

extension Store.Memory {
    init(from db: Database) throws {
        self.init()
        let open = try Row.fetchAll(
            db,
            sql: "SELECT body FROM incident WHERE state <> 'resolved'"
        )
        let resolved = try Row.fetchAll(
            db,
            sql: """
                SELECT body FROM incident WHERE state = 'resolved' ORDER BY resolved_at DESC LIMIT ?
                """,
            arguments: [IncidentLedger.resolvedLimit]
        )
        entries = (open + resolved).compactMap { read(LedgerEntry.self, $0) }
        silences = try Row.fetchAll(db, sql: "SELECT body FROM silence")
            .compactMap { read(Silence.self, $0) }
        waiting = try Row.fetchAll(
            db,
            sql: "SELECT body FROM delivery WHERE outcome IS NULL ORDER BY sequence"
        ).compactMap { read(Delivery.self, $0) }
        lastSequence = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM delivery") ?? 0
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT DISTINCT sink, incident FROM delivery JOIN incident ON incident.id = incident
                WHERE incident.state <> 'resolved' AND delivery.at >= incident.detected_at
                """
        )
        for row in rows { told[row["sink"], default: []].insert(row["incident"]) }
        let heardRows = try Row.fetchAll(
            db,
            sql: """
                SELECT sink, incident FROM delivery JOIN incident ON incident.id = incident
                WHERE incident.state <> 'resolved' AND delivery.at >= incident.detected_at
                GROUP BY sink, incident
                HAVING sum(CASE WHEN outcome IN ('delivered', 'elsewhere') THEN 0 ELSE 1 END) = 0
                """
        )
        for row in heardRows { heard[row["sink"], default: []].insert(row["incident"]) }
    }
}

extension Incident {
    static func stored(_ range: PastIncidents, _ db: Database) throws -> [Incident] {
        let last = range.after
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT body FROM incident
                WHERE resolved_at BETWEEN ? AND ?
                AND (detected_at < ? OR (detected_at = ? AND id > ?))
                ORDER BY detected_at DESC, id LIMIT ?
                """,
            arguments: [
                range.since.milliseconds, range.until.milliseconds,
                last?.detectedAt.milliseconds ?? .max, last?.detectedAt.milliseconds ?? .max,
                last?.id ?? "", range.limit,
            ]
        )
        return rows.compactMap { read(LedgerEntry.self, $0)?.incident }
    }

    static func stored(id: String, _ db: Database) throws -> Incident? {
        try Row.fetchOne(
            db,
            sql: "SELECT body FROM incident WHERE id = ? ORDER BY detected_at DESC LIMIT 1",
            arguments: [id]
        ).flatMap { read(LedgerEntry.self, $0)?.incident }
    }
}
