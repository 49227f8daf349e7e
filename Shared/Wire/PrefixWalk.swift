// SPDX-License-Identifier: Apache-2.0
import Routing

/// From prefix to prefix of a column: the length, then how many networks of that length lie
/// between this one and the last of the same family.
struct PrefixWalk {
    /// Stands where a prefix may be missing.
    static let none: UInt8 = 255
    /// Lengths of IPv6 begin here.
    private static let ipv6: UInt8 = 100

    private var ipv4Bits: UInt128 = 0
    private var ipv6Bits: UInt128 = 0

    @inline(__always)
    mutating func write(_ prefix: Prefix, to writer: inout ByteWriter) {
        let length = UInt8(truncatingIfNeeded: prefix.length)
        if prefix.family == .ipv4 {
            writer.byte(length)
            let number = UInt64(truncatingIfNeeded: prefix.number)
            let last = UInt64(truncatingIfNeeded: place(of: ipv4Bits, prefix))
            writer.varint(zigzag(Int64(bitPattern: number) - Int64(bitPattern: last)))
            ipv4Bits = prefix.address.bits
        } else {
            writer.byte(length + Self.ipv6)
            let distance = Int128(truncatingIfNeeded: prefix.number &- place(of: ipv6Bits, prefix))
            writer.varint(UInt128(bitPattern: distance << 1 ^ distance >> 127))
            ipv6Bits = prefix.address.bits
        }
    }

    private func zigzag(_ distance: Int64) -> UInt64 {
        UInt64(bitPattern: distance << 1 ^ distance >> 63)
    }

    private func place(of bits: UInt128, _ prefix: Prefix) -> UInt128 {
        prefix.length == 0 ? 0 : bits >> UInt128(prefix.family.bitWidth - prefix.length)
    }

    /// Nil for `none`.
    @inline(__always)
    mutating func read(
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Prefix? {
        let code = try reader.byte(bytes)
        guard code != Self.none else { return nil }
        let prefix =
            code < Self.ipv6
            ? try ipv4(Int(code), bytes, &reader) : try ipv6(Int(code - Self.ipv6), bytes, &reader)
        guard let prefix else { throw .invalid(what: "prefix", at: reader.offset) }
        return prefix
    }

    private mutating func ipv4(
        _ length: Int,
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Prefix? {
        let coded = try reader.varint(bytes)
        guard length <= 32 else { return nil }
        let distance = Int64(bitPattern: coded >> 1) ^ -Int64(bitPattern: coded & 1)
        let last = length == 0 ? 0 : ipv4Bits >> UInt128(32 - length)
        let number = Int64(truncatingIfNeeded: last) &+ distance
        guard number >= 0 else { return nil }
        let prefix = Prefix(number: UInt128(number), length: length, of: .ipv4)
        ipv4Bits = prefix?.address.bits ?? 0
        return prefix
    }

    private mutating func ipv6(
        _ length: Int,
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Prefix? {
        let coded = try reader.wideVarint(bytes)
        guard length <= 128 else { return nil }
        let distance = coded >> 1 ^ (0 &- (coded & 1))
        let last = length == 0 ? 0 : ipv6Bits >> UInt128(128 - length)
        let prefix = Prefix(number: last &+ distance, length: length, of: .ipv6)
        ipv6Bits = prefix?.address.bits ?? 0
        return prefix
    }
}
