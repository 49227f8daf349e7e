// SPDX-License-Identifier: Apache-2.0

/// The ways of all pod CIDRs, in order of node and CIDR. One of very many can be changed without copying the others
/// that somebody else still looks at.
package struct PathList: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral {
    private var chunks: [[PathTrace]]
    package let count: Int

    /// A copy of so many costs a microsecond, and so does that of a hundred of them.
    private static let chunk = 128

    package init(_ paths: [PathTrace]) {
        count = paths.count
        chunks = stride(from: 0, to: paths.count, by: Self.chunk).map {
            Array(paths[$0..<Swift.min($0 + Self.chunk, paths.count)])
        }
    }

    package init(arrayLiteral paths: PathTrace...) { self.init(paths) }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package internal(set) subscript(position: Int) -> PathTrace {
        get { chunks[position / Self.chunk][position % Self.chunk] }
        set { chunks[position / Self.chunk][position % Self.chunk] = newValue }
    }
}
