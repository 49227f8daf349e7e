// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// RTM_NEWNETCONF: `struct netconfmsg` and NETCONFA_* attributes, linux/netconf.h. The sysctls of a
/// device, or of `all`.
struct FilterMessage {
    private static let headerSize = 4
    /// NETCONFA_IFINDEX_ALL: in force for every device, beside its own.
    static let all: Int32 = -1

    /// An index, or NETCONFA_IFINDEX_*.
    let link: Int32
    let filter: UInt8

    /// Nil where it says nothing of rp_filter.
    init?(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        // The header is one byte, padded.
        var attributes = try AttributeCursor(payload, after: Self.headerSize)
        guard try bytes.u8(at: payload.lowerBound) == UInt8(AF_INET) else { return nil }
        var link: Int32?
        var filter: UInt32?
        while let attribute = try attributes.next(in: bytes) {
            switch Int(attribute.type) {
            case NETCONFA_IFINDEX: link = Int32(bitPattern: try bytes.u32(attribute.value))
            case NETCONFA_RP_FILTER: filter = try bytes.u32(attribute.value)
            default: continue
            }
        }
        guard let link, let filter else { return nil }
        self.link = link
        self.filter = UInt8(clamping: filter)
    }
}
