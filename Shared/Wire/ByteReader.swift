// SPDX-License-Identifier: Apache-2.0
import Routing

/// A place in a frame's body, from which the format's primitive fields are read (FORMAT.md,
/// Primitives). The bytes are passed in with each call; every read is bounded by `end`, none can
/// trap.
struct ByteReader {
    private(set) var offset: Int
    let end: Int

    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - offset }

    @inline(__always)
    mutating func byte(_ bytes: Span<UInt8>) throws(WireError) -> UInt8 {
        guard offset < end, offset < bytes.count else { throw .truncated(at: offset, needed: 1) }
        let value = bytes[offset]
        offset &+= 1
        return value
    }

    /// The next `count` bytes as a reader of their own.
    mutating func section(_ count: Int) throws(WireError) -> ByteReader {
        guard count >= 0, count <= remaining else {
            throw .truncated(at: offset, needed: count - remaining)
        }
        defer { offset += count }
        return ByteReader(offset..<(offset + count))
    }

    @inline(__always)
    mutating func varint(_ bytes: Span<UInt8>) throws(WireError) -> UInt64 {
        let first = try byte(bytes)
        if first < 0x80 { return UInt64(first) }
        return try longVarint(first, bytes)
    }

    private mutating func longVarint(
        _ first: UInt8,
        _ bytes: Span<UInt8>
    ) throws(WireError) -> UInt64 {
        var value = UInt64(first & 0x7f)
        var shift: UInt64 = 7
        while true {
            let next = try byte(bytes)
            // The tenth byte may only carry the one bit that is left.
            guard shift < 63 || next <= 1 else { throw .invalid(what: "number", at: offset) }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    /// Up to 128 bits: nineteen bytes, the last of which may only carry two bits.
    mutating func wideVarint(_ bytes: Span<UInt8>) throws(WireError) -> UInt128 {
        let first = try byte(bytes)
        if first < 0x80 { return UInt128(first) }
        var value = UInt128(first & 0x7f)
        var shift: UInt128 = 7
        while true {
            let next = try byte(bytes)
            guard shift < 126 || next <= 3 else { throw .invalid(what: "number", at: offset) }
            value |= UInt128(next & 0x7f) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func count(
        _ bytes: Span<UInt8>,
        _ what: StaticString,
        atMost limit: Int
    ) throws(WireError) -> Int {
        let value = try varint(bytes)
        guard value <= UInt64(limit) else {
            throw .tooLong(what: "\(what)", length: Int(clamping: value), limit: limit)
        }
        return Int(value)
    }

    /// 0 is none.
    mutating func address(_ bytes: Span<UInt8>) throws(WireError) -> IPAddress? {
        let code = try byte(bytes)
        guard code != 0 else { return nil }
        guard let family = AddressFamily(rawValue: code) else {
            throw .invalid(what: "address family", at: offset)
        }
        var bits: UInt128 = 0
        for _ in 0..<(family.bitWidth / 8) { bits = bits << 8 | UInt128(try byte(bytes)) }
        return IPAddress(family: family, bits: bits)
    }

    /// Broken UTF-8 is read with replacement characters.
    mutating func text(_ bytes: Span<UInt8>) throws(WireError) -> String {
        let length = try count(bytes, "string", atMost: WireLimit.string)
        let part = try section(length)
        guard part.end <= bytes.count else { throw .truncated(at: offset, needed: 1) }
        let span = bytes.extracting(part.offset..<part.end)
        do {
            return String(copying: try UTF8Span(validating: span))
        } catch {
            return String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
        }
    }
}
