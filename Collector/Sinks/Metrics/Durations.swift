// SPDX-License-Identifier: Apache-2.0

/// How long something took, over all times it was done; seconds.
package struct Durations: Sendable, Hashable {
    /// From a small site's judgement to many times that of the largest, which takes about a second.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// How many were within each bound and past the one before; the last is of those past all.
    private var counts = [Int](repeating: 0, count: Self.bounds.count + 1)
    package private(set) var sum = 0.0

    package init() {}

    package mutating func observe(_ seconds: Double) {
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }

    package var count: Int { counts.reduce(0, +) }

    /// How many were within each bound, and last all.
    var cumulative: [Int] {
        var total = 0
        return counts.map { count in
            total += count
            return total
        }
    }
}
