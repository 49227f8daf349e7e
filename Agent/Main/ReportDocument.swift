// SPDX-License-Identifier: Apache-2.0
import BIRD
import Routing
import Wire

/// What would be reported, as JSON for people: `podpath-agent report`.
enum ReportDocument {
    static func json(_ facts: [Fact], node: String) -> String {
        var groups: [String: [(String, JSONText)]] = [:]
        var isComplete = false
        for fact in facts {
            if case .kernel(let complete) = fact { isComplete = complete }
            if let (group, key, object) = entry(fact) {
                groups[group, default: []].append((key, object))
            }
        }
        func list(_ name: String) -> JSONText {
            .list((groups[name] ?? []).sorted { $0.0 < $1.0 }.map(\.1))
        }
        return JSONText.object([
            ("node", .string(node)), ("agentVersion", .string(agentVersion)),
            ("kernelComplete", .bool(isComplete)), ("links", list("links")),
            ("kernelRoutes", list("kernelRoutes")), ("birds", list("birds")),
            ("sessions", list("sessions")), ("statics", list("statics")),
            ("birdRoutes", list("birdRoutes")), ("exports", list("exports")),
        ]).text
    }

    private static func entry(_ fact: Fact) -> (group: String, key: String, JSONText)? {
        switch fact {
        case .kernel: return nil
        case .link(let link): return ("links", link.name, object(link))
        case .kernelRoute(let route):
            return ("kernelRoutes", "\(route.prefix) \(route.table) \(route.metric)", object(route))
        case .bird(let daemon, let status): return ("birds", daemon, object(daemon, status))
        case .session(let daemon, let session):
            return ("sessions", "\(daemon) \(session.name)", object(daemon, session))
        case .birdStatic(let daemon, let route):
            return ("statics", "\(daemon) \(route.prefix)", object(daemon, route))
        case .birdRoute(let daemon, let route):
            return ("birdRoutes", "\(daemon) \(route.prefix)", object(daemon, route))
        case .export(let daemon, let key, let answer):
            let object = JSONText.object([
                ("daemon", .string(daemon)), ("prefix", .string(key.prefix.description)),
                ("uplink", .string(key.uplink)), ("answer", .string("\(answer)")),
            ])
            return ("exports", "\(daemon) \(key.prefix) \(key.uplink)", object)
        }
    }

    private static func object(_ link: Link) -> JSONText {
        .object([
            ("name", .string(link.name)), ("index", .number(Int64(link.index))),
            ("up", .bool(link.isAdminUp)), ("carrier", .bool(link.hasCarrier)),
            ("mtu", .number(Int64(link.mtu))),
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

    private static func object(_ daemon: String, _ status: BIRDStatus) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("condition", .string("\(status.condition)")),
            ("version", .nonEmpty(status.version)),
            ("routerID", status.routerID.map { .string($0.description) }),
            ("lastReboot", .nonEmpty(status.lastReboot)),
        ])
    }

    private static func object(_ daemon: String, _ session: BGPSession) -> JSONText {
        .object([
            ("daemon", .string(daemon)), ("name", .string(session.name)),
            ("state", .string(session.state.name)),
            ("protocolState", .string("\(session.protocolState)")),
            ("neighbor", session.neighbor.map { .string($0.description) }),
            ("neighborAS", session.neighborAS.map { .number(Int64($0)) }),
            ("disabled", .bool(session.isDisabled)), ("lastError", .nonEmpty(session.lastError)),
            ("message", .nonEmpty(session.message)),
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
}
