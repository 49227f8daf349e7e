// SPDX-License-Identifier: Apache-2.0
import Routing

/// Prefixes that changed: few are named, and for many it is all.
struct PrefixChanges: Sendable {
    /// Nil: everything, as before anybody has looked.
    private(set) var prefixes: Set<Prefix>?

    static let none = PrefixChanges(prefixes: [])
    /// More would take longer to name than to read everything again.
    private static let limit = 65_536

    @inline(__always)
    mutating func add(_ prefix: Prefix) {
        prefixes?.insert(prefix)
        if (prefixes?.count ?? 0) > Self.limit { prefixes = nil }
    }

    mutating func add(_ many: [Prefix]) {
        guard many.count <= Self.limit else { return prefixes = nil }
        for prefix in many { add(prefix) }
    }
}
