// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents

/// What is not on disk yet, in the order in which it does not matter: each thing's last word.
struct Backlog: Sendable {
    var entries: [IncidentKey: LedgerEntry] = [:]
    var silences: [String: Silence] = [:]
    var deliveries: [Int64: Delivery] = [:]
    var outcomes: [Int64: Delivery.Outcome] = [:]

    /// While a disk fails for long, so much is kept for when it can be written again; past it what is settled is
    /// let go.
    private static let limit = 10_000

    var isEmpty: Bool {
        entries.isEmpty && silences.isEmpty && deliveries.isEmpty && outcomes.isEmpty
    }

    mutating func add(_ entries: [LedgerEntry], _ deliveries: [Delivery]) {
        for entry in entries { self.entries[entry.incident.key] = entry }
        for delivery in deliveries { self.deliveries[delivery.sequence] = delivery }
        guard self.entries.count > Self.limit else { return }
        self.entries = self.entries.filter { $0.value.incident.state != .resolved }
    }

    mutating func end(_ sequence: Int64, _ outcome: Delivery.Outcome) {
        outcomes[sequence] = outcome
        guard outcomes.count > Self.limit else { return }
        for sequence in outcomes.keys where deliveries[sequence] != nil {
            deliveries[sequence] = nil
            outcomes[sequence] = nil
        }
    }

    /// What could not be written, and what came meanwhile, which is newer.
    mutating func putBack(_ old: Backlog) {
        entries.merge(old.entries) { new, _ in new }
        silences.merge(old.silences) { new, _ in new }
        deliveries.merge(old.deliveries) { new, _ in new }
        outcomes.merge(old.outcomes) { new, _ in new }
    }
}
