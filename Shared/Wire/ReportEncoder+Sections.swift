// SPDX-License-Identifier: Apache-2.0
import Routing

extension ReportEncoder {
    /// All sections of a report; `isKeysOnly` where its facts are gone.
    mutating func write(_ report: Report, isKeysOnly: Bool = false) {
        let counts = [
            report.kernel.count, report.links.count, report.routes.count, report.birds.count,
            report.sessions.count, report.statics.count, report.birdRoutes.count,
            report.exports.count, report.addresses.count, report.rules.count,
        ]
        sections(counts.count { $0 > 0 })
        write(report.kernel, isKeysOnly)
        write(report.links, isKeysOnly)
        write(report.routes, isKeysOnly)
        write(report.birds, isKeysOnly)
        write(report.sessions, isKeysOnly)
        write(report.statics, isKeysOnly)
        write(report.birdRoutes, isKeysOnly)
        write(report.exports, isKeysOnly)
        write(report.addresses)
        write(report.rules)
    }

    private mutating func write(_ rows: [KernelStatus], _ isKeysOnly: Bool) {
        section(.kernel, rows.count) { encoder in
            guard !isKeysOnly else { return }
            encoder.numbers(Column.Kernel.flags, rows.count) { row in
                (rows[row].isComplete ? 1 : 0) | (rows[row].watchesConnections ? 2 : 0)
            }
        }
    }

    private mutating func write(_ rows: [Link], _ isKeysOnly: Bool) {
        section(.links, rows.count) { encoder in
            encoder.strings(Column.Link.name, rows.count) { rows[$0].name }
            guard !isKeysOnly else { return }
            encoder.numbers(Column.Link.index, rows.count) { UInt64(rows[$0].index) }
            encoder.numbers(Column.Link.flags, rows.count, usual: Usual.linkUp) { row in
                (rows[row].isAdminUp ? 1 : 0) | (rows[row].hasCarrier ? 2 : 0)
            }
            encoder.numbers(Column.Link.mtu, rows.count) { UInt64(rows[$0].mtu) }
            encoder.optionals(Column.Link.reversePathFilter, rows.count) { row in
                rows[row].reversePathFilter.map { UInt32($0.rawValue) }
            }
        }
    }

    private mutating func write(_ rows: [KernelRoute], _ isKeysOnly: Bool) {
        section(.routes, rows.count) { encoder in
            encoder.prefixes(Column.Route.prefix, rows.count) { rows[$0].prefix }
            encoder.numbers(Column.Route.table, rows.count, usual: Usual.mainTable) {
                UInt64(rows[$0].table)
            }
            encoder.numbers(Column.Route.metric, rows.count) { UInt64(rows[$0].metric) }
            guard !isKeysOnly else { return }
            encoder.numbers(Column.Route.destination, rows.count, usual: Usual.unicast) {
                UInt64(rows[$0].destination.rawValue)
            }
            encoder.numbers(Column.Route.proto, rows.count) { UInt64(rows[$0].proto) }
            encoder.hops(Column.Route.hops, rows.count) { rows[$0].nextHops }
        }
    }

    private mutating func write(_ rows: [OfDaemon<BIRDStatus>], _ isKeysOnly: Bool) {
        section(.birds, rows.count) { encoder in
            encoder.strings(Column.Bird.daemon, rows.count) { rows[$0].daemon }
            guard !isKeysOnly else { return }
            encoder.numbers(Column.Bird.condition, rows.count) { rows[$0].value.condition.code }
            encoder.strings(Column.Bird.reason, rows.count) { rows[$0].value.condition.reason }
            encoder.ages(Column.Bird.since, rows.count) { rows[$0].value.since }
            encoder.strings(Column.Bird.version, rows.count) { rows[$0].value.version }
            encoder.addresses(Column.Bird.routerID, rows.count) { rows[$0].value.routerID }
            encoder.strings(Column.Bird.lastReboot, rows.count) { rows[$0].value.lastReboot }
            encoder.strings(Column.Bird.lastReconfiguration, rows.count) {
                rows[$0].value.lastReconfiguration
            }
            encoder.numbers(Column.Bird.flags, rows.count) { row in
                (rows[row].value.isReconfiguring ? 1 : 0) | (rows[row].value.isRecovering ? 2 : 0)
                    | (rows[row].value.isStaticDown ? 4 : 0)
            }
        }
    }

