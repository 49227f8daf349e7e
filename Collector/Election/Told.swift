// SPDX-License-Identifier: Apache-2.0
package import Incidents
package import Routing
import Verdicts

/// What those behind each sink believe of each incident, whoever told them: what collectors that share the telling
/// have in common. A state, not a log: whatever of it is lost or comes late is made good by its next copy.
package struct Told: Sendable, Hashable {
    /// The last word on one incident.
    struct Word: Sendable, Hashable {
        /// A hash of the sink's name.
        var sink: UInt32
        var isOpen: Bool
        var severity: Severity
        /// A hash of the verdict's identity: the root that was named.
        var root: UInt32
        var prefixes: Int
        var at: Timestamp
    }

    /// By a hash of sink and incident.
    private(set) var words: [UInt64: Word] = [:]

    /// Each takes less than 56 bytes; an object has room for 256 KiB of annotations, for all that is noted.
    static let limit = 2_000
    /// A collector that stands by and reads every two seconds has long seen an end that is as old.
    private static let memory: Int64 = 3_600_000

    package init() {}

    init(words: [UInt64: Word]) { self.words = words }

    package var isEmpty: Bool { words.isEmpty }

    package mutating func note(_ delivery: Delivery) {
        note(delivery.transition, sink: delivery.sink)
    }

    package mutating func note(_ transition: IncidentTransition, sink: String) {
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
        let key = key(sink, incident.id)
        // After what is known, whoever's clock that was told by.
        let at = words[key].map { max(moment, $0.at + 1) } ?? moment
        words[key] = Word(
            sink: short(sink),
            isOpen: isOpen,
            severity: verdict.severity,
            root: short(verdict.identity),
            prefixes: verdict.impact.prefixes.count,
            at: at
        )
        trim(moment)
    }

    /// Of what both know the later counts. What claims to be of the future is of now.
    package mutating func merge(_ other: Told, now: Timestamp) {
        for (key, word) in other.words {
            var word = word
            word.at = min(word.at, now)
            if words[key].map({ $0.at < word.at }) ?? true { words[key] = word }
        }
        trim(now)
    }

    /// What an earlier life remembers gives way to what all agree on, but for what it may have told last.
    package mutating func yield(to other: Told, since moment: Timestamp) {
        words = words.filter { $1.at >= moment || other.words[$0] != nil }
    }

    package func isOpen(_ incident: String, at sink: String) -> Bool {
        words[key(sink, incident)]?.isOpen ?? false
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
    /// What is heard covers all that was to be told of the same incident before. `isWhole`: what is not here was not told.
    package func heard(of waiting: [Delivery], isWhole: Bool = true) -> Set<Int64> {
        var heard = Set<Int64>()
        let roots = Set(words.values.filter(\.isOpen).map { Root(sink: $0.sink, root: $0.root) })
        for deliveries in Dictionary(grouping: waiting, by: \.transition.incident.id).values {
            let last = deliveries.indices.last { isHeard(deliveries[...$0], roots, isWhole) }
            guard let last else { continue }
            heard.formUnion(deliveries[...last].map(\.sequence))
        }
        return heard
    }

    /// Whether the last of these, all of one incident, says nothing new.
    private func isHeard(
        _ deliveries: ArraySlice<Delivery>,
        _ roots: Set<Root>,
        _ isWhole: Bool
    ) -> Bool {
        guard let last = deliveries.last else { return false }
        let transition = last.transition
        let verdict = transition.incident.verdict
        let isEnd = transition.change == .resolved
        guard let word = words[key(last.sink, transition.incident.id)] else {
            let isBegun = deliveries.contains { $0.transition.change != .resolved }
            // Nobody knows that there is something to end; or the same root is known by another name.
            return isEnd
                ? isWhole && !isBegun
                : roots.contains(Root(sink: short(last.sink), root: short(verdict.identity)))
        }
        guard word.isOpen else {
            // Its end was told: the end of this time, or of an earlier one?
            let began = transition.incident.firedAt ?? transition.at
            return word.at >= (isEnd ? began : transition.at + Self.clockSlack)
        }
        // Between the word and this its end may have been told, or was to be.
        let end = deliveries.last { $0.transition.change == .resolved }?.transition.at
        return !isEnd && end.map { word.at >= $0 } ?? true
            && !LedgerEntry.isNews(
                verdict,
                afterSeverity: word.severity,
                prefixes: word.prefixes,
                isSameRoot: word.root == short(verdict.identity)
            )
    }

    /// So much may the collectors' clocks differ where it matters which of two came first.
    private static let clockSlack: Int64 = 5_000

    private struct Root: Hashable {
        var sink: UInt32
        var root: UInt32
    }
}

private func key(_ sink: String, _ incident: String) -> UInt64 {
    stableHash(sink + "\n" + incident)
}

private func short(_ text: String) -> UInt32 {
    UInt32(truncatingIfNeeded: stableHash(text))
}
