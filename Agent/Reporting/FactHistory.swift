// SPDX-License-Identifier: Apache-2.0
import Wire

/// When each fact of a list last changed, and what went from it, in the table's generations.
struct FactHistory<Row: FactRow> {
    /// Beside the list, row by row.
    private var changed: [UInt64] = []
    private var removed: [(row: Row, generation: UInt64)] = []
    /// More removals than a node has facts would make a snapshot the shorter message.
    private static var removedLimit: Int { 1_024 }

    var isFull: Bool { removed.count > Self.removedLimit }

    /// `old` became `next`, both in the order of their keys.
    mutating func change(_ old: [Row], to next: [Row], in generation: UInt64) {
        guard old != next else { return }
        var stamps: [UInt64] = []
        stamps.reserveCapacity(next.count)
        var index = 0
        for row in next {
            while index < old.count, Row.precedes(old[index], row) {
                removed.append((old[index], generation))
                index += 1
            }
            guard index < old.count, !Row.precedes(row, old[index]) else {
                forget(row)
                stamps.append(generation)
                continue
            }
            stamps.append(old[index] == row ? changed[index] : generation)
            index += 1
        }
        for row in old[index...] { removed.append((row, generation)) }
        changed = stamps
    }

    /// What of `rows` changed after `base`; what went since is added to `gone`.
    func updated(_ rows: [Row], since base: UInt64, _ gone: inout [Row]) -> [Row] {
        gone = removed.filter { $0.generation > base }.map(\.row)
        gone.sortByKey()
        return rows.indices.filter { changed[$0] > base }.map { rows[$0] }
    }

    mutating func forgetRemovals() { removed = [] }

    /// It is back: nobody needs to hear that it went.
    private mutating func forget(_ row: Row) {
        guard !removed.isEmpty else { return }
        removed.removeAll { Row.haveSameKey($0.row, row) }
    }
}
