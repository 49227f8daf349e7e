// SPDX-License-Identifier: Apache-2.0

/// One line of `ip rule`: which packets look into which table, in the order of priority
/// (`struct fib_rule_hdr`, linux/fib_rules.h).
package struct RoutingRule: Hashable, Comparable, Sendable, Codable {
    package enum Action: UInt8, Hashable, Sendable, CaseIterable, Codable {
        /// FR_ACT_TO_TBL.
        case lookup = 1
        case blackhole = 6
        case unreachable = 7
        case prohibit = 8
        /// `goto`, `nop`, and what later kernels know.
        case other = 255
    }

    /// What a packet must have beside source and destination for the rule to apply.
    package struct Selectors: OptionSet, Hashable, Sendable, Codable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let mark = Selectors(rawValue: 1)
        package static let inputDevice = Selectors(rawValue: 2)
        package static let outputDevice = Selectors(rawValue: 4)
        /// `not`: applies where the rest does not match.
        package static let inverted = Selectors(rawValue: 8)
        /// Type of service, ports, user, tunnel, and what later kernels know.
        package static let other = Selectors(rawValue: 128)
    }

    package var family: AddressFamily
    package var priority: UInt32
    package var action: Action
    /// Of `lookup`: 254 is main.
    package var table: UInt32
    package var source: Prefix?
    package var destination: Prefix?
    package var selectors: Selectors

    package init(
        family: AddressFamily,
        priority: UInt32,
        action: Action = .lookup,
        table: UInt32,
        source: Prefix? = nil,
        destination: Prefix? = nil,
        selectors: Selectors = []
    ) {
        self.family = family
        self.priority = priority
        self.action = action
        self.table = table
        self.source = source
        self.destination = destination
        self.selectors = selectors
    }

    /// Every packet of the family looks here.
    package var isForAll: Bool { source == nil && destination == nil && selectors.isEmpty }

    package static func < (left: Self, right: Self) -> Bool {
        let ours = (left.family, left.priority, left.table, left.action.rawValue)
        let theirs = (right.family, right.priority, right.table, right.action.rawValue)
        guard ours == theirs else { return ours < theirs }
        return left.rest < right.rest
    }

    /// In any fixed order: two rules of one priority differ only here.
    private var rest: (String, String, UInt8) {
        (source?.description ?? "", destination?.description ?? "", selectors.rawValue)
    }
}
