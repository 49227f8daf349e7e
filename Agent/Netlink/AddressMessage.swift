// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// An address as the kernel numbers it: devices by index.
struct AddressEntry: Hashable, Sendable {
    let link: UInt32
    let address: IPAddress
    let length: UInt8
}

/// RTM_NEWADDR or RTM_DELADDR: `struct ifaddrmsg`, linux/if_addr.h.
struct AddressMessage {
    private static let headerSize = 8

    let entry: AddressEntry

    /// Nil for another family.
    init?(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        var attributes = try AttributeCursor(payload, after: Self.headerSize)
        let start = payload.lowerBound
        guard let family = AddressFamily(number: try bytes.u8(at: start)) else { return nil }
        let length = try bytes.u8(at: start + 1)
        guard Int(length) <= family.bitWidth else { throw .badPrefixLength(Int(length)) }
        var address: Range<Int>?
        // Of a point-to-point device IFA_ADDRESS is the peer's, IFA_LOCAL its own.
        var local: Range<Int>?
        while let attribute = try attributes.next(in: bytes) {
            if UInt32(attribute.type) == UInt32(IFA_ADDRESS) { address = attribute.value }
            if UInt32(attribute.type) == UInt32(IFA_LOCAL) { local = attribute.value }
        }
        guard let own = local ?? address else {
            throw .missingAttribute(UInt16(IFA_ADDRESS))
        }
        entry = AddressEntry(
            link: try bytes.u32(at: start + 4),
            address: try bytes.address(own),
            length: length
        )
    }
}
