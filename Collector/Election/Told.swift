// SPDX-License-Identifier: Apache-2.0
package import Incidents
package import Routing
import Verdicts

/// What those behind each sink believe of each incident, whoever told them: what collectors that share the telling
/// have in common. A state, not a log: whatever of it is lost or comes late is made good by its next copy.
package struct Told: Sendable, Hashable {
    /// The last word on one incident.
    struct Word: Sendable, Hashable {
        var isOpen: Bool
        var severity: Severity
        /// A hash of the verdict's identity: the root that was named.
        var root: UInt32
        var prefixes: Int
        var at: Timestamp
    }

    /// By a hash of sink and incident.
    private(set) var words: [UInt64: Word] = [:]

    /// Each takes less than 50 bytes; an object has room for 256 KiB of annotations, for all that is noted.
    static let limit = 2_000
    /// A collector that stands by and reads every two seconds has long seen an end that is as old.
    private static let memory: Int64 = 3_600_000

    package init() {}

    init(words: [UInt64: Word]) { self.words = words }

    package var isEmpty: Bool { words.isEmpty }

    package mutating func note(_ delivery: Delivery) {
        note(delivery.transition, sink: delivery.sink)
    }

    mutating func note(_ transition: IncidentTransition, sink: String) {
        note(
            transition.incident,
            isOpen: transition.change != .resolved,
            sink: sink,
            at: transition.at
        )
    }

    /// `sink` was told then that the incident is as it is, or over.
    package mutating func note(
        _ incident: Incident,
        isOpen: Bool,
        sink: String,
        at moment: Timestamp
    ) {
        let verdict = incident.verdict
        words[key(sink, incident.id)] = Word(
            isOpen: isOpen,
            severity: verdict.severity,
            root: UInt32(truncatingIfNeeded: fnv(verdict.identity)),
            prefixes: verdict.impact.prefixes.count,
            at: moment
        )
        trim(moment)
    }

    /// Of what both know the later counts.
    package mutating func merge(_ other: Told) {
        words.merge(other.words) { $0.at >= $1.at ? $0 : $1 }
        if let newest = words.values.map(\.at).max() { trim(newest) }
    }

    /// Ends that are old go, and, of too many, ends before all else.
    private mutating func trim(_ now: Timestamp) {
        words = words.filter { $1.isOpen || now - $1.at < Self.memory }
        guard words.count > Self.limit else { return }
        let order = words.sorted {
            ($0.value.isOpen ? 1 : 0, $0.value.at) < ($1.value.isOpen ? 1 : 0, $1.value.at)
        }
        for (key, _) in order.prefix(words.count - Self.limit) { words[key] = nil }
    }

    /// Of what waits for one sink, in order, the sequences of what those behind it have heard already.
    ///
    /// What is heard covers all that was to be told of the same incident before.
    package func heard(of waiting: [Delivery]) -> Set<Int64> {
        var heard = Set<Int64>()
        for deliveries in Dictionary(grouping: waiting, by: \.transition.incident.id).values {
            let last = deliveries.indices.last { isHeard(deliveries[...$0]) }
            guard let last else { continue }
            heard.formUnion(deliveries[...last].map(\.sequence))
        }
        return heard
    }

    /// Whether the last of these, all of one incident, says nothing new.
    private func isHeard(_ deliveries: ArraySlice<Delivery>) -> Bool {
        guard let last = deliveries.last else { return false }
        let transition = last.transition
        let isEnd = transition.change == .resolved
        guard let word = words[key(last.sink, transition.incident.id)] else {
            // Nobody knows that there is something to end.
            return isEnd && !deliveries.contains { $0.transition.change != .resolved }
        }
        guard word.isOpen else {
            // Its end was told: the end of this time, or of an earlier one?
            return word.at >= (isEnd ? transition.incident.firedAt ?? transition.at : transition.at)
        }
        let verdict = transition.incident.verdict
        return !isEnd
            && !LedgerEntry.isNews(
                verdict,
                afterSeverity: word.severity,
                prefixes: word.prefixes,
                isSameRoot: word.root == UInt32(truncatingIfNeeded: fnv(verdict.identity))
            )
    }
}

private func key(_ sink: String, _ incident: String) -> UInt64 { fnv(sink + "\n" + incident) }

/// FNV-1a: the same in every process, which Swift's own is not.
private func fnv(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
