// SPDX-License-Identifier: Apache-2.0
import Routing

/// Appends the format's primitive fields (FORMAT.md, Primitives).
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    @inline(__always)
    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// Unsigned LEB128.
    @inline(__always)
    mutating func varint(_ value: UInt64) {
        if value < 0x80 { return bytes.append(UInt8(truncatingIfNeeded: value)) }
        bytes.append(addingCapacity: 10) { $0.longVarint(value) }
    }

    mutating func varint(_ value: Int) { varint(UInt64(max(0, value))) }

    /// Appends up to `capacity` bytes, whose place is made once.
    @inline(__always)
    mutating func append(
        atMost capacity: Int,
        _ content: (inout OutputSpan<UInt8>) -> Void
    ) {
        bytes.append(addingCapacity: capacity, initializingWith: content)
    }

    /// 0 for none.
    mutating func address(_ address: IPAddress?) {
        bytes.append(addingCapacity: 17) { $0.address(address) }
    }

    /// At most `WireLimit.string` bytes, cut at a character's edge.
    mutating func text(_ text: String) {
        guard text.utf8.count > WireLimit.string else {
            varint(text.utf8.count)
            return bytes.append(contentsOf: text.utf8)
        }
        var utf8 = Array(text.utf8.prefix(WireLimit.string))
        while !utf8.isEmpty, String(validating: utf8, as: UTF8.self) == nil { utf8.removeLast() }
        varint(utf8.count)
        raw(utf8)
    }

    /// A place for the length of what follows; `close` fills it in.
    mutating func open() -> Int {
        bytes.append(0)
        return bytes.count
    }

    /// The length is mostly one byte; where it is not, the content moves up.
    mutating func close(_ start: Int) {
        var rest = bytes.count - start
        if rest < 0x80 { return bytes[start - 1] = UInt8(truncatingIfNeeded: rest) }
        bytes[start - 1] = UInt8(truncatingIfNeeded: rest) | 0x80
        rest >>= 7
        var place = start
        repeat {
            let isLast = rest < 0x80
            bytes.insert(UInt8(truncatingIfNeeded: rest & 0x7f) | (isLast ? 0 : 0x80), at: place)
            place += 1
            rest >>= 7
        } while rest > 0
    }
}

extension OutputSpan<UInt8> {
    /// Unsigned LEB128: up to 10 bytes.
    @inline(__always)
    mutating func varint(_ value: UInt64) {
        if value < 0x80 { append(UInt8(truncatingIfNeeded: value)) } else { longVarint(value) }
    }

    /// The same of up to 128 bits: 19 bytes.
    @inline(__always)
    mutating func varint(_ value: UInt128) {
        if value < 0x80 { append(UInt8(truncatingIfNeeded: value)) } else { longVarint(value) }
    }

    mutating func longVarint(_ value: some FixedWidthInteger & UnsignedInteger) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func address(_ address: IPAddress?) {
        guard let address else { return append(0) }
        append(address.family.rawValue)
        for shift in stride(from: address.family.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: address.bits >> UInt128(shift)))
        }
    }
}
