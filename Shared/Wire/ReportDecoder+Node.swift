// SPDX-License-Identifier: Apache-2.0
import Routing

/// The sections that the kernel fills.
extension ReportDecoder {
    mutating func kernel(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [KernelStatus] {
        guard rows <= 1 else { throw .tooLong(what: "kernel facts", length: rows, limit: 1) }
        var facts = [KernelStatus](repeating: KernelStatus(isComplete: false), count: rows)
        while let column = try column(bytes, &section) {
            guard column.id == Column.Kernel.flags else {
                skipped.fields += 1
                continue
            }
            try numbers(column, rows, bytes) { row, flags in
                facts[row].isComplete = flags & 1 != 0
                facts[row].watchesConnections = flags & 2 != 0
            }
        }
        return facts
    }

    mutating func links(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [Link] {
        let usual = Link(name: "", index: 0, isAdminUp: true, hasCarrier: true, mtu: 0)
        var links = [Link](repeating: usual, count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Link.name: try strings(column, rows, bytes) { links[$0].name = $1 }
            case Column.Link.index: try uint32s(column, rows, bytes) { links[$0].index = $1 }
            case Column.Link.flags:
                try numbers(column, rows, bytes) { row, flags in
                    links[row].isAdminUp = flags & 1 != 0
                    links[row].hasCarrier = flags & 2 != 0
                }
            case Column.Link.mtu: try uint32s(column, rows, bytes) { links[$0].mtu = $1 }
            case Column.Link.reversePathFilter:
                try optionals(column, rows, bytes) { row, value in
                    links[row].reversePathFilter =
                        value.flatMap { ReversePathFilter(rawValue: UInt8(clamping: $0)) }
                }
            default: skipped.fields += 1
            }
        }
        return links
    }

    mutating func routes(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [KernelRoute] {
        var routes = [KernelRoute](
            repeating: KernelRoute(prefix: unspecified.prefix),
            count: rows
        )
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Route.prefix:
                try prefixes(column, rows, bytes) { routes[$0].prefix = $1 }
            case Column.Route.table: try uint32s(column, rows, bytes) { routes[$0].table = $1 }
            case Column.Route.metric: try uint32s(column, rows, bytes) { routes[$0].metric = $1 }
            case Column.Route.destination:
                try numbers(column, rows, bytes) { routes[$0].destination = Destination(code: $1) }
            case Column.Route.proto:
                try numbers(column, rows, bytes) { routes[$0].proto = UInt8(clamping: $1) }
            case Column.Route.hops: try hops(column, rows, bytes) { routes[$0].nextHops = $1 }
            default: skipped.fields += 1
            }
        }
        return routes
    }

    mutating func addresses(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [LinkAddress] {
        let usual = LinkAddress(device: "", address: unspecified.address, length: 0)
        var list = [LinkAddress](repeating: usual, count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Address.device: try strings(column, rows, bytes) { list[$0].device = $1 }
            case Column.Address.address:
                try addresses(column, rows, bytes) { list[$0].address = $1 ?? unspecified.address }
            case Column.Address.length:
                try numbers(column, rows, bytes) { list[$0].length = UInt8(clamping: $1) }
            default: skipped.fields += 1
            }
        }
        return list
    }

    mutating func rules(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [RoutingRule] {
        let usual = RoutingRule(family: .ipv4, priority: 0, table: UInt32(Usual.mainTable))
        var rules = [RoutingRule](repeating: usual, count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Rule.family:
                try numbers(column, rows, bytes) { row, family in
                    rules[row].family = family == 6 ? .ipv6 : .ipv4
                }
            case Column.Rule.priority: try uint32s(column, rows, bytes) { rules[$0].priority = $1 }
            case Column.Rule.action:
                try numbers(column, rows, bytes) { row, code in
                    rules[row].action =
                        RoutingRule.Action(rawValue: UInt8(clamping: code)) ?? .other
                }
            case Column.Rule.table: try uint32s(column, rows, bytes) { rules[$0].table = $1 }
            case Column.Rule.source: try prefixes(column, rows, bytes) { rules[$0].source = $1 }
            case Column.Rule.destination:
                try prefixes(column, rows, bytes) { rules[$0].destination = $1 }
            case Column.Rule.selectors:
                try numbers(column, rows, bytes) { row, bits in
                    rules[row].selectors = RoutingRule.Selectors(
                        rawValue: UInt8(truncatingIfNeeded: bits)
                    )
                }
            default: skipped.fields += 1
            }
        }
        return rules
    }
}

extension Destination {
    init(code: UInt64) { self = Destination(rawValue: UInt8(clamping: code)) ?? .other }
}
