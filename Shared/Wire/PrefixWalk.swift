// SPDX-License-Identifier: Apache-2.0
import Routing

/// From prefix to prefix of a column, in runs of one length: each is told by how many networks of
/// that length lie between it and the last prefix of its family.
struct PrefixWalk {
    /// Stands for a length where there is no prefix.
    static let none: UInt8 = 255
    /// Lengths of IPv6 begin here.
    private static let ipv6: UInt8 = 100

    private var ipv4Bits: UInt32 = 0
    private var ipv6Bits: UInt128 = 0

    @inline(__always)
    static func code(_ prefix: Prefix?) -> UInt8 {
        guard let prefix else { return none }
        return UInt8(truncatingIfNeeded: prefix.length) + (prefix.family.isIPv4 ? 0 : ipv6)
    }

    // MARK: - Writing

    /// What stands for the prefix in the column.
    @inline(__always)
    mutating func step(to prefix: Prefix) -> UInt128 {
        guard prefix.family.isIPv4 else { return longStep(to: prefix) }
        let bits = UInt32(truncatingIfNeeded: prefix.address.bits)
        let shift = UInt32(32 - prefix.length)
        // Smart shifts: of 32 bits nothing is left.
        let distance = Int64(bits >> shift) - Int64(ipv4Bits >> shift)
        ipv4Bits = bits
        return UInt128(UInt64(bitPattern: distance << 1 ^ distance >> 63))
    }

    private mutating func longStep(to prefix: Prefix) -> UInt128 {
        let shift = UInt128(128 - prefix.length)
        let distance = Int128(
            truncatingIfNeeded: prefix.address.bits >> shift &- ipv6Bits >> shift
        )
        ipv6Bits = prefix.address.bits
        return UInt128(truncatingIfNeeded: distance << 1 ^ distance >> 127)
    }

    // MARK: - Reading

    /// One of a run of this code, which is not `none`.
    @inline(__always)
    mutating func read(
        _ code: UInt8,
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Prefix {
        guard code <= 32 else { return try readLong(code, bytes, &reader) }
        let folded = try reader.varint(bytes)
        let shift = UInt32(32 - code)
        let distance = Int64(bitPattern: folded >> 1 ^ (0 &- (folded & 1)))
        let number = Int64(ipv4Bits >> shift) &+ distance
        guard number >= 0, number < 1 << Int64(code) else {
            throw .invalid(what: "prefix", at: reader.offset)
        }
        ipv4Bits = UInt32(truncatingIfNeeded: number) << shift
        return Prefix(canonical: IPAddress(ipv4: ipv4Bits), length: Int(code))
    }

    private mutating func readLong(
        _ code: UInt8,
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Prefix {
        let folded = try reader.wideVarint(bytes)
        let length = Int(code) - Int(Self.ipv6)
        let distance = folded >> 1 ^ (0 &- (folded & 1))
        guard (0...128).contains(length),
            let prefix = Prefix(
                number: (ipv6Bits >> UInt128(128 - length)) &+ distance,
                length: length,
                of: .ipv6
            )
        else { throw .invalid(what: "prefix", at: reader.offset) }
        ipv6Bits = prefix.address.bits
        return prefix
    }
}
