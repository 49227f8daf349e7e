// SPDX-License-Identifier: Apache-2.0

/// The two families a pod CIDR can be of.
package enum AddressFamily: UInt8, Sendable, Hashable, Comparable, Codable {
    case ipv4 = 4
    case ipv6 = 6

    /// Bits of an address: 32 or 128.
    @inlinable package var bitWidth: Int { isIPv4 ? 32 : 128 }

    /// A case is compared in place, where `==` would be a call.
    @inlinable package var isIPv4: Bool { if case .ipv4 = self { true } else { false } }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// An IPv4 or IPv6 address. An IPv4 address keeps its 32 bits at the low end of `bits`.
package struct IPAddress: Hashable, Comparable, Sendable {
    /// Before the family, which then takes no sixteen bytes of its own: a fleet's tables are made of these.
    package let bits: UInt128
    package let family: AddressFamily

    @inlinable
    package init(ipv4 bits: UInt32) {
        family = .ipv4
        self.bits = UInt128(bits)
    }

    @inlinable
    package init(family: AddressFamily, bits: UInt128) {
        self.family = family
        self.bits = family.isIPv4 ? bits & 0xffff_ffff : bits
    }

    /// Network order; nil unless there are exactly 4 or 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let bits = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        self.init(family: bytes.count == 4 ? .ipv4 : .ipv6, bits: bits)
    }

    /// Network order: 4 or 16 bytes.
    package var bytes: [UInt8] {
        stride(from: family.bitWidth - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: bits >> UInt128($0))
        }
    }

    /// An IPv4 address for `::ffff:a.b.c.d`, which some switches print for a next hop; else self.
    package var unmapped: IPAddress {
        guard family == .ipv6, bits >> 32 == 0xffff else { return self }
        return IPAddress(family: .ipv4, bits: bits & 0xffff_ffff)
    }

    @inlinable
    package static func < (left: Self, right: Self) -> Bool {
        left.family.isIPv4 == right.family.isIPv4
            ? left.bits < right.bits : left.family.isIPv4
    }

    @inlinable
    package static func == (left: Self, right: Self) -> Bool {
        left.bits == right.bits && left.family.isIPv4 == right.family.isIPv4
    }

    /// One word or two, where what the compiler derives feeds four: judgement looks up little else.
    @inlinable
    package func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(truncatingIfNeeded: bits))
        if !family.isIPv4 { hasher.combine(UInt64(truncatingIfNeeded: bits >> 64)) }
    }
}

// MARK: - Text

extension IPAddress: LosslessStringConvertible {
    /// Strict forms only: four decimal octets without leading zeros, or RFC 4291 text.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        // 45 = INET6_ADDRSTRLEN without its NUL.
        guard bytes.count <= 45 else { return nil }
        let parsed =
            bytes.contains(UInt8(ascii: ":")) ? Self.ipv6(bytes[...]) : Self.ipv4(bytes[...])
        guard let parsed else { return nil }
        self = parsed
    }

    /// RFC 5952 form for IPv6. Written byte by byte: judgement tells of every next hop.
    package var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(40)
        if family.isIPv4 { writeOctets(to: &text) } else { writeGroups(to: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    private func writeOctets(to text: inout [UInt8]) {
        for shift in [24, 16, 8, 0] as [UInt128] {
            let octet = UInt8(truncatingIfNeeded: bits >> shift)
            if octet >= 100 { text.append(UInt8(ascii: "0") + octet / 100) }
            if octet >= 10 { text.append(UInt8(ascii: "0") + octet / 10 % 10) }
            text.append(UInt8(ascii: "0") + octet % 10)
            if shift > 0 { text.append(UInt8(ascii: ".")) }
        }
    }

    private func writeGroups(to text: inout [UInt8]) {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) }
        let gap = Self.longestZeroRun(groups)
        for (index, group) in groups.enumerated() {
            if let gap, gap.contains(index) {
                if index == gap.lowerBound { text += [UInt8(ascii: ":"), UInt8(ascii: ":")] }
                continue
            }
            if index > 0, index != gap?.upperBound { text.append(UInt8(ascii: ":")) }
            Self.write(group, to: &text)
        }
    }

    private static func write(_ group: UInt16, to text: inout [UInt8]) {
        for shift in [12, 8, 4, 0] as [UInt16] where shift == 0 || group >> shift > 0 {
            let digit = UInt8(truncatingIfNeeded: group >> shift & 0xf)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    private static func ipv4(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0
        for part in parts {
            guard let octet = decimal(part, atMost: 255) else { return nil }
            bits = bits << 8 | UInt128(octet)
        }
        return IPAddress(family: .ipv4, bits: bits)
    }

    private static func ipv6(_ bytes: ArraySlice<UInt8>) -> IPAddress? {
        let colon = UInt8(ascii: ":")
        var gapIndex: Int?
        for index in bytes.indices.dropLast()
        where bytes[index] == colon && bytes[index + 1] == colon {
            guard gapIndex == nil else { return nil }
            gapIndex = index
        }
        guard let gap = gapIndex else {
            guard let groups = groups(bytes), groups.count == 8 else { return nil }
            return IPAddress(groups: groups)
        }
        guard let head = groups(bytes[..<gap]), let tail = groups(bytes[(gap + 2)...]),
            head.count + tail.count <= 7
        else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
        return IPAddress(groups: head + zeros + tail)
    }

    /// Colon-separated groups of up to four hex digits; the last may be a dotted IPv4 address.
    private static func groups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        guard !bytes.isEmpty else { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if part.contains(UInt8(ascii: ".")), index == parts.count - 1 {
                guard let embedded = ipv4(part) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: embedded.bits >> 16))
                groups.append(UInt16(truncatingIfNeeded: embedded.bits))
            } else {
                guard let group = hexadecimal(part) else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private init(groups: [UInt16]) {
        self.init(family: .ipv6, bits: groups.reduce(0) { $0 << 16 | UInt128($1) })
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(digits.count) else { return nil }
        var value: UInt16 = 0
        for digit in digits {
            guard let nibble = hexadecimalValue(digit) else { return nil }
            value = value << 4 | UInt16(nibble)
        }
        return value
    }

    private static func hexadecimalValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The longest run of two or more zero groups, the first of equals (RFC 5952 section 4.2).
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start: Int?
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 {
                start = start ?? index
            } else if let begun = start {
                if index - begun > max(1, best?.count ?? 0) { best = begun..<index }
                start = nil
            }
        }
        return best
    }
}

/// A decimal number without sign or leading zeros.
func decimal(_ digits: ArraySlice<UInt8>, atMost limit: Int) -> Int? {
    guard (1...10).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0")
    else { return nil }
    var value = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value <= limit ? value : nil
}
