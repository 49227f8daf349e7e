// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// RTM_NEWLINK or RTM_DELLINK: `struct ifinfomsg`, linux/rtnetlink.h.
struct LinkMessage {
    private static let headerSize = 16

    let link: Link

    /// Nil for what is no device's own message.
    ///
    /// A port that leaves its bridge sends RTM_DELLINK with AF_BRIDGE while the device lives on,
    /// and wireless events carry no name.
    init?(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        var attributes = try AttributeCursor(payload, after: Self.headerSize)
        let start = payload.lowerBound
        guard try bytes.u8(at: start) == UInt8(AF_UNSPEC) else { return nil }
        let flags = try bytes.u32(at: start + 8)
        var name: String?
        var mtu: UInt32 = 0
        while let attribute = try attributes.next(in: bytes) {
            switch UInt32(attribute.type) {
            case UInt32(IFLA_IFNAME): name = try bytes.name(attribute.value)
            case UInt32(IFLA_MTU): mtu = try bytes.u32(attribute.value)
            default: break
            }
        }
        guard let name else { return nil }
        link = Link(
            name: name,
            index: try bytes.u32(at: start + 4),
            isAdminUp: flags & IFF_UP.rawValue != 0,
            hasCarrier: flags & IFF_LOWER_UP.rawValue != 0,
            mtu: mtu
        )
    }
}
