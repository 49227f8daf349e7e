// SPDX-License-Identifier: Apache-2.0
import Routing

/// Where in the list of paths a CIDR stands: once, but for one that several nodes own.
struct PathPositions: Sendable {
    private var first: [Prefix: Int] = [:]
    private var others: [Prefix: [Int]] = [:]

    init(_ paths: [PathTrace]) {
        first.reserveCapacity(paths.count)
        for (position, path) in paths.enumerated() {
            if first[path.prefix] == nil {
                first[path.prefix] = position
            } else {
                others[path.prefix, default: []].append(position)
            }
        }
    }

    subscript(prefix: Prefix) -> [Int] {
        first[prefix].map { [$0] + (others[prefix] ?? []) } ?? []
    }
}
