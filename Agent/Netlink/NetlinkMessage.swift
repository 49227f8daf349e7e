// SPDX-License-Identifier: Apache-2.0
import CMNL

/// Bytes that contradict themselves.
///
/// Unknown types and attributes are no error: they are passed by.
package enum NetlinkError: Error, Hashable, Sendable {
    case truncated(at: Int, needed: Int)
    /// A length field that is smaller than its own header or larger than what follows.
    case badLength(at: Int, Int)
    /// An attribute whose size does not fit its type.
    case wrongSize(at: Int, Int)
    /// A prefix length beyond the family's width.
    case badPrefixLength(Int)
    case missingAttribute(UInt16)
}

/// One message of a datagram: `struct nlmsghdr`, linux/netlink.h.
struct NetlinkMessage {
    static let headerSize = 16

    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    /// Where the payload stands in the datagram.
    let payload: Range<Int>

    /// Only answers to our own dumps carry it: NLM_F_MULTI.
    var isDumped: Bool { has(NLM_F_MULTI) }
    /// The tables changed while they were dumped: NLM_F_DUMP_INTR.
    var isTorn: Bool { isDumped && has(NLM_F_DUMP_INTR) }

    func has(_ flag: Int32) -> Bool { Int32(flags) & flag != 0 }

    init(in bytes: RawSpan, at offset: Int) throws(NetlinkError) {
        let length = Int(try bytes.u32(at: offset))
        guard length >= Self.headerSize, length <= bytes.byteCount - offset else {
            throw .badLength(at: offset, length)
        }
        type = try bytes.u16(at: offset + 4)
        flags = try bytes.u16(at: offset + 6)
        sequence = try bytes.u32(at: offset + 8)
        payload = offset + Self.headerSize..<offset + length
    }
}

/// Walks the messages of a datagram; the last one need not be padded.
struct MessageCursor {
    private var offset = 0

    mutating func next(in bytes: RawSpan) throws(NetlinkError) -> NetlinkMessage? {
        guard offset < bytes.byteCount else { return nil }
        let message = try NetlinkMessage(in: bytes, at: offset)
        offset = aligned(message.payload.upperBound)
        return message
    }
}

/// One attribute: `struct rtattr`, linux/rtnetlink.h.
struct NetlinkAttribute {
    /// Without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
    let type: UInt16
    let value: Range<Int>
}

/// Walks the attributes of a range; the last one need not be padded.
struct AttributeCursor {
    private var offset: Int
    private let end: Int

    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The attributes that follow a fixed header of `size` bytes.
    init(_ payload: Range<Int>, after size: Int) throws(NetlinkError) {
        guard payload.count >= size else { throw .truncated(at: payload.lowerBound, needed: size) }
        self.init(payload.lowerBound + size..<payload.upperBound)
    }

    mutating func next(in bytes: RawSpan) throws(NetlinkError) -> NetlinkAttribute? {
        guard offset < end else { return nil }
        guard end - offset >= 4 else { throw .truncated(at: offset, needed: 4) }
        let length = Int(try bytes.u16(at: offset))
        guard length >= 4, length <= end - offset else { throw .badLength(at: offset, length) }
        let type = try bytes.u16(at: offset + 2) & 0x3fff
        let attribute = NetlinkAttribute(type: type, value: offset + 4..<offset + length)
        offset = aligned(attribute.value.upperBound)
        return attribute
    }
}

/// NLMSG_ALIGN, NLA_ALIGN and RTNH_ALIGN: all to four.
func aligned(_ offset: Int) -> Int { (offset + 3) & ~3 }
