// SPDX-License-Identifier: Apache-2.0

/// A moment in milliseconds: of the node's monotonic clock in the agent, of the Unix epoch in the
/// collector. The two never meet: agents send ages, the collector stamps on arrival.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static let zero = Timestamp(milliseconds: 0)

    package static func < (left: Self, right: Self) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Saturates instead of trapping: ages come from outside.
    package static func + (left: Self, milliseconds: Int64) -> Timestamp {
        let (sum, overflow) = left.milliseconds.addingReportingOverflow(milliseconds)
        guard overflow else { return Timestamp(milliseconds: sum) }
        return Timestamp(milliseconds: milliseconds < 0 ? .min : .max)
    }

    package static func - (left: Self, milliseconds: Int64) -> Timestamp {
        milliseconds == .min ? left + .max : left + -milliseconds
    }

    /// Milliseconds from `right` to `left`.
    package static func - (left: Self, right: Self) -> Int64 {
        let (difference, overflow) =
            left.milliseconds.subtractingReportingOverflow(right.milliseconds)
        guard overflow else { return difference }
        return left > right ? .max : .min
    }
}
