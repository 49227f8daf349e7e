// SPDX-License-Identifier: Apache-2.0
import Routing

/// The sections that the kernel fills.
extension ReportDecoder {
    mutating func kernel(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [KernelStatus] {
        guard rows <= 1 else { throw .tooLong(what: "kernel facts", length: rows, limit: 1) }
        let columns = try columns(bytes, section, known: Column.Kernel.last)
        var flags = try columns.numbers(Column.Kernel.flags, bytes)
        return try facts(rows) { () throws(WireError) in
            let flags = try flags.next(bytes)
            return KernelStatus(
                isComplete: flags & 1 != 0,
                watchesConnections: flags & 2 != 0
            )
        }
    }

    mutating func links(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [Link] {
        let columns = try columns(bytes, section, known: Column.Link.last)
        var names = try columns.numbers(Column.Link.name, bytes)
        var indices = try columns.numbers(Column.Link.index, bytes)
        var flags = try columns.numbers(Column.Link.flags, bytes, usual: Usual.linkUp)
        var mtus = try columns.numbers(Column.Link.mtu, bytes)
        var filters = try columns.numbers(Column.Link.reversePathFilter, bytes)
        let strings = self.tables.strings.span
        return try facts(rows) { () throws(WireError) in
            let flags = try flags.next(bytes)
            return Link(
                name: try names.string(bytes, strings),
                index: try indices.uint32(bytes),
                isAdminUp: flags & 1 != 0,
                hasCarrier: flags & 2 != 0,
                mtu: try mtus.uint32(bytes),
                reversePathFilter: try filters.optional(bytes)
                    .flatMap { ReversePathFilter(rawValue: UInt8(clamping: $0)) }
            )
        }
    }

    mutating func routes(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [KernelRoute] {
        let columns = try columns(bytes, section, known: Column.Route.last)
        var prefixes = columns.prefixes(Column.Route.prefix, rows)
        var tables = try columns.numbers(Column.Route.table, bytes, usual: Usual.mainTable)
        var metrics = try columns.numbers(Column.Route.metric, bytes)
        var kinds = try columns.numbers(Column.Route.destination, bytes, usual: Usual.unicast)
        var protocols = try columns.numbers(Column.Route.proto, bytes)
        var hops = try columns.numbers(Column.Route.hops, bytes)
        let lists = self.tables.nextHops.span
        return try facts(rows) { () throws(WireError) in
            KernelRoute(
                prefix: try prefixes.next(bytes) ?? .unspecified,
                table: try tables.uint32(bytes),
                metric: try metrics.uint32(bytes),
                destination: Destination(code: try kinds.code(bytes)),
                proto: try protocols.code(bytes),
                nextHops: try hops.nextHops(bytes, lists)
            )
        }
    }

    mutating func addresses(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [LinkAddress] {
        let columns = try columns(bytes, section, known: Column.Address.last)
        var devices = try columns.numbers(Column.Address.device, bytes)
        var addresses = columns.addresses(Column.Address.address)
        var lengths = try columns.numbers(Column.Address.length, bytes)
        let strings = self.tables.strings.span
        return try facts(rows) { () throws(WireError) in
            LinkAddress(
                device: try devices.string(bytes, strings),
                address: try addresses.next(bytes) ?? .unspecified,
                length: try lengths.code(bytes)
            )
        }
    }

    mutating func rules(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [RoutingRule] {
        let columns = try columns(bytes, section, known: Column.Rule.last)
        var families = try columns.numbers(Column.Rule.family, bytes, usual: Usual.ipv4)
        var priorities = try columns.numbers(Column.Rule.priority, bytes)
        var actions = try columns.numbers(Column.Rule.action, bytes, usual: Usual.lookup)
        var tables = try columns.numbers(Column.Rule.table, bytes, usual: Usual.mainTable)
        var sources = columns.prefixes(Column.Rule.source, rows)
        var destinations = columns.prefixes(Column.Rule.destination, rows)
        var selectors = try columns.numbers(Column.Rule.selectors, bytes)
        return try facts(rows) { () throws(WireError) in
            RoutingRule(
                family: try families.next(bytes) == 6 ? .ipv6 : .ipv4,
                priority: try priorities.uint32(bytes),
                action: RoutingRule.Action(rawValue: try actions.code(bytes)) ?? .other,
                table: try tables.uint32(bytes),
                source: try sources.next(bytes),
                destination: try destinations.next(bytes),
                selectors: RoutingRule.Selectors(
                    rawValue: UInt8(truncatingIfNeeded: try selectors.next(bytes))
                )
            )
        }
    }
}

extension Destination {
    init(code: UInt8) { self = Destination(rawValue: code) ?? .other }
}

/// What a fact holds where a frame leaves a column out.
extension IPAddress {
    static var unspecified: IPAddress { IPAddress(family: .ipv4, bits: 0) }
}

extension Prefix {
    static var unspecified: Prefix { Prefix(host: .unspecified) }
}
