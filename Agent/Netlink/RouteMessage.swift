// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// Which routes the node's kernel is watched for.
struct RouteScope: Sendable {
    let supernets: [Prefix]

    func holds(_ prefix: Prefix) -> Bool {
        prefix.isDefault || supernets.contains { $0.contains(prefix) }
    }
}

/// RTM_NEWROUTE or RTM_DELROUTE: `struct rtmsg`, linux/rtnetlink.h.
struct RouteMessage {
    static let headerSize = 12
    static var mainTable: UInt32 { 254 }

    let key: RouteKey
    /// Nil for kinds that carry no traffic of pods: local, broadcast, throw and the like.
    let entry: RouteEntry?

    /// Nil for a route that is not watched; nothing was allocated for it.
    init?(in bytes: RawSpan, _ payload: Range<Int>, _ scope: RouteScope) throws(NetlinkError) {
        let fields = try RouteFields(in: bytes, payload)
        guard let fields, fields.table == Self.mainTable, scope.holds(fields.prefix) else {
            return nil
        }
        key = RouteKey(prefix: fields.prefix, table: fields.table, metric: fields.metric)
        entry = try fields.entry(in: bytes)
    }
}

/// The fixed part of a route message, and where its attributes stand.
private struct RouteFields {
    private(set) var prefix: Prefix
    private(set) var table: UInt32
    private(set) var metric: UInt32 = 0
    private let proto: UInt8
    private let kind: UInt8
    private let flags: UInt32
    private var destination: Range<Int>?
    private var link: Range<Int>?
    private var gateway: Range<Int>?
    private var via: Range<Int>?
    private var multipath: Range<Int>?

    /// Nil for another family, a cached route, or one that only some packets take: by TOS, by
    /// source prefix.
    init?(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        var attributes = try AttributeCursor(payload, after: RouteMessage.headerSize)
        let start = payload.lowerBound
        guard let family = try Self.family(bytes.u8(at: start)) else { return nil }
        flags = try bytes.u32(at: start + 8)
        let sourceLength = try bytes.u8(at: start + 2)
        let typeOfService = try bytes.u8(at: start + 3)
        guard sourceLength == 0, typeOfService == 0, flags & UInt32(RTM_F_CLONED) == 0 else {
            return nil
        }
        table = UInt32(try bytes.u8(at: start + 4))
        proto = try bytes.u8(at: start + 5)
        kind = try bytes.u8(at: start + 7)
        prefix = Prefix(host: IPAddress(family: family, bits: 0))
        while let attribute = try attributes.next(in: bytes) { try note(attribute, bytes) }
        prefix = try prefix(in: bytes, family, length: Int(bytes.u8(at: start + 1)))
    }

    private static func family(_ number: UInt8) -> AddressFamily? {
        switch Int32(number) {
        case AF_INET: .ipv4
        case AF_INET6: .ipv6
        default: nil
        }
    }

    private mutating func note(
        _ attribute: NetlinkAttribute, _ bytes: RawSpan
    ) throws(NetlinkError) {
        switch UInt32(attribute.type) {
        case RTA_DST.rawValue: destination = attribute.value
        case RTA_TABLE.rawValue: table = try bytes.u32(attribute.value)
        case RTA_PRIORITY.rawValue: metric = try bytes.u32(attribute.value)
        case RTA_OIF.rawValue: link = attribute.value
        case RTA_GATEWAY.rawValue: gateway = attribute.value
        case RTA_VIA.rawValue: via = attribute.value
        case RTA_MULTIPATH.rawValue: multipath = attribute.value
        default: break
        }
    }

    /// The kernel leaves RTA_DST out of a default route, and only there.
    private func prefix(
        in bytes: RawSpan, _ family: AddressFamily, length: Int
    ) throws(NetlinkError) -> Prefix {
        var address = IPAddress(family: family, bits: 0)
        if let destination {
            address = try bytes.address(destination)
            guard address.family == family else {
                throw .wrongSize(at: destination.lowerBound, destination.count)
            }
        } else if length > 0 {
            throw .missingAttribute(UInt16(RTA_DST.rawValue))
        }
        guard let prefix = Prefix(containing: address, length: length) else {
            throw .badPrefixLength(length)
        }
        return prefix
    }

    /// Next-hop objects (RTA_NH_ID) need no care: the kernel adds the hops they stand for.
    func entry(in bytes: RawSpan) throws(NetlinkError) -> RouteEntry? {
        guard let destination = watchedDestination else { return nil }
        var hops: [RouteEntry.Hop] = []
        // IPv6 gives its blackholes `dev lo`, which is no way to anywhere.
        if destination == .unicast {
            if let multipath {
                hops = try NextHopMessage.hops(in: bytes, multipath)
            } else {
                hops = [try hop(in: bytes)]
            }
        }
        return RouteEntry(destination: destination, proto: proto, hops: hops)
    }

    private func hop(in bytes: RawSpan) throws(NetlinkError) -> RouteEntry.Hop {
        let gateway = try NextHopMessage.gateway(in: bytes, gateway, via: via)
        let index = if let link { try bytes.u32(link) } else { UInt32(0) }
        return RouteEntry.Hop(
            gateway: gateway, link: index, isDead: NextHopMessage.isDead(flags: flags))
    }

    private var watchedDestination: Destination? {
        switch Int(kind) {
        case RTN_UNICAST: .unicast
        case RTN_BLACKHOLE: .blackhole
        case RTN_UNREACHABLE: .unreachable
        case RTN_PROHIBIT: .prohibit
        default: nil
        }
    }
}
