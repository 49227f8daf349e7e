// SPDX-License-Identifier: Apache-2.0
import Routing

/// Why bytes of BGP or BMP are not what they should be. Offsets count bytes of the message.
package enum BGPError: Error, Hashable, Sendable, CustomStringConvertible {
    case truncated(what: String, at: Int)
    case invalid(what: String, at: Int)

    package var description: String {
        switch self {
        case .truncated(let what, let at): "\(what) is cut off at byte \(at)"
        case .invalid(let what, let at): "\(what) is wrong at byte \(at)"
        }
    }
}

/// Walks through part of a message; whatever would pass its end is an error.
struct BGPReader {
    private(set) var offset: Int
    let end: Int

    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { offset >= end }
    var left: Int { end - offset }

    @inline(__always)
    mutating func byte(_ bytes: Span<UInt8>, _ what: StaticString) throws(BGPError) -> UInt8 {
        guard offset < end else { throw truncated(what) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Big endian.
    @inline(__always)
    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ bytes: Span<UInt8>,
        _ what: StaticString,
        as type: Number.Type = Number.self
    ) throws(BGPError) -> Number {
        let size = Number.bitWidth / 8
        guard left >= size else { throw truncated(what) }
        var number: Number = 0
        for index in offset..<offset + size { number = number << 8 | Number(bytes[index]) }
        offset += size
        return number
    }

    @inline(__always)
    mutating func skip(_ count: Int, _ what: StaticString) throws(BGPError) {
        guard count <= left else { throw truncated(what) }
        offset += count
    }

    /// The next `count` bytes as a part of their own.
    @inline(__always)
    mutating func part(_ count: Int, _ what: StaticString) throws(BGPError) -> BGPReader {
        guard count <= left else { throw truncated(what) }
        defer { offset += count }
        return BGPReader(offset..<offset + count)
    }

    mutating func address(
        _ family: AddressFamily,
        _ bytes: Span<UInt8>,
        _ what: StaticString
    ) throws(BGPError) -> IPAddress {
        switch family {
        case .ipv4: IPAddress(ipv4: try number(bytes, what, as: UInt32.self))
        case .ipv6: IPAddress(family: .ipv6, bits: try number(bytes, what, as: UInt128.self))
        }
    }

    /// RFC 4271 section 4.3: a length in bits, then as many bytes as hold it. Bits past the length are
    /// of no meaning.
    @inline(__always)
    mutating func prefix(
        _ family: AddressFamily,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> Prefix {
        let start = offset
        let length = Int(try byte(bytes, "prefix"))
        guard length <= family.bitWidth else { throw .invalid(what: "prefix length", at: start) }
        let size = (length + 7) / 8
        guard size <= left else { throw truncated("prefix") }
        guard family.isIPv4 else { return try longPrefix(length, size, bytes) }
        var bits: UInt32 = 0
        for index in 0..<size { bits |= UInt32(bytes[offset + index]) << UInt32(24 - 8 * index) }
        offset += size
        let mask: UInt32 = length == 0 ? 0 : ~0 << UInt32(32 - length)
        return Prefix(canonical: IPAddress(ipv4: bits & mask), length: length)
    }

    private mutating func longPrefix(
        _ length: Int,
        _ size: Int,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> Prefix {
        var bits: UInt128 = 0
        for index in 0..<size { bits |= UInt128(bytes[offset + index]) << UInt128(120 - 8 * index) }
        offset += size
        let mask: UInt128 = length == 0 ? 0 : ~0 << UInt128(128 - length)
        return Prefix(canonical: IPAddress(family: .ipv6, bits: bits & mask), length: length)
    }

    private func truncated(_ what: StaticString) -> BGPError {
        .truncated(what: "\(what)", at: offset)
    }
}
