// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// The next hops of a multipath route: `struct rtnexthop`, linux/rtnetlink.h.
enum NextHopMessage {
    private static let headerSize = 8

    /// RTA_MULTIPATH; a datagram of 32 KiB bounds it to 4,096 hops.
    static func hops(
        in bytes: RawSpan,
        _ range: Range<Int>
    ) throws(NetlinkError) -> [RouteEntry.Hop] {
        var hops: [RouteEntry.Hop] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let length = Int(try bytes.u16(at: offset))
            guard length >= headerSize, length <= range.upperBound - offset else {
                throw .badLength(at: offset, length)
            }
            hops.append(try hop(in: bytes, offset..<offset + length))
            offset = aligned(offset + length)
        }
        return hops
    }

    private static func hop(
        in bytes: RawSpan,
        _ range: Range<Int>
    ) throws(NetlinkError) -> RouteEntry.Hop {
        let flags = UInt32(try bytes.u8(at: range.lowerBound + 2))
        let link = try bytes.u32(at: range.lowerBound + 4)
        var attributes = try AttributeCursor(range, after: headerSize)
        var gateway: Range<Int>?
        var via: Range<Int>?
        while let attribute = try attributes.next(in: bytes) {
            if UInt32(attribute.type) == RTA_GATEWAY.rawValue { gateway = attribute.value }
            if UInt32(attribute.type) == RTA_VIA.rawValue { via = attribute.value }
        }
        return RouteEntry.Hop(
            gateway: try self.gateway(in: bytes, gateway, via: via),
            link: link,
            isDead: isDead(flags: flags)
        )
    }

    /// RTA_GATEWAY, or RTA_VIA (`struct rtvia`): a gateway of the other family, after two bytes
    /// that name it.
    static func gateway(
        in bytes: RawSpan,
        _ gateway: Range<Int>?,
        via: Range<Int>?
    ) throws(NetlinkError) -> IPAddress? {
        if let gateway { return try bytes.address(gateway) }
        guard let via else { return nil }
        guard via.count > 2 else { throw .wrongSize(at: via.lowerBound, via.count) }
        return try bytes.address(via.dropFirst(2))
    }

    /// `rtm_flags` of a route with one hop has the same low bits.
    static func isDead(flags: UInt32) -> Bool {
        flags & UInt32(RTNH_F_DEAD | RTNH_F_LINKDOWN) != 0
    }
}