    private mutating func write(_ rows: [OfDaemon<BIRDStatic>], _ isKeysOnly: Bool) {
        section(.statics, rows.count) { encoder in
            encoder.strings(Column.Static.daemon, rows.count) { rows[$0].daemon }
            encoder.strings(Column.Static.proto, rows.count) { rows[$0].value.protocolName }
            encoder.prefixes(Column.Static.prefix, rows.count) { rows[$0].value.prefix }
            guard !isKeysOnly else { return }
            encoder.numbers(Column.Static.flags, rows.count) { rows[$0].value.isDormant ? 1 : 0 }
            encoder.strings(Column.Static.device, rows.count) { rows[$0].value.device ?? "" }
        }
    }

    private mutating func write(_ rows: [OfDaemon<BIRDRoute>], _ isKeysOnly: Bool) {
        section(.birdRoutes, rows.count) { encoder in
            encoder.strings(Column.BIRDRoute.daemon, rows.count) { rows[$0].daemon }
            encoder.strings(Column.BIRDRoute.table, rows.count) { rows[$0].value.table }
            encoder.strings(Column.BIRDRoute.proto, rows.count) { rows[$0].value.protocolName }
            encoder.prefixes(Column.BIRDRoute.prefix, rows.count) { rows[$0].value.prefix }
            guard !isKeysOnly else { return }
            encoder.numbers(Column.BIRDRoute.destination, rows.count, usual: Usual.unicast) {
                UInt64(rows[$0].value.destination.rawValue)
            }
            encoder.numbers(Column.BIRDRoute.flags, rows.count, usual: Usual.best) {
                rows[$0].value.isBest ? 1 : 0
            }
            encoder.hops(Column.BIRDRoute.hops, rows.count) { rows[$0].value.nextHops }
        }
    }

    private mutating func write(_ rows: [OfDaemon<Export>], _ isKeysOnly: Bool) {
        section(.exports, rows.count) { encoder in
            encoder.strings(Column.Export.daemon, rows.count) { rows[$0].daemon }
            encoder.strings(Column.Export.uplink, rows.count) { rows[$0].value.key.uplink }
            encoder.prefixes(Column.Export.prefix, rows.count) { rows[$0].value.key.prefix }
            guard !isKeysOnly else { return }
            encoder.numbers(Column.Export.answer, rows.count, usual: Usual.sent) {
                rows[$0].value.answer.code
            }
            encoder.strings(Column.Export.reason, rows.count) { rows[$0].value.answer.reason }
        }
    }

    /// All of an address is its key.
    private mutating func write(_ rows: [LinkAddress]) {
        section(.addresses, rows.count) { encoder in
            encoder.strings(Column.Address.device, rows.count) { rows[$0].device }
            encoder.addresses(Column.Address.address, rows.count) { rows[$0].address }
            encoder.numbers(Column.Address.length, rows.count) { UInt64(rows[$0].length) }
        }
    }

    /// All of a rule is its key.
    private mutating func write(_ rows: [RoutingRule]) {
        section(.rules, rows.count) { encoder in
            encoder.numbers(Column.Rule.family, rows.count, usual: Usual.ipv4) {
                UInt64(rows[$0].family.rawValue)
            }
            encoder.numbers(Column.Rule.priority, rows.count) { UInt64(rows[$0].priority) }
            encoder.numbers(Column.Rule.action, rows.count, usual: Usual.lookup) {
                UInt64(rows[$0].action.rawValue)
            }
            encoder.numbers(Column.Rule.table, rows.count, usual: Usual.mainTable) {
                UInt64(rows[$0].table)
            }
            encoder.prefixes(Column.Rule.source, rows.count) { rows[$0].source }
            encoder.prefixes(Column.Rule.destination, rows.count) { rows[$0].destination }
            encoder.numbers(Column.Rule.selectors, rows.count) {
                UInt64(rows[$0].selectors.rawValue)
            }
        }
    }
}
