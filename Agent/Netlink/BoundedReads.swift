// SPDX-License-Identifier: Apache-2.0
import Routing

/// Every load from kernel bytes, each behind its bounds check; nothing else here is unsafe.
extension RawSpan {
    func u8(at offset: Int) throws(NetlinkError) -> UInt8 { try load(at: offset) }

    /// Host order, as nearly all of netlink.
    func u16(at offset: Int) throws(NetlinkError) -> UInt16 { try load(at: offset) }
    func u32(at offset: Int) throws(NetlinkError) -> UInt32 { try load(at: offset) }

    /// The whole attribute is one number.
    func u32(_ range: Range<Int>) throws(NetlinkError) -> UInt32 {
        guard range.count == 4 else { throw .wrongSize(at: range.lowerBound, range.count) }
        return try u32(at: range.lowerBound)
    }

    /// The whole range is one address in network order.
    func address(_ range: Range<Int>) throws(NetlinkError) -> IPAddress {
        switch range.count {
        case 4:
            let bits: UInt32 = try load(at: range.lowerBound)
            return IPAddress(family: .ipv4, bits: UInt128(UInt32(bigEndian: bits)))
        case 16:
            let bits: UInt128 = try load(at: range.lowerBound)
            return IPAddress(family: .ipv6, bits: UInt128(bigEndian: bits))
        default: throw .wrongSize(at: range.lowerBound, range.count)
        }
    }

    /// Text up to its NUL, 16 bytes (IFNAMSIZ) at most.
    func name(_ range: Range<Int>) throws(NetlinkError) -> String {
        var text: [UInt8] = []
        for offset in range.prefix(16) {
            let byte = try u8(at: offset)
            if byte == 0 { break }
            text.append(byte)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func load<Number: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int
    ) throws(NetlinkError) -> Number {
        let size = MemoryLayout<Number>.size
        guard offset >= 0, offset <= byteCount, byteCount - offset >= size else {
            throw .truncated(at: offset, needed: size)
        }
        return unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self)
    }
}
