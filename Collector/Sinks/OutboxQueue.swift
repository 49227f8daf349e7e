// SPDX-License-Identifier: Apache-2.0
import Incidents

/// What waits for a sink, and what of it is under way.
struct OutboxQueue: Sendable {
    private let bundling: Bundling
    private var waiting: [Delivery] = []
    /// As many of the first are being sent.
    private var underWay = 0
    /// Gone, and nobody has been told so yet.
    private var dropped: [Int64] = []
    /// As many are lost: of what a later word of the same incident stands for, none.
    private(set) var lost = 0

    /// A storm of a thousand transitions is no longer something a person reads.
    private static let limit = 1_000
    /// So many single messages in a row are read; more are a wall.
    private static let singles = 5
    /// So many last words at once, where only those matter.
    private static let batch = 50

    init(_ bundling: Bundling) { self.bundling = bundling }

    var count: Int { waiting.count }

    mutating func append(_ delivery: Delivery) {
        if bundling == .latest { drop(allBut: delivery) }
        waiting.append(delivery)
        guard waiting.count > Self.limit else { return }
        // A reminder says nothing new, and an end must be told; else what is oldest is known best by now.
        let free = waiting.indices.dropFirst(underWay).dropLast()
        let victim =
            free.first { waiting[$0].transition.change == .reminder }
            ?? free.first { waiting[$0].transition.change != .resolved } ?? free.first
        guard let victim else { return }
        dropped.append(waiting.remove(at: victim).sequence)
        lost += 1
    }

    /// Earlier words of the same incident, which are not under way.
    private mutating func drop(allBut delivery: Delivery) {
        let id = delivery.transition.incident.id
        let head = waiting.prefix(underWay)
        let stale = waiting.dropFirst(underWay).filter { $0.transition.incident.id == id }
        guard !stale.isEmpty else { return }
        dropped += stale.map(\.sequence)
        waiting = head + waiting.dropFirst(underWay).filter { $0.transition.incident.id != id }
    }

    /// What is to be sent next. `isLate`: the sink could not be told for a while, and what gathered goes at once.
    mutating func take(isLate: Bool) -> [Delivery]? {
        guard !waiting.isEmpty else { return nil }
        let isCrowded = isLate || waiting.count > Self.singles
        underWay =
            switch bundling {
            case .each: 1
            case .digest: isCrowded ? waiting.count : 1
            case .latest: min(waiting.count, Self.batch)
            }
        return Array(waiting.prefix(underWay))
    }

    mutating func settle(_ batch: [Delivery]) {
        waiting.removeFirst(min(batch.count, underWay))
        underWay = 0
    }

    /// What was under way waits again.
    mutating func release() { underWay = 0 }

    /// All that waits, of which nothing is under way.
    var all: [Delivery] { underWay == 0 ? waiting : [] }

    mutating func remove(_ sequences: Set<Int64>) {
        guard underWay == 0, !sequences.isEmpty else { return }
        waiting.removeAll { sequences.contains($0.sequence) }
    }

    mutating func takeDropped() -> [Int64] {
        defer { dropped = [] }
        return dropped
    }
}
