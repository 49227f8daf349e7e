// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// A table the kernel can be asked for as a whole, in the order of asking: routes name devices by
/// number, so devices come first.
enum DumpKind: Int, CaseIterable, Sendable {
    case links
    case ipv4Routes
    case ipv6Routes

    init(_ family: AddressFamily) { self = family == .ipv4 ? .ipv4Routes : .ipv6Routes }

    /// The request of NLM_F_DUMP with this sequence number.
    func request(sequence: UInt32) -> [UInt8] {
        switch self {
        case .links: linkRequest(sequence)
        case .ipv4Routes: routeRequest(UInt8(AF_INET), sequence)
        case .ipv6Routes: routeRequest(UInt8(AF_INET6), sequence)
        }
    }

    /// `struct rtmsg` with the table in it: the kernel filters if it was asked to be strict.
    private func routeRequest(_ family: UInt8, _ sequence: UInt32) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: RouteHeader.size)
        body[0] = family
        body[4] = UInt8(truncatingIfNeeded: RouteHeader.mainTable)
        return message(UInt16(RTM_GETROUTE), sequence, body)
    }

    /// `struct ifinfomsg`, and IFLA_EXT_MASK to leave out counters: three quarters of the bytes.
    private func linkRequest(_ sequence: UInt32) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: 16)
        body += native(UInt16(8)) + native(UInt16(IFLA_EXT_MASK))
        body += native(UInt32(RTEXT_FILTER_SKIP_STATS))
        return message(UInt16(RTM_GETLINK), sequence, body)
    }

    private func message(_ type: UInt16, _ sequence: UInt32, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: NetlinkMessage.headerSize + body.count)
        let flags = UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH)
        let head = native(length) + native(type) + native(flags) + native(sequence)
        return head + native(UInt32(0)) + body
    }
}

/// The bytes of a number in host order.
private func native(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number) { Array($0) }
}
