// SPDX-License-Identifier: Apache-2.0
import BIRD
import Release
import Routing
import Wire

/// What would be reported, as JSON for people: `podpath-agent report`.
enum ReportDocument {
    static func json(_ report: Report, node: String) -> String {
        var report = report
        report.sort()
        return JSONText.object([
            ("node", .string(node)), ("agentVersion", .string(version)),
            ("kernelComplete", .bool(report.kernel.contains(where: \.isComplete))),
            ("watchesConnections", .bool(report.kernel.contains(where: \.watchesConnections))),
            ("links", .list(report.links.map(object))),
            ("addresses", .list(report.addresses.map(object))),
            ("rules", .list(report.rules.map(object))),
            ("kernelRoutes", .list(report.routes.map(object))),
            ("birds", .list(report.birds.map { object($0.daemon, $0.value) })),
            ("sessions", .list(report.sessions.map { object($0.daemon, $0.value) })),
            ("statics", .list(report.statics.map { object($0.daemon, $0.value) })),
            ("birdRoutes", .list(report.birdRoutes.map { object($0.daemon, $0.value) })),
            ("exports", .list(report.exports.map { object($0.daemon, $0.value) })),
        ]).text
    }

    // MARK: - Kernel

    private static func object(_ link: Link) -> JSONText {
        .object([
            ("name", .string(link.name)), ("index", .number(Int64(link.index))),
            ("up", .bool(link.isAdminUp)), ("carrier", .bool(link.hasCarrier)),
            ("mtu", .number(Int64(link.mtu))),
            ("rpFilter", link.reversePathFilter.map { .number(Int64($0.rawValue)) }),
        ])
    }

    private static func object(_ address: LinkAddress) -> JSONText {
        .object([
            ("device", .string(address.device)),
            ("address", .string("\(address.address)/\(address.length)")),
        ])
    }

    private static func object(_ rule: RoutingRule) -> JSONText {
        .object([
            ("family", .string(rule.family == .ipv4 ? "inet" : "inet6")),
            ("priority", .number(Int64(rule.priority))),
            ("action", .string("\(rule.action)")), ("table", .number(Int64(rule.table))),
            ("from", rule.source.map { .string($0.description) }),
            ("to", rule.destination.map { .string($0.description) }),
            ("selectors", rule.selectors.isEmpty ? nil : .number(Int64(rule.selectors.rawValue))),
        ])
    }

    private static func object(_ route: KernelRoute) -> JSONText {
        .object([
            ("prefix", .string(route.prefix.description)), ("table", .number(Int64(route.table))),
            ("metric", .number(Int64(route.metric))),
            ("destination", .string(route.destination.name)),
            ("protocol", .string(RouteProtocol.name(route.proto))),
            ("nextHops", .list(route.nextHops.map { .string($0.description) })),
        ])
    }

    // MARK: - BIRD

    private static func object(_ daemon: String, _ status: BIRDStatus) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("condition", .string(status.condition.words)),
            ("version", .nonEmpty(status.version)),
            ("routerID", status.routerID.map { .string($0.description) }),
            ("lastReboot", .nonEmpty(status.lastReboot)),
            ("lastReconfiguration", .nonEmpty(status.lastReconfiguration)),
            ("reconfiguring", status.isReconfiguring ? .bool(true) : nil),
            ("recovering", status.isRecovering ? .bool(true) : nil),
            ("staticDown", status.isStaticDown ? .bool(true) : nil),
        ])
    }

    private static func object(_ daemon: String, _ session: BGPSession) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("name", .string(session.name)),
            ("state", .string(session.state.name)),
            ("protocolState", .string("\(session.protocolState)")),
            ("neighbor", session.neighbor.map { .string($0.description) }),
            ("neighborAS", session.neighborAS.map { .number(Int64($0)) }),
            ("localAS", session.localAS.map { .number(Int64($0)) }),
            ("disabled", .bool(session.isDisabled)),
            ("peerRestarting", session.isPeerRestarting ? .bool(true) : nil),
            ("holdTime", session.holdTime.map { .number(Int64($0)) }),
            ("peerSilent", session.silentSince == nil ? nil : .bool(true)),
            ("bfd", .nonEmpty(session.bfdState)), ("lastError", .nonEmpty(session.lastError)),
            ("firstError", .nonEmpty(session.firstError)), ("message", .nonEmpty(session.message)),
            ("channels", .list(session.channels.map(object))),
        ])
    }

    private static func object(_ channel: BGPChannel) -> JSONText {
        .object([
            ("name", .string(channel.name)), ("state", .string("\(channel.state)")),
            ("imported", channel.imported.map { .number(Int64($0)) }),
            ("filtered", channel.filtered.map { .number(Int64($0)) }),
            ("exported", channel.exported.map { .number(Int64($0)) }),
            ("preferred", channel.preferred.map { .number(Int64($0)) }),
            ("limitHit", channel.limitHit ? .bool(true) : nil),
            ("recovering", channel.isRecovering ? .bool(true) : nil),
        ])
    }

    private static func object(_ daemon: String, _ route: BIRDStatic) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("prefix", .string(route.prefix.description)),
            ("protocol", .string(route.protocolName)), ("dormant", .bool(route.isDormant)),
            ("device", route.device.map { .string($0) }),
        ])
    }

    private static func object(_ daemon: String, _ route: BIRDRoute) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("prefix", .string(route.prefix.description)),
            ("protocol", .string(route.protocolName)), ("table", .string(route.table)),
            ("destination", .string(route.destination.name)), ("best", .bool(route.isBest)),
            ("nextHops", .list(route.nextHops.map { .string($0.description) })),
        ])
    }

    private static func object(_ daemon: String, _ export: Export) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("prefix", .string(export.key.prefix.description)),
            ("uplink", .string(export.key.uplink)), ("answer", .string("\(export.answer)")),
        ])
    }
}
