// SPDX-License-Identifier: Apache-2.0

/// What proves its bearer: it cannot print itself, `reveal` is the only way out.
package struct BearerToken: Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible,
    CustomReflectable
{
    private let bytes: [UInt8]

    /// A ServiceAccount's token is about 1 KB; sixteen times that.
    package static let limit = 16 << 10

    /// Nil unless it is what a header may carry, RFC 6750's b64token, and not too much of it. Nothing in it grows
    /// where it is repeated as JSON.
    package init?(_ bytes: some Collection<UInt8>) {
        guard 1...Self.limit ~= bytes.count else { return nil }
        let padding = bytes.drop(while: Self.isOrdinary)
        guard padding.count < bytes.count, padding.allSatisfy({ $0 == 0x3d }) else { return nil }
        self.bytes = Array(bytes)
    }

    private static func isOrdinary(_ byte: UInt8) -> Bool {
        switch byte {
        // A–Z, a–z, 0–9, and - . _ ~ + /
        case 0x41...0x5a, 0x61...0x7a, 0x30...0x39, 0x2d, 0x2e, 0x5f, 0x7e, 0x2b, 0x2f: true
        default: false
        }
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
