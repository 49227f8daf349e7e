// SPDX-License-Identifier: Apache-2.0
import Routing

/// The sections that BIRD fills.
extension ReportDecoder {
    mutating func birds(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [OfDaemon<BIRDStatus>] {
        let usual = OfDaemon("", BIRDStatus(condition: .readable, since: now))
        var birds = [OfDaemon<BIRDStatus>](repeating: usual, count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Bird.daemon: try strings(column, rows, bytes) { birds[$0].daemon = $1 }
            case Column.Bird.condition:
                try numbers(column, rows, bytes) {
                    birds[$0].value.condition = BIRDCondition(code: $1)
                }
            case Column.Bird.reason:
                try strings(column, rows, bytes) { birds[$0].value.condition.add(reason: $1) }
            case Column.Bird.since:
                try moments(column, rows, bytes) { birds[$0].value.since = $1 ?? now }
            case Column.Bird.version:
                try strings(column, rows, bytes) { birds[$0].value.version = $1 }
            case Column.Bird.routerID:
                try addresses(column, rows, bytes) { birds[$0].value.routerID = $1 }
            case Column.Bird.lastReboot:
                try strings(column, rows, bytes) { birds[$0].value.lastReboot = $1 }
            case Column.Bird.lastReconfiguration:
                try strings(column, rows, bytes) { birds[$0].value.lastReconfiguration = $1 }
            case Column.Bird.flags:
                try numbers(column, rows, bytes) { row, flags in
                    birds[row].value.isReconfiguring = flags & 1 != 0
                    birds[row].value.isRecovering = flags & 2 != 0
                }
            default: skipped.fields += 1
            }
        }
        return birds
    }

    mutating func statics(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [OfDaemon<BIRDStatic>] {
        let route = BIRDStatic(prefix: unspecified.prefix, protocolName: "", isDormant: false)
        var statics = [OfDaemon<BIRDStatic>](repeating: OfDaemon("", route), count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Static.daemon: try strings(column, rows, bytes) { statics[$0].daemon = $1 }
            case Column.Static.proto:
                try strings(column, rows, bytes) { statics[$0].value.protocolName = $1 }
            case Column.Static.prefix:
                try prefixes(column, rows, bytes) {
                    statics[$0].value.prefix = $1
                }
            case Column.Static.flags:
                try numbers(column, rows, bytes) { statics[$0].value.isDormant = $1 & 1 != 0 }
            case Column.Static.device:
                try strings(column, rows, bytes) {
                    statics[$0].value.device = $1.isEmpty ? nil : $1
                }
            default: skipped.fields += 1
            }
        }
        return statics
    }

    mutating func birdRoutes(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [OfDaemon<BIRDRoute>] {
        let route = BIRDRoute(
            prefix: unspecified.prefix,
            table: "",
            protocolName: "",
            destination: .unicast,
            isBest: true
        )
        var routes = [OfDaemon<BIRDRoute>](repeating: OfDaemon("", route), count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.BIRDRoute.daemon:
                try strings(column, rows, bytes) { routes[$0].daemon = $1 }
            case Column.BIRDRoute.table:
                try strings(column, rows, bytes) { routes[$0].value.table = $1 }
            case Column.BIRDRoute.proto:
                try strings(column, rows, bytes) { routes[$0].value.protocolName = $1 }
            case Column.BIRDRoute.prefix:
                try prefixes(column, rows, bytes) {
                    routes[$0].value.prefix = $1
                }
            case Column.BIRDRoute.destination:
                try numbers(column, rows, bytes) {
                    routes[$0].value.destination = Destination(code: $1)
                }
            case Column.BIRDRoute.flags:
                try numbers(column, rows, bytes) { routes[$0].value.isBest = $1 & 1 != 0 }
            case Column.BIRDRoute.hops:
                try hops(column, rows, bytes) { routes[$0].value.nextHops = $1 }
            default: skipped.fields += 1
            }
        }
        return routes
    }

    mutating func exports(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [OfDaemon<Export>] {
        // A key's parts come in columns of their own: it is put together at the end.
        var uplinks = [String](repeating: "", count: rows)
        var list = [Prefix](repeating: unspecified.prefix, count: rows)
        var daemons = uplinks
        var answers = [ExportAnswer](repeating: .sent, count: rows)
        while let column = try column(bytes, &section) {
            switch column.id {
            case Column.Export.daemon: try strings(column, rows, bytes) { daemons[$0] = $1 }
            case Column.Export.uplink: try strings(column, rows, bytes) { uplinks[$0] = $1 }
            case Column.Export.prefix:
                try prefixes(column, rows, bytes) { list[$0] = $1 }
            case Column.Export.answer:
                try numbers(column, rows, bytes) { answers[$0] = ExportAnswer(code: $1) }
            case Column.Export.reason:
                try strings(column, rows, bytes) { answers[$0].add(reason: $1) }
            default: skipped.fields += 1
            }
        }
        return (0..<rows).map { row in
            let key = ExportKey(uplink: uplinks[row], prefix: list[row])
            return OfDaemon(daemons[row], Export(key, answers[row]))
        }
    }
}
