// SPDX-License-Identifier: Apache-2.0
import Routing

/// A peer of the monitored router as messages name it (RFC 7854 section 4.2). AS number and router id
/// are not part of it: senders fill them differently in messages of one peer.
struct BMPPeerKey: Hashable, Sendable {
    enum Kind: UInt8, Sendable {
        case global = 0
        case routeDistinguisher = 1
        case local = 2
        /// RFC 9069.
        case locRIB = 3
    }

    let kind: Kind
    let distinguisher: UInt64
    let address: IPAddress
}

/// Which of a peer's tables a route stands in.
enum BMPTableKind: Hashable, Sendable, CaseIterable {
    /// As the peer announced it, and as it came through the import policy.
    case preIn, postIn
    /// RFC 8671: towards the peer.
    case preOut, postOut
    /// RFC 9069: what the router chose.
    case loc
}

/// The 42 bytes before most messages. Times are the sender's, and lie: they are passed over.
struct BMPPeerHeader: Hashable, Sendable {
    static let size = 42

    let key: BMPPeerKey
    let flags: UInt8

    private enum Flag {
        /// IPv6 for peers; of Loc-RIB: filtered.
        static let v: UInt8 = 0x80
        static let postPolicy: UInt8 = 0x40
        static let out: UInt8 = 0x10
    }

    init(_ reader: inout BGPReader, _ bytes: Span<UInt8>) throws(BGPError) {
        let start = reader.offset
        let type = try reader.byte(bytes, "peer type")
        guard let kind = BMPPeerKey.Kind(rawValue: type) else {
            throw .invalid(what: "peer type", at: start)
        }
        flags = try reader.byte(bytes, "peer flags")
        let distinguisher = try reader.number(bytes, "distinguisher", as: UInt64.self)
        let bits = try reader.number(bytes, "peer address", as: UInt128.self)
        // An IPv4 address stands in the last four bytes.
        let isIPv6 = kind != .locRIB && flags & Flag.v != 0
        let address =
            isIPv6
            ? IPAddress(family: .ipv6, bits: bits)
            : IPAddress(ipv4: UInt32(truncatingIfNeeded: bits))
        key = BMPPeerKey(kind: kind, distinguisher: distinguisher, address: address)
        // AS number, router id, seconds and microseconds.
        try reader.skip(16, "peer header")
    }

    /// Of the table a route monitoring message speaks of.
    var table: BMPTableKind {
        guard key.kind != .locRIB else { return .loc }
        switch (flags & Flag.out != 0, flags & Flag.postPolicy != 0) {
        case (false, false): return .preIn
        case (false, true): return .postIn
        case (true, false): return .preOut
        case (true, true): return .postOut
        }
    }
}

/// One message: what it says, with routes read where they lie.
enum BMPMessage {
    case routes(BMPPeerHeader, BGPUpdate)
    /// A statistics report: the router lives.
    case statistics(BMPPeerHeader)
    case peerDown(BMPPeerHeader, reason: UInt8)
    case peerUp(BMPPeerHeader, sent: BGPOpen, received: BGPOpen, tableName: String?)
    case initiation(description: String?, name: String?)
    case termination(reason: UInt16?)
    /// Route mirroring; `isLossy` if messages were lost.
    case mirroring(isLossy: Bool)
    /// Of a type that came later.
    case other(UInt8)

    static let headerSize = 6
    static let version: UInt8 = 3
    /// A route's message is 65,583 bytes at most; the rest is generous.
    static let sizeLimit = 1 << 20

    /// `part` is the whole message, its header of 6 bytes included.
    init(_ part: BGPReader, _ bytes: Span<UInt8>) throws(BGPError) {
        var reader = part
        try reader.skip(5, "header")
        let type = try reader.byte(bytes, "message type")
        switch type {
        case 0: self = try Self.routes(&reader, bytes)
        case 1: self = .statistics(try BMPPeerHeader(&reader, bytes))
        case 2:
            let header = try BMPPeerHeader(&reader, bytes)
            self = .peerDown(header, reason: try reader.byte(bytes, "reason"))
        case 3: self = try Self.peerUp(&reader, bytes)
        case 4:
            let texts = try BMPTexts(&reader, bytes)
            self = .initiation(description: texts[1], name: texts[2])
        case 5: self = .termination(reason: try BMPTexts(&reader, bytes).reason)
        case 6: self = try Self.mirroring(&reader, bytes)
        default: self = .other(type)
        }
    }

