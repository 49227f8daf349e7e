// SPDX-License-Identifier: Apache-2.0
import Routing

/// A unicast family that routes of pods may be in: AFI 1 or 2 with SAFI 1.
typealias BGPFamily = AddressFamily

/// Which families of a table carry a path identifier before each prefix (RFC 7911).
struct AddPath: Hashable, Sendable {
    var ipv4 = false
    var ipv6 = false

    subscript(family: AddressFamily) -> Bool { family.isIPv4 ? ipv4 : ipv6 }
}

/// A BGP UPDATE (RFC 4271 section 4.3, RFC 4760), read where it lies: nothing is kept of it but where
/// its parts are.
struct BGPUpdate {
    /// The path attributes that matter here.
    private enum Attribute {
        static let nextHop: UInt8 = 3
        static let originator: UInt8 = 9
        static let reach: UInt8 = 14
        static let unreach: UInt8 = 15
        static let extendedLength: UInt8 = 0x10
    }

    private(set) var nextHop: IPAddress?
    private var withdrawn: BGPReader
    private var announced: BGPReader
    private var unreach: (family: BGPFamily, prefixes: BGPReader)?
    private var reach: (family: BGPFamily, prefixes: BGPReader, nextHop: IPAddress)?
    /// Of a family whose routes are not read, as EVPN.
    private(set) var isForeign = false
    private let hasAttributes: Bool

    static let headerSize = 19
    /// RFC 8654: extended messages.
    static let sizeLimit = 65_535

    /// `part` is what follows the header of 19 bytes.
    init(_ part: BGPReader, _ bytes: Span<UInt8>) throws(BGPError) {
        var reader = part
        let withdrawnSize = try reader.number(bytes, "withdrawn routes", as: UInt16.self)
        withdrawn = try reader.part(Int(withdrawnSize), "withdrawn routes")
        let size = try reader.number(bytes, "path attributes", as: UInt16.self)
        var attributes = try reader.part(Int(size), "path attributes")
        announced = reader
        hasAttributes = size > 0
        while !attributes.isAtEnd { try take(&attributes, bytes) }
    }

    private mutating func take(
        _ attributes: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) {
        let flags = try attributes.byte(bytes, "attribute flags")
        let type = try attributes.byte(bytes, "attribute type")
        let size =
            flags & Attribute.extendedLength == 0
            ? Int(try attributes.byte(bytes, "attribute length"))
            : Int(try attributes.number(bytes, "attribute length", as: UInt16.self))
        var value = try attributes.part(size, "attribute")
        switch type {
        case Attribute.nextHop, Attribute.originator:
            guard size == 4 else {
                throw .invalid(what: "attribute \(type)'s length", at: value.offset)
            }
            let address = try value.address(.ipv4, bytes, "attribute")
            if type == Attribute.nextHop { nextHop = address }
        case Attribute.reach: try takeReach(&value, bytes)
        case Attribute.unreach:
            guard let family = try family(&value, bytes) else { return isForeign = true }
            unreach = (family, value)
        default: break
        }
    }

    private mutating func takeReach(
        _ value: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) {
        guard let family = try family(&value, bytes) else { return isForeign = true }
        let size = Int(try value.byte(bytes, "next hop length"))
        var hop = try value.part(size, "next hop")
        // RFC 2545: a link-local address may follow; RFC 8950: an IPv4 route may have an IPv6 one.
        guard size == 4 || size == 16 || size == 32 else {
            throw .invalid(what: "next hop length", at: value.offset)
        }
        let address = try hop.address(size == 4 ? .ipv4 : .ipv6, bytes, "next hop")
        try value.skip(1, "reserved byte")
        reach = (family, value, address.unmapped)
    }

    private func family(
        _ value: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> BGPFamily? {
        let afi = try value.number(bytes, "AFI", as: UInt16.self)
        let safi = try value.byte(bytes, "SAFI")
        switch (afi, safi) {
        case (1, 1): return .ipv4
        case (2, 1): return .ipv6
        default: return nil
        }
    }

    // MARK: - Routes

    /// The family that is told to be complete (RFC 4724 section 2): an UPDATE with nothing in it, or
    /// with an empty MP_UNREACH alone.
    var endOfRIB: BGPFamily? {
        guard withdrawn.isAtEnd, announced.isAtEnd, reach == nil, !isForeign else { return nil }
        guard hasAttributes else { return .ipv4 }
        guard nextHop == nil, let unreach, unreach.prefixes.isAtEnd else { return nil }
        return unreach.family
    }

    /// Whether its prefixes can be read with these path identifiers.
    func isReadable(_ bytes: Span<UInt8>, _ addPath: AddPath) -> Bool {
        do throws(BGPError) {
            try forEachWithdrawn(bytes, addPath) { _, _ in }
            try forEachAnnounced(bytes, addPath) { _, _, _ in }
            return true
        } catch {
            return false
        }
    }

    /// Withdrawals first: a prefix in both is announced (RFC 4271 section 4.3).
    @inline(__always)
    func forEachWithdrawn(
        _ bytes: Span<UInt8>,
        _ addPath: AddPath,
        _ body: (Prefix, UInt32?) -> Void
    ) throws(BGPError) {
        try Self.forEach(withdrawn, .ipv4, bytes, addPath, body)
        if let unreach { try Self.forEach(unreach.prefixes, unreach.family, bytes, addPath, body) }
    }

    @inline(__always)
    func forEachAnnounced(
        _ bytes: Span<UInt8>,
        _ addPath: AddPath,
        _ body: (Prefix, UInt32?, IPAddress) -> Void
    ) throws(BGPError) {
        if !announced.isAtEnd {
            guard let nextHop else {
                throw .invalid(what: "an announcement without NEXT_HOP", at: announced.offset)
            }
            try Self.forEach(announced, .ipv4, bytes, addPath) { body($0, $1, nextHop) }
        }
        guard let reach else { return }
        try Self.forEach(reach.prefixes, reach.family, bytes, addPath) {
            body($0, $1, reach.nextHop)
        }
    }

    @inline(__always)
    private static func forEach(
        _ part: BGPReader,
        _ family: BGPFamily,
        _ bytes: Span<UInt8>,
        _ addPath: AddPath,
        _ body: (Prefix, UInt32?) -> Void
    ) throws(BGPError) {
        var reader = part
        while !reader.isAtEnd {
            let path: UInt32? = addPath[family] ? try reader.number(bytes, "path identifier") : nil
            body(try reader.prefix(family, bytes), path)
        }
    }
}
