// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// Where the attributes of a watched route stand: `enum rtattr_type_t`, linux/rtnetlink.h.
struct RouteAttributes {
    /// RTA_PRIORITY.
    private(set) var metric: UInt32 = 0
    /// RTA_TABLE; very old kernels leave it out where the header holds the number.
    private(set) var table: UInt32?
    private var link: UInt32 = 0
    private var gateway: Range<Int>?
    private var via: Range<Int>?
    private var multipath: Range<Int>?
    private var isObject = false

    init(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        var attributes = try AttributeCursor(payload, after: RouteHeader.size)
        while let attribute = try attributes.next(in: bytes) {
            switch UInt32(attribute.type) {
            case RTA_TABLE.rawValue: table = try bytes.u32(attribute.value)
            case RTA_PRIORITY.rawValue: metric = try bytes.u32(attribute.value)
            case RTA_OIF.rawValue: link = try bytes.u32(attribute.value)
            case RTA_GATEWAY.rawValue: gateway = attribute.value
            case RTA_VIA.rawValue: via = attribute.value
            case RTA_MULTIPATH.rawValue: multipath = attribute.value
            case RTA_NH_ID.rawValue: isObject = true
            default: break
            }
        }
    }

    /// Of a next-hop object (RTA_NH_ID) the kernel adds the hops it stands for, unless
    /// net.ipv4.nexthop_compat_mode is off: then its way is not known, and none is made up.
    func entry(in bytes: RawSpan, _ header: RouteHeader) throws(NetlinkError) -> RouteEntry? {
        guard let destination = header.destination else { return nil }
        // IPv6 gives its blackholes `dev lo`, which is no way to anywhere.
        let hops = destination == .unicast ? try hops(in: bytes, header) : []
        return RouteEntry(destination: destination, proto: header.proto, hops: hops)
    }

    private func hops(
        in bytes: RawSpan,
        _ header: RouteHeader
    ) throws(NetlinkError) -> [RouteEntry.Hop] {
        if let multipath { return try NextHopMessage.hops(in: bytes, multipath) }
        if isObject, link == 0, gateway == nil, via == nil { return [] }
        let gateway = try NextHopMessage.gateway(in: bytes, gateway, via: via)
        let isDead = NextHopMessage.isDead(flags: header.flags)
        return [RouteEntry.Hop(gateway: gateway, link: link, isDead: isDead)]
    }
}
