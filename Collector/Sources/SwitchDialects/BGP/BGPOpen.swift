// SPDX-License-Identifier: Apache-2.0
import Routing

/// What of a BGP OPEN (RFC 4271 section 4.2, RFC 5492) tells how its sender's UPDATEs are to be read.
struct BGPOpen: Hashable, Sendable {
    /// Of four bytes where the capability is there (RFC 6793).
    private(set) var asn: UInt32 = 0
    private(set) var holdTime: UInt16 = 0
    private(set) var routerID = IPAddress(ipv4: 0)
    /// Families for which this side may send several paths of a prefix, or take them (RFC 7911).
    private(set) var sendsPaths = AddPath()
    private(set) var takesPaths = AddPath()

    private enum Code {
        static let capabilities: UInt8 = 2
        static let fourByteAS: UInt8 = 65
        static let addPath: UInt8 = 69
    }

    /// `part` is what follows the header of 19 bytes; FRR may have kept no more than the header, and
    /// then nothing is told.
    init(_ part: BGPReader, _ bytes: Span<UInt8>) throws(BGPError) {
        var reader = part
        guard !reader.isAtEnd else { return }
        let version = try reader.byte(bytes, "BGP version")
        guard version == 4 else { throw .invalid(what: "BGP version", at: part.offset) }
        asn = UInt32(try reader.number(bytes, "AS number", as: UInt16.self))
        holdTime = try reader.number(bytes, "hold time")
        routerID = try reader.address(.ipv4, bytes, "BGP identifier")
        let size = Int(try reader.byte(bytes, "parameters' length"))
        var parameters = try reader.part(size, "parameters")
        while !parameters.isAtEnd {
            let type = try parameters.byte(bytes, "parameter type")
            let size = Int(try parameters.byte(bytes, "parameter length"))
            var value = try parameters.part(size, "parameter")
            while type == Code.capabilities, !value.isAtEnd { try takeCapability(&value, bytes) }
        }
    }

    private mutating func takeCapability(
        _ reader: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) {
        let code = try reader.byte(bytes, "capability code")
        let size = Int(try reader.byte(bytes, "capability length"))
        var value = try reader.part(size, "capability")
        switch code {
        case Code.fourByteAS: asn = try value.number(bytes, "AS number")
        case Code.addPath:
            while !value.isAtEnd { try takeAddPath(&value, bytes) }
        default: break
        }
    }

    /// AFI, SAFI, and 1 to take, 2 to send, 3 for both.
    private mutating func takeAddPath(
        _ value: inout BGPReader,
        _ bytes: Span<UInt8>
    ) throws(BGPError) {
        let afi = try value.number(bytes, "AFI", as: UInt16.self)
        let safi = try value.byte(bytes, "SAFI")
        let ways = try value.byte(bytes, "ADD-PATH")
        guard safi == 1 else { return }
        if afi == 1 { (takesPaths.ipv4, sendsPaths.ipv4) = (ways & 1 != 0, ways & 2 != 0) }
        if afi == 2 { (takesPaths.ipv6, sendsPaths.ipv6) = (ways & 1 != 0, ways & 2 != 0) }
    }

    /// What comes from `sender` to `receiver` has path identifiers.
    static func addPath(from sender: BGPOpen, to receiver: BGPOpen) -> AddPath {
        AddPath(
            ipv4: sender.sendsPaths.ipv4 && receiver.takesPaths.ipv4,
            ipv6: sender.sendsPaths.ipv6 && receiver.takesPaths.ipv6
        )
    }
}
