// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// Which routes the node's kernel is watched for.
struct RouteScope: Sendable {
    let supernets: [Prefix]
    private var ipv4Tables: Set<UInt32> = [DumpKind.mainTable]
    private var ipv6Tables: Set<UInt32> = [DumpKind.mainTable]

    init(supernets: [Prefix]) { self.supernets = supernets }

    func tables(_ family: AddressFamily) -> Set<UInt32> {
        family == .ipv4 ? ipv4Tables : ipv6Tables
    }

    mutating func setTables(_ tables: Set<UInt32>, _ family: AddressFamily) {
        if family == .ipv4 { ipv4Tables = tables } else { ipv6Tables = tables }
    }

    func holds(_ prefix: Prefix) -> Bool {
        prefix.isDefault || supernets.contains { $0.contains(prefix) }
    }

    func holds(table: UInt32, _ family: AddressFamily) -> Bool {
        table == DumpKind.mainTable || tables(family).contains(table)
    }
}

/// RTM_NEWROUTE or RTM_DELROUTE.
struct RouteMessage {
    let key: RouteKey
    /// Nil for kinds that carry no traffic of pods: local, broadcast, throw and the like.
    let entry: RouteEntry?

    /// Nil for a route that is not watched.
    ///
    /// Of half a million such routes only the header and the attributes up to RTA_DST are read, and
    /// nothing is allocated.
    init?(in bytes: RawSpan, _ payload: Range<Int>, _ scope: RouteScope) throws(NetlinkError) {
        guard let header = try RouteHeader(in: bytes, payload) else { return nil }
        let prefix = try header.prefix(in: bytes, payload)
        guard scope.holds(prefix) else { return nil }
        let attributes = try RouteAttributes(in: bytes, payload)
        let table = attributes.table ?? header.table
        guard scope.holds(table: table, header.family) else { return nil }
        key = RouteKey(prefix: prefix, table: table, metric: attributes.metric)
        entry = try attributes.entry(in: bytes, header)
    }
}

/// `struct rtmsg`, linux/rtnetlink.h.
struct RouteHeader {
    static let size = 12

    let family: AddressFamily
    let length: Int
    /// Below 256; RTA_TABLE has the whole number.
    let table: UInt32
    let proto: UInt8
    /// Nil for the kinds that are not watched.
    let destination: Destination?
    /// RTM_F_* above, RTNH_F_* of a single hop in the low byte.
    let flags: UInt32

    /// Nil for another family, a cached route, or one that only some packets take: by TOS, by source
    /// prefix. Nil too for table local, which holds the node's own addresses.
    init?(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        guard payload.count >= Self.size else {
            throw .truncated(at: payload.lowerBound, needed: Self.size)
        }
        let start = payload.lowerBound
        flags = try bytes.u32(at: start + 8)
        let sourceLength = try bytes.u8(at: start + 2)
        let typeOfService = try bytes.u8(at: start + 3)
        table = UInt32(try bytes.u8(at: start + 4))
        guard table != UInt32(RT_TABLE_LOCAL.rawValue), flags & UInt32(RTM_F_CLONED) == 0,
            sourceLength == 0, typeOfService == 0,
            let family = AddressFamily(number: try bytes.u8(at: start))
        else { return nil }
        self.family = family
        length = Int(try bytes.u8(at: start + 1))
        proto = try bytes.u8(at: start + 5)
        destination = Self.destination(try bytes.u8(at: start + 7))
    }

    private static func destination(_ kind: UInt8) -> Destination? {
        switch Int(kind) {
        case RTN_UNICAST: .unicast
        case RTN_BLACKHOLE: .blackhole
        case RTN_UNREACHABLE: .unreachable
        case RTN_PROHIBIT: .prohibit
        default: nil
        }
    }

    /// The kernel leaves RTA_DST out of a default route, and only there.
    func prefix(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) -> Prefix {
        var attributes = try AttributeCursor(payload, after: Self.size)
        while let attribute = try attributes.next(in: bytes) {
            guard UInt32(attribute.type) == RTA_DST.rawValue else { continue }
            let address = try bytes.address(attribute.value)
            guard address.family == family else {
                throw .wrongSize(at: attribute.value.lowerBound, attribute.value.count)
            }
            return try prefix(of: address)
        }
        guard length == 0 else { throw .missingAttribute(UInt16(RTA_DST.rawValue)) }
        return try prefix(of: IPAddress(family: family, bits: 0))
    }

    private func prefix(of address: IPAddress) throws(NetlinkError) -> Prefix {
        guard let prefix = Prefix(containing: address, length: length) else {
            throw .badPrefixLength(length)
        }
        return prefix
    }
}
