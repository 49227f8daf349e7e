// SPDX-License-Identifier: Apache-2.0
import Routing

/// Reads the format's primitive fields. Every read is bounded by `end`; none can trap.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var offset: Int
    private let start: Int
    private let end: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        start = bytes.startIndex
        offset = bytes.startIndex
        end = bytes.endIndex
    }

    var remaining: Int { end - offset }
    var position: Int { offset - start }

    mutating func byte() throws(WireError) -> UInt8 {
        guard offset < end else { throw .truncated(at: position, needed: 1) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// The next `count` bytes as a reader of their own.
    mutating func section(_ count: Int) throws(WireError) -> ByteReader {
        ByteReader(try raw(count))
    }

    mutating func raw(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            throw .truncated(at: position, needed: count - remaining)
        }
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    mutating func varint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let next = try byte()
            // The tenth byte may only carry the one bit that is left.
            guard shift < 63 || next <= 1 else { throw .invalid(what: "number", at: position) }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
        }
        throw .invalid(what: "number", at: position)
    }

    mutating func count(_ what: String, atMost limit: Int) throws(WireError) -> Int {
        let value = try varint()
        guard value <= UInt64(limit) else {
            throw .tooLong(what: what, length: Int(clamping: value), limit: limit)
        }
        return Int(value)
    }

    mutating func uint32(_ what: String) throws(WireError) -> UInt32 {
        guard let value = UInt32(exactly: try varint()) else {
            throw .invalid(what: what, at: position)
        }
        return value
    }

    mutating func optional(_ what: String) throws(WireError) -> UInt32? {
        let value = try varint()
        guard value > 0 else { return nil }
        guard let value = UInt32(exactly: value - 1) else {
            throw .invalid(what: what, at: position)
        }
        return value
    }

    mutating func address() throws(WireError) -> IPAddress {
        let family = try byte()
        guard let family = AddressFamily(rawValue: family) else {
            throw .invalid(what: "address family", at: position)
        }
        guard let address = IPAddress(bytes: try raw(family.bitWidth / 8)) else {
            throw .invalid(what: "address", at: position)
        }
        return address
    }

    mutating func prefix() throws(WireError) -> Prefix {
        let code = Int(try byte())
        let family: AddressFamily = code >= 100 ? .ipv6 : .ipv4
        let length = code >= 100 ? code - 100 : code
        guard length <= family.bitWidth else {
            throw .invalid(what: "prefix length", at: position)
        }
        var octets = Array(try raw((length + 7) / 8))
        octets.append(contentsOf: [UInt8](repeating: 0, count: family.bitWidth / 8 - octets.count))
        guard let address = IPAddress(bytes: octets),
            let prefix = Prefix(containing: address, length: length), prefix.address == address
        else { throw .invalid(what: "prefix", at: position) }
        return prefix
    }

    mutating func text() throws(WireError) -> String {
        let length = try count("string", atMost: WireLimit.string)
        return String(decoding: try raw(length), as: UTF8.self)
    }

    func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailing(bytes: remaining) }
    }
}
