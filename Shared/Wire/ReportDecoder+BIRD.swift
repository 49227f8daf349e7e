// SPDX-License-Identifier: Apache-2.0
import Routing

/// The sections that BIRD fills.
extension ReportDecoder {
    mutating func birds(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [OfDaemon<BIRDStatus>] {
        let columns = try columns(bytes, section, known: Column.Bird.last)
        var daemons = try columns.numbers(Column.Bird.daemon, bytes)
        var conditions = try columns.numbers(Column.Bird.condition, bytes)
        var reasons = try columns.numbers(Column.Bird.reason, bytes)
        var begun = try columns.numbers(Column.Bird.since, bytes)
        var versions = try columns.numbers(Column.Bird.version, bytes)
        var routerIDs = columns.addresses(Column.Bird.routerID)
        var reboots = try columns.numbers(Column.Bird.lastReboot, bytes)
        var reconfigurations = try columns.numbers(Column.Bird.lastReconfiguration, bytes)
        var flags = try columns.numbers(Column.Bird.flags, bytes)
        let strings = self.tables.strings.span
        return try facts(rows) { () throws(WireError) in
            var condition = BIRDCondition(code: try conditions.next(bytes))
            condition.add(reason: try reasons.string(bytes, strings))
            let flags = try flags.next(bytes)
            let status = BIRDStatus(
                condition: condition,
                since: try begun.moment(bytes, before: now) ?? now,
                version: try versions.string(bytes, strings),
                routerID: try routerIDs.next(bytes),
                lastReboot: try reboots.string(bytes, strings),
                lastReconfiguration: try reconfigurations.string(bytes, strings),
                isReconfiguring: flags & 1 != 0,
                isRecovering: flags & 2 != 0,
                isStaticDown: flags & 4 != 0
            )
            return OfDaemon(try daemons.string(bytes, strings), status)
        }
    }

    mutating func statics(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [OfDaemon<BIRDStatic>] {
        let columns = try columns(bytes, section, known: Column.Static.last)
        var daemons = try columns.numbers(Column.Static.daemon, bytes)
        var protocols = try columns.numbers(Column.Static.proto, bytes)
        var prefixes = columns.prefixes(Column.Static.prefix, rows)
        var flags = try columns.numbers(Column.Static.flags, bytes)
        var devices = try columns.numbers(Column.Static.device, bytes)
        let strings = self.tables.strings.span
        return try facts(rows) { () throws(WireError) in
            let device = try devices.string(bytes, strings)
            let route = BIRDStatic(
                prefix: try prefixes.next(bytes) ?? .unspecified,
                protocolName: try protocols.string(bytes, strings),
                isDormant: try flags.next(bytes) & 1 != 0,
                device: device.isEmpty ? nil : device
            )
            return OfDaemon(try daemons.string(bytes, strings), route)
        }
    }

    mutating func birdRoutes(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [OfDaemon<BIRDRoute>] {
        let columns = try columns(bytes, section, known: Column.BIRDRoute.last)
        var daemons = try columns.numbers(Column.BIRDRoute.daemon, bytes)
        var tables = try columns.numbers(Column.BIRDRoute.table, bytes)
        var protocols = try columns.numbers(Column.BIRDRoute.proto, bytes)
        var prefixes = columns.prefixes(Column.BIRDRoute.prefix, rows)
        var kinds = try columns.numbers(Column.BIRDRoute.destination, bytes, usual: Usual.unicast)
        var flags = try columns.numbers(Column.BIRDRoute.flags, bytes, usual: Usual.best)
        var hops = try columns.numbers(Column.BIRDRoute.hops, bytes)
        let strings = self.tables.strings.span
        let lists = self.tables.nextHops.span
        return try facts(rows) { () throws(WireError) in
            let route = BIRDRoute(
                prefix: try prefixes.next(bytes) ?? .unspecified,
                table: try tables.string(bytes, strings),
                protocolName: try protocols.string(bytes, strings),
                destination: Destination(code: try kinds.code(bytes)),
                isBest: try flags.next(bytes) & 1 != 0,
                nextHops: try hops.nextHops(bytes, lists)
            )
            return OfDaemon(try daemons.string(bytes, strings), route)
        }
    }

    mutating func exports(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [OfDaemon<Export>] {
        let columns = try columns(bytes, section, known: Column.Export.last)
        var daemons = try columns.numbers(Column.Export.daemon, bytes)
        var uplinks = try columns.numbers(Column.Export.uplink, bytes)
        var prefixes = columns.prefixes(Column.Export.prefix, rows)
        var answers = try columns.numbers(Column.Export.answer, bytes, usual: Usual.sent)
        var reasons = try columns.numbers(Column.Export.reason, bytes)
        let strings = self.tables.strings.span
        return try facts(rows) { () throws(WireError) in
            let key = ExportKey(
                uplink: try uplinks.string(bytes, strings),
                prefix: try prefixes.next(bytes) ?? .unspecified
            )
            var answer = ExportAnswer(code: try answers.next(bytes))
            answer.add(reason: try reasons.string(bytes, strings))
            return OfDaemon(try daemons.string(bytes, strings), Export(key, answer))
        }
    }
}
