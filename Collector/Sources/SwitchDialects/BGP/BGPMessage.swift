// SPDX-License-Identifier: Apache-2.0
import Routing

/// A BGP message on a session of our own: its header read, its content where it lies (RFC 4271
/// section 4.1).
struct BGPMessage {
    enum Kind: UInt8 {
        case open = 1
        case update = 2
        case notification = 3
        case keepalive = 4
        /// RFC 2918; there is nothing to send again.
        case routeRefresh = 5
    }

    let kind: Kind
    let part: BGPReader

    /// RFC 4271: 4,096 bytes, and extended messages are not offered.
    static let sizeLimit = 4_096

    /// Nil until all of it is there.
    init?(_ array: [UInt8], from start: Int) throws(BGPError) {
        let bytes = array.span
        guard bytes.count - start >= BGPUpdate.headerSize else { return nil }
        for index in start..<start + 16 where bytes[index] != 0xff {
            throw .invalid(what: "marker", at: index - start)
        }
        var reader = BGPReader(start + 16..<bytes.count)
        let size = Int(try reader.number(bytes, "length", as: UInt16.self))
        guard size >= BGPUpdate.headerSize, size <= Self.sizeLimit else {
            throw .invalid(what: "message length \(size)", at: 16)
        }
        let type = try reader.byte(bytes, "message type")
        guard let kind = Kind(rawValue: type) else {
            throw .invalid(what: "message type \(type)", at: 18)
        }
        guard bytes.count - start >= size else { return nil }
        self.kind = kind
        part = BGPReader(start + BGPUpdate.headerSize..<start + size)
    }

    /// Code and subcode.
    func notification(_ array: [UInt8]) throws(BGPError) -> String {
        let bytes = array.span
        var reader = part
        let code = try reader.byte(bytes, "code")
        let subcode = try reader.byte(bytes, "subcode")
        return "NOTIFICATION \(code)/\(subcode)"
    }

    // MARK: - What we say

    static let keepalive = message(.keepalive, [])

    static func notification(_ code: UInt8, _ subcode: UInt8) -> [UInt8] {
        message(.notification, [code, subcode])
    }

    /// IPv4 and IPv6 unicast, AS numbers of four bytes, several paths of a prefix if it has them. Graceful
    /// restart with no family: nothing is kept over a restart, but End-of-RIB is wanted (RFC 4724
    /// section 3).
    static func open(_ identity: BGPListenerFeed.Identity, holdTime: UInt16) -> [UInt8] {
        let asn = UInt32(clamping: identity.asn)
        let capabilities: [UInt8] =
            [1, 4, 0, 1, 0, 1] + [1, 4, 0, 2, 0, 1] + [65, 4] + bigEndian(asn)
            + [69, 8, 0, 1, 1, 1, 0, 2, 1, 1] + [64, 2, 0, 0]
        // AS_TRANS (RFC 6793) where the number does not fit.
        let short = UInt16(exactly: asn) ?? 23_456
        var body: [UInt8] = [4] + bigEndian(short) + bigEndian(holdTime) + identity.routerID.bytes
        body += [UInt8(capabilities.count + 2), 2, UInt8(capabilities.count)] + capabilities
        return message(.open, body)
    }

    /// We take several paths, so what is sent has identifiers where the switch offers to send them.
    static func addPath(from open: BGPOpen) -> AddPath { open.sendsPaths }

    private static func message(_ kind: Kind, _ body: [UInt8]) -> [UInt8] {
        let size = UInt16(BGPUpdate.headerSize + body.count)
        return [UInt8](repeating: 0xff, count: 16) + bigEndian(size) + [kind.rawValue] + body
    }

    private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        stride(from: Number.bitWidth - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: number >> Number($0))
        }
    }
}
