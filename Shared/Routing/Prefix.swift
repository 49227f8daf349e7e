// SPDX-License-Identifier: Apache-2.0

/// A network in canonical form: host bits are zero by construction.
package struct Prefix: Hashable, Comparable, Sendable {
    package let address: IPAddress
    /// A byte, which fits behind the address: half as large again it would be with more.
    @usableFromInline let octetLength: UInt8

    /// 0…32 or 0…128.
    @inlinable package var length: Int { Int(octetLength) }

    /// Of an address whose host bits are known to be zero, and a length that fits its family.
    @inlinable
    package init(canonical address: IPAddress, length: Int) {
        assert(Prefix(containing: address, length: length)?.address == address)
        self.address = address
        octetLength = UInt8(truncatingIfNeeded: length)
    }

    /// The network of `length` that holds `address`; nil if the length does not fit the family.
    @inlinable
    package init?(containing address: IPAddress, length: Int) {
        guard (0...address.family.bitWidth).contains(length) else { return nil }
        let masked = address.bits & Self.mask(length, of: address.family)
        self.address = IPAddress(family: address.family, bits: masked)
        octetLength = UInt8(truncatingIfNeeded: length)
    }

    /// The network that is number `number` among those of its length; nil if there is none such.
    package init?(number: UInt128, length: Int, of family: AddressFamily) {
        let width = family.bitWidth
        guard (0...width).contains(length), length == 128 || number >> UInt128(length) == 0
        else { return nil }
        let bits = length == 0 ? 0 : number << UInt128(width - length)
        address = IPAddress(family: family, bits: bits)
        octetLength = UInt8(truncatingIfNeeded: length)
    }

    /// Its place among the networks of its length: 10.16.3.0/24 stands three behind 10.16.0.0/24.
    package var number: UInt128 {
        length == 0 ? 0 : address.bits >> UInt128(family.bitWidth - length)
    }

    /// The host route of an address: /32 or /128.
    @inlinable
    package init(host address: IPAddress) {
        self.address = address
        octetLength = UInt8(truncatingIfNeeded: address.family.bitWidth)
    }

    @inlinable package var family: AddressFamily { address.family }
    package var isDefault: Bool { length == 0 }
    package var isHost: Bool { length == family.bitWidth }

    @inlinable
    package func contains(_ other: IPAddress) -> Bool {
        other.family.isIPv4 == family.isIPv4
            && other.bits & Self.mask(length, of: family) == address.bits
    }

    /// True for the same prefix and for every longer one inside it.
    @inlinable
    package func contains(_ other: Prefix) -> Bool {
        other.length >= length && contains(other.address)
    }

    package func overlaps(_ other: Prefix) -> Bool { contains(other) || other.contains(self) }

    @inlinable
    static func mask(_ length: Int, of family: AddressFamily) -> UInt128 {
        length == 0 ? 0 : UInt128.max &<< UInt128(family.bitWidth - length)
    }

    @inlinable
    package static func < (left: Self, right: Self) -> Bool {
        left.address == right.address
            ? left.length < right.length : left.address < right.address
    }

    @inlinable
    package static func == (left: Self, right: Self) -> Bool {
        left.octetLength == right.octetLength && left.address == right.address
    }

    /// One word or two. The bits of a network are zero from its length on, so the length finds room among them.
    @inlinable
    package func hash(into hasher: inout Hasher) {
        let low = UInt64(truncatingIfNeeded: address.bits)
        if family.isIPv4 {
            hasher.combine(low | UInt64(octetLength) << 32)
        } else {
            hasher.combine(low ^ UInt64(octetLength))
            hasher.combine(UInt64(truncatingIfNeeded: address.bits >> 64))
        }
    }
}

extension Prefix: LosslessStringConvertible {
    /// `ADDRESS/LENGTH` with zero host bits; anything else is nil.
    package init?(_ text: some StringProtocol) {
        guard let (address, length) = Self.parts(of: text),
            let prefix = Prefix(containing: address, length: length), prefix.address == address
        else { return nil }
        self = prefix
    }

    /// As devices print it: host bits are cleared, a bare address is a host route.
    package init?(lenient text: some StringProtocol) {
        if let address = IPAddress(text) {
            self.init(host: address)
        } else if let (address, length) = Self.parts(of: text) {
            self.init(containing: address, length: length)
        } else {
            return nil
        }
    }

    package var description: String { "\(address)/\(length)" }

    private static func parts(of text: some StringProtocol) -> (IPAddress, Int)? {
        guard let slash = text.lastIndex(of: "/"), let address = IPAddress(text[..<slash]),
            let length = decimal(
                Array(text[text.index(after: slash)...].utf8)[...],
                atMost: address.family.bitWidth
            )
        else { return nil }
        return (address, length)
    }
}
