// SPDX-License-Identifier: Apache-2.0
import Routing

/// From prefix to prefix of a column, in runs of one length: each is told by how many networks of
/// that length lie between it and the last prefix of its family.
struct PrefixWalk {
    /// Stands for a length where there is no prefix.
    static let none: UInt8 = 255
    /// Lengths of IPv6 begin here.
    private static let ipv6: UInt8 = 100

    private var ipv4Bits: UInt128 = 0
    private var ipv6Bits: UInt128 = 0

    static func code(_ prefix: Prefix?) -> UInt8 {
        guard let prefix else { return none }
        return UInt8(truncatingIfNeeded: prefix.length) + (prefix.family == .ipv4 ? 0 : ipv6)
    }

    mutating func write(_ prefix: Prefix, to writer: inout ByteWriter) {
        let last = place(of: prefix.family, length: prefix.length)
        let distance = Int128(truncatingIfNeeded: prefix.number &- last)
        writer.varint(UInt128(truncatingIfNeeded: distance << 1 ^ distance >> 127))
        remember(prefix)
    }

    /// One of a run of this code, which is not `none`.
    mutating func read(
        _ code: UInt8,
        _ bytes: Span<UInt8>,
        _ reader: inout ByteReader
    ) throws(WireError) -> Prefix {
        let folded = try reader.wideVarint(bytes)
        let family: AddressFamily = code < Self.ipv6 ? .ipv4 : .ipv6
        let length = Int(code < Self.ipv6 ? code : code - Self.ipv6)
        let distance = folded >> 1 ^ (0 &- (folded & 1))
        guard length <= family.bitWidth,
            let prefix = Prefix(
                number: place(of: family, length: length) &+ distance,
                length: length,
                of: family
            )
        else { throw .invalid(what: "prefix", at: reader.offset) }
        remember(prefix)
        return prefix
    }

    private func place(of family: AddressFamily, length: Int) -> UInt128 {
        let bits = family == .ipv4 ? ipv4Bits : ipv6Bits
        return length == 0 ? 0 : bits >> UInt128(family.bitWidth - length)
    }

    private mutating func remember(_ prefix: Prefix) {
        if prefix.family == .ipv4 {
            ipv4Bits = prefix.address.bits
        } else {
            ipv6Bits = prefix.address.bits
        }
    }
}
