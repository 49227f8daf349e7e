// SPDX-License-Identifier: Apache-2.0

/// Lines of a syslog stream over TCP: ended by a line feed, or counted (RFC 6587 sections 3.4.1 and 3.4.2).
///
/// A plain struct: bytes in, lines out. What is longer than a line may be is dropped to its end.
package struct SyslogFraming: Sendable {
    private var pending: [UInt8] = []
    /// Bytes of a counted frame that are still to come, and whether they are kept.
    private var isSkipping = false

    /// RFC 5424 section 6.1 has receivers take 2,048 at least; BIG-IP sends no more than that.
    private static let longest = 8_192

    package init() {}

    package mutating func take(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if !isSkipping, !pending.isEmpty { lines.append(uncounted(pending)) }
                pending = []
                isSkipping = false
            } else if pending.count < Self.longest {
                pending.append(byte)
                if let line = counted() { lines.append(line) }
            } else {
                isSkipping = true
            }
        }
        return lines
    }

    /// `LENGTH SP LINE`, once it is whole.
    private mutating func counted() -> [UInt8]? {
        guard let first = pending.first, isDigit(first), let (length, start) = count(pending),
            pending.count == start + length
        else { return nil }
        defer { pending = [] }
        return Array(pending[start...])
    }

    /// A count that stands before a line which ends by a line feed all the same.
    private func uncounted(_ line: [UInt8]) -> [UInt8] {
        count(line).map { Array(line[$0.start...]) } ?? line
    }

    private func count(_ bytes: [UInt8]) -> (length: Int, start: Int)? {
        let digits = bytes.prefix(5).prefix(while: isDigit)
        guard !digits.isEmpty, bytes.count > digits.count, bytes[digits.count] == UInt8(ascii: " "),
            let length = Int(String(decoding: digits, as: UTF8.self)), length <= Self.longest,
            // A year at the beginning of a line is no count: what it counts would begin with a PRI.
            bytes.count == digits.count + 1 || bytes[digits.count + 1] == UInt8(ascii: "<")
        else { return nil }
        return (length, digits.count + 1)
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
