// SPDX-License-Identifier: Apache-2.0

/// Many prefixes, asked whether another has to do with any of them.
package struct PrefixSet: Sendable {
    private let sorted: [Prefix]
    private var members = PrefixNumbers()

    package init(_ prefixes: [Prefix]) {
        sorted = prefixes.sorted()
        for (number, prefix) in sorted.enumerated() { members[prefix] = number }
    }

    /// Whether one of them contains it, or it contains one of them.
    package func overlaps(_ prefix: Prefix) -> Bool {
        members.longestMatch(prefix) != nil || containsAny(inside: prefix)
    }

    /// What lies inside a prefix follows it in order.
    private func containsAny(inside prefix: Prefix) -> Bool {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && prefix.contains(sorted[low])
    }
}
