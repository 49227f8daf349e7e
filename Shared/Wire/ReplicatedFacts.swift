// SPDX-License-Identifier: Apache-2.0

/// The facts of one node as a collector holds them: a snapshot, and changes on top of it.
package struct ReplicatedFacts: Sendable {
    package private(set) var generation: UInt64?
    package private(set) var report = Report()

    package init() {}

    package enum Outcome: Hashable, Sendable {
        /// Applied: acknowledge this generation.
        case applied(UInt64)
        /// The same as before: acknowledge, nothing to judge.
        case unchanged(UInt64)
        /// A generation is missing: ask for a snapshot.
        case gap
    }

    package mutating func apply(_ frame: AgentFrame) -> Outcome? {
        switch frame {
        case .snapshot(let next, let report):
            self.report = report
            generation = next
            return .applied(next)
        case .changes(let base, let next, let updated, let removed):
            guard generation == base else { return .gap }
            report.apply(updated: updated, removed: removed)
            generation = next
            return .applied(next)
        case .heartbeat(let current, _):
            return generation == current ? .unchanged(current) : .gap
        case .hello, .goodbye, .token: return nil
        }
    }
}
