// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

extension DumpKind {
    /// The request of NLM_F_DUMP with this sequence number.
    func request(sequence: UInt32) -> [UInt8] {
        switch self {
        case .links: linkRequest(sequence)
        case .routes(let family, let table): routeRequest(family, table, sequence)
        // `struct ifaddrmsg`, of both families.
        case .addresses: message(UInt16(RTM_GETADDR), sequence, [UInt8](repeating: 0, count: 8))
        // `struct fib_rule_hdr`.
        case .rules(let family):
            message(
                UInt16(RTM_GETRULE),
                sequence,
                [family.number] + [UInt8](repeating: 0, count: RuleMessage.headerSize - 1)
            )
        // `struct netconfmsg`.
        case .filters:
            message(UInt16(RTM_GETNETCONF), sequence, [AddressFamily.ipv4.number, 0, 0, 0])
        }
    }

    /// `struct rtmsg` and RTA_TABLE: the kernel filters by it if it was asked to be strict.
    private func routeRequest(
        _ family: AddressFamily,
        _ table: UInt32,
        _ sequence: UInt32
    ) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: RouteHeader.size)
        body[0] = family.number
        if let short = UInt8(exactly: table) {
            body[4] = short
        } else {
            body[4] = UInt8(RT_TABLE_COMPAT.rawValue)
            body += attribute(UInt16(RTA_TABLE.rawValue), table)
        }
        return message(UInt16(RTM_GETROUTE), sequence, body)
    }

    /// `struct ifinfomsg`, and IFLA_EXT_MASK to leave out counters: three quarters of the bytes.
    private func linkRequest(_ sequence: UInt32) -> [UInt8] {
        let body = [UInt8](repeating: 0, count: 16)
        let mask = attribute(UInt16(IFLA_EXT_MASK), UInt32(RTEXT_FILTER_SKIP_STATS))
        return message(UInt16(RTM_GETLINK), sequence, body + mask)
    }

    private func attribute(_ type: UInt16, _ value: UInt32) -> [UInt8] {
        native(UInt16(8)) + native(type) + native(value)
    }

    private func message(_ type: UInt16, _ sequence: UInt32, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: NetlinkMessage.headerSize + body.count)
        let flags = UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH)
        let head = native(length) + native(type) + native(flags) + native(sequence)
        return head + native(UInt32(0)) + body
    }
}

extension AddressFamily {
    /// AF_INET or AF_INET6.
    var number: UInt8 { self == .ipv4 ? UInt8(AF_INET) : UInt8(AF_INET6) }

    /// Nil for every other number.
    init?(number: UInt8) {
        switch Int32(number) {
        case AF_INET: self = .ipv4
        case AF_INET6: self = .ipv6
        default: return nil
        }
    }
}

/// The bytes of a number in host order.
private func native(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number) { Array($0) }
}
