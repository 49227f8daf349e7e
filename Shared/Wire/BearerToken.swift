// SPDX-License-Identifier: Apache-2.0

/// What proves its bearer: it cannot print itself, `reveal` is the only way out.
package struct BearerToken: Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible,
    CustomReflectable
{
    private let bytes: [UInt8]

    /// A ServiceAccount's token is about 1 KB; sixteen times that.
    package static let limit = 16 << 10

    /// Nil unless it is what a header may carry: visible ASCII, and not too much of it.
    package init?(_ bytes: some Collection<UInt8>) {
        guard 1...Self.limit ~= bytes.count, bytes.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            return nil
        }
        self.bytes = Array(bytes)
    }

    /// As a file has it, which may end in a line's end.
    package init?(file content: some BidirectionalCollection<UInt8>) {
        var rest = content[...]
        while let last = rest.last, [0x0a, 0x0d].contains(last) { rest = rest.dropLast() }
        self.init(rest)
    }

    /// For the one place that sends it.
    package func reveal() -> [UInt8] { bytes }

    package var description: String { "<token>" }
    package var debugDescription: String { "<token>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
