// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Foundation
package import Incidents
package import Routing

/// One line of a journal: JSON with one key, which tells what it is.
package enum JournalEntry: Sendable, Equatable, Codable {
    /// The first of each file.
    case begin(JournalHead)
    /// What entered, and when it had come.
    case fact(FactUpdate, at: Timestamp)
    /// An incident that another collector had told, and that this one goes on with.
    case tookOver(LedgerEntry)
    /// All that entered so far was judged.
    case judged(at: Timestamp)
    /// So much could not be written: what follows stands on less than the collector knew.
    case lost(updates: Int)
}

/// What a journal is of.
package struct JournalHead: Sendable, Equatable, Codable {
    /// Raised when an older reader would be wrong.
    package var format = 1
    /// Of the collector.
    package var version: String
    package var startedAt: Timestamp
    package var site: WatchedSite
    package var policy: AlertPolicy
    /// What an earlier collector left in the store.
    package var entries: [LedgerEntry]?
    package var silences: [Silence]?

    package init(
        version: String,
        startedAt: Timestamp,
        site: WatchedSite,
        policy: AlertPolicy
    ) {
        self.version = version
        self.startedAt = startedAt
        self.site = site
        self.policy = policy
    }

    package static let format = 1
}

extension JournalEntry {
    /// Without the line's end: JSON has none inside.
    package func line() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    package init(line: Data) throws {
        self = try JSONDecoder().decode(JournalEntry.self, from: line)
    }
}
