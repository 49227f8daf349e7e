// SPDX-License-Identifier: Apache-2.0
import Routing

/// Appends the format's primitive fields (FORMAT.md, Primitives).
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func raw(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Unsigned LEB128.
    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func varint(_ value: Int) { varint(UInt64(max(0, value))) }

    /// Nothing is 0, n is n + 1.
    mutating func optional(_ value: UInt32?) { varint(value.map { UInt64($0) + 1 } ?? 0) }

    mutating func address(_ address: IPAddress) {
        byte(address.family.rawValue)
        raw(address.bytes)
    }

    mutating func prefix(_ prefix: Prefix) {
        byte(UInt8(prefix.length + (prefix.family == .ipv6 ? 100 : 0)))
        raw(prefix.address.bytes.prefix((prefix.length + 7) / 8))
    }

    /// At most `WireLimit.string` bytes, cut at a character's edge.
    mutating func text(_ text: String) {
        var utf8 = Array(text.utf8.prefix(WireLimit.string))
        while !utf8.isEmpty, String(validating: utf8, as: UTF8.self) == nil { utf8.removeLast() }
        varint(utf8.count)
        raw(utf8)
    }
}

/// Strings and next hops of a frame, each written once.
struct Interner<Element: Hashable> {
    private(set) var elements: [Element] = []
    private var indices: [Element: Int] = [:]

    mutating func index(of element: Element) -> Int {
        if let known = indices[element] { return known }
        indices[element] = elements.count
        elements.append(element)
        return elements.count - 1
    }
}