    private static func routes(
        _ reader: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> BMPMessage {
        let header = try BMPPeerHeader(&reader, bytes)
        let (type, body) = try pdu(&reader, bytes)
        guard type == 2, reader.isAtEnd else {
            throw .invalid(what: "a BGP message that is no UPDATE alone", at: body.offset)
        }
        return .routes(header, try BGPUpdate(body, bytes))
    }

    private static func peerUp(
        _ reader: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> BMPMessage {
        let header = try BMPPeerHeader(&reader, bytes)
        // Local address and both ports.
        try reader.skip(20, "local address")
        let sent = try open(&reader, bytes)
        let received = try open(&reader, bytes)
        let texts = try BMPTexts(&reader, bytes)
        return .peerUp(header, sent: sent, received: received, tableName: texts[3])
    }

    private static func open(
        _ reader: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> BGPOpen {
        let (type, body) = try pdu(&reader, bytes)
        guard type == 1 else {
            throw .invalid(what: "a BGP message that is no OPEN", at: body.offset)
        }
        return try BGPOpen(body, bytes)
    }

    /// A BGP message inside another: sixteen bytes of ones, length, type.
    private static func pdu(
        _ reader: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> (type: UInt8, body: BGPReader) {
        var marker = try reader.part(16, "BGP marker")
        while !marker.isAtEnd {
            let place = marker.offset
            guard try marker.byte(bytes, "BGP marker") == 0xff else {
                throw .invalid(what: "BGP marker", at: place)
            }
        }
        let start = reader.offset
        let size = Int(try reader.number(bytes, "BGP length", as: UInt16.self))
        let type = try reader.byte(bytes, "BGP type")
        guard size >= BGPUpdate.headerSize else { throw .invalid(what: "BGP length", at: start) }
        return (type, try reader.part(size - BGPUpdate.headerSize, "BGP message"))
    }

    private static func mirroring(
        _ reader: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) -> BMPMessage {
        _ = try BMPPeerHeader(&reader, bytes)
        var isLossy = false
        while !reader.isAtEnd {
            let type = try reader.number(bytes, "TLV type", as: UInt16.self)
            let size = Int(try reader.number(bytes, "TLV length", as: UInt16.self))
            var value = try reader.part(size, "TLV")
            if type == 1, try value.number(bytes, "mirroring code", as: UInt16.self) == 1 {
                isLossy = true
            }
        }
        return .mirroring(isLossy: isLossy)
    }
}

/// Information TLVs (RFC 7854 section 4.4), in any order.
struct BMPTexts {
    private var texts: [UInt16: String] = [:]
    /// Of a termination: TLV 1, two bytes.
    private(set) var reason: UInt16?
    /// A router's description is some hundred bytes.
    private static let limit = 512

    init(_ reader: inout BGPReader, _ bytes: Span<UInt8>) throws(BGPError) {
        while !reader.isAtEnd {
            let type = try reader.number(bytes, "TLV type", as: UInt16.self)
            let size = Int(try reader.number(bytes, "TLV length", as: UInt16.self))
            var value = try reader.part(size, "TLV")
            if type == 1, size == 2 {
                var number = value
                reason = try number.number(bytes, "reason", as: UInt16.self)
            }
            var text: [UInt8] = []
            while !value.isAtEnd, text.count < Self.limit {
                text.append(try value.byte(bytes, "TLV"))
            }
            if texts.count < 16 { texts[type] = String(decoding: text, as: UTF8.self) }
        }
    }

    subscript(type: UInt16) -> String? { texts[type] }
}
