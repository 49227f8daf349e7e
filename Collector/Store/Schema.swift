// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables, and how those of an older version become them.
///
/// Bodies are JSON: what is searched for has a column of its own. Times are Unix milliseconds.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("incidents") { try $0.execute(sql: incidents) }
        migrator.registerMigration("paths") { try $0.execute(sql: paths) }
        migrator.registerMigration("incidents by their beginning") {
            try $0.execute(sql: "CREATE INDEX incident_detected ON incident (detected_at, id)")
        }
        return migrator
    }

    private static let incidents = """
        CREATE TABLE incident (
            id TEXT NOT NULL,
            detected_at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            resolved_at INTEGER,
            body BLOB NOT NULL,
            PRIMARY KEY (id, detected_at)
        ) WITHOUT ROWID;
        CREATE INDEX incident_resolved ON incident (resolved_at);
        CREATE TABLE silence (
            id TEXT PRIMARY KEY NOT NULL,
            ends_at INTEGER NOT NULL,
            body BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE delivery (
            sequence INTEGER PRIMARY KEY NOT NULL,
            sink TEXT NOT NULL,
            incident TEXT NOT NULL,
            change TEXT NOT NULL,
            at INTEGER NOT NULL,
            outcome TEXT,
            body BLOB
        );
        CREATE INDEX delivery_waiting ON delivery (sequence) WHERE outcome IS NULL;
        CREATE INDEX delivery_at ON delivery (at);
        """

    /// A path's row tells of all its stages, and stands until its next row; a run's row, when the collector ran.
    private static let paths = """
        CREATE TABLE path (
            prefix TEXT NOT NULL,
            node TEXT NOT NULL,
            at INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (prefix, node, at)
        ) WITHOUT ROWID;
        CREATE INDEX path_at ON path (at);
        CREATE TABLE run (
            started_at INTEGER PRIMARY KEY NOT NULL,
            alive_at INTEGER NOT NULL
        );
        """
}
