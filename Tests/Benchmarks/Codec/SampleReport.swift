// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import Wire

/// 40 IPv4 and 10 IPv6 routes, 6 sessions, 20 prefixes exported over each of two uplinks.
enum SampleReport {
    static let daemon = "/run/bird/bird.ctl"

    static func report(now: Timestamp) -> Report {
        var report = Report()
        report.kernel = [KernelStatus(isComplete: true)]
        report.routes = routes()
        var status = BIRDStatus(condition: .readable, since: now + -7_000_000)
        status.version = "2.0.12"
        status.routerID = IPAddress("10.1.0.1")
        status.lastReboot = "2026-11-20 08:11:02.114"
        status.lastReconfiguration = "2026-11-20 08:11:02.114"
        report.birds = [OfDaemon(daemon, status)]
        report.sessions = (0..<6).map { OfDaemon(daemon, session($0, now)) }
        for uplink in 0..<2 {
            for route in report.routes.prefix(20) {
                let key = ExportKey(uplink: "uplink\(uplink)", prefix: route.prefix)
                report.exports.append(OfDaemon(daemon, Export(key, .sent)))
            }
        }
        report.sort()
        return report
    }

    private static func routes() -> [KernelRoute] {
        let own = [NextHop(gateway: IPAddress("10.16.0.1"), device: "cilium_host")]
        let uplinks = (0..<2).map { number in
            [NextHop(gateway: IPAddress("10.1.0.\(254 - number)"), device: "uplink\(number)")]
        }
        let ipv4 = (0..<40).compactMap { number -> KernelRoute? in
            guard let prefix = Prefix("10.16.\(number).0/24") else { return nil }
            let hops = number % 5 == 0 ? own : uplinks[number % 2]
            return KernelRoute(prefix: prefix, proto: 12, nextHops: hops)
        }
        let ipv6 = (0..<10).compactMap { number -> KernelRoute? in
            guard let prefix = Prefix("fd00:10:\(number)::/64") else { return nil }
            return KernelRoute(
                prefix: prefix,
                metric: 1024,
                proto: 12,
                nextHops: uplinks[number % 2]
            )
        }
        return ipv4 + ipv6
    }

    private static func session(_ number: Int, _ now: Timestamp) -> BGPSession {
        let channel = BGPChannel(
            name: "ipv4",
            state: .up,
            imported: 10,
            filtered: 0,
            exported: 20,
            preferred: 10
        )
        return BGPSession(
            name: "uplink\(number)",
            protocolState: .up,
            state: .established,
            neighbor: IPAddress("10.1.0.\(254 - number)"),
            neighborAS: 64512,
            localAS: 64512,
            since: now + Int64(-1_000_000 - number * 777),
            lastError: number == 3 ? "Hold timer expired" : "",
            holdTime: 240,
            channels: [channel]
        )
    }

    // MARK: - As protobuf

    static func message(_ facts: Report, now: Timestamp) -> BenchmarkReport {
        var message = BenchmarkReport()
        message.complete = facts.kernel.contains(where: \.isComplete)
        message.routes = facts.routes.map(route)
        message.daemons = facts.birds.map { bird in
            var daemon = Daemon()
            daemon.socket = bird.daemon
            daemon.sinceAge = UInt64(clamping: now - bird.value.since)
            daemon.version = bird.value.version
            daemon.routerID = Data(bird.value.routerID?.bytes ?? [])
            daemon.lastReboot = bird.value.lastReboot
            daemon.lastReconfiguration = bird.value.lastReconfiguration
            daemon.sessions = facts.sessions.map { session($0.value, now) }
            daemon.exportLists = exportLists(facts)
            return daemon
        }
        return message
    }

    private static func route(_ fact: KernelRoute) -> Route {
        var route = Route()
        route.prefix = Data(fact.prefix.address.bytes)
        route.length = UInt32(fact.prefix.length)
        route.table = fact.table
        route.metric = fact.metric
        route.kind = UInt32(fact.destination.rawValue)
        route.protocol = UInt32(fact.proto)
        route.nextHops = fact.nextHops.map { hop in
            var message = BenchmarkNextHop()
            message.gateway = Data(hop.gateway?.bytes ?? [])
            message.device = hop.device ?? ""
            message.dead = hop.isDead
            return message
        }
        return route
    }

    private static func session(_ fact: BGPSession, _ now: Timestamp) -> Session {
        var session = Session()
        session.name = fact.name
        session.protocolState = UInt32(fact.protocolState.rawValue)
        session.state = UInt32(fact.state.rawValue)
        session.neighbor = Data(fact.neighbor?.bytes ?? [])
        session.neighborAs = fact.neighborAS ?? 0
        session.localAs = fact.localAS ?? 0
        session.sinceAge = fact.since.map { UInt64(clamping: now - $0) } ?? 0
        session.lastError = fact.lastError
        session.holdTime = fact.holdTime ?? 0
        session.channels = fact.channels.map { fact in
            var channel = Channel()
            channel.name = fact.name
            channel.state = UInt32(fact.state.rawValue)
            if let count = fact.imported { channel.imported = count }
            if let count = fact.filtered { channel.filtered = count }
            if let count = fact.exported { channel.exported = count }
            if let count = fact.preferred { channel.preferred = count }
            return channel
        }
        return session
    }

    private static func exportLists(_ facts: Report) -> [ExportList] {
        let uplinks = Set(facts.exports.map(\.value.key.uplink)).sorted()
        return uplinks.map { uplink in
            var list = ExportList()
            list.uplink = uplink
            list.exports = facts.exports.filter { $0.value.key.uplink == uplink }.map { fact in
                var export = BenchmarkExport()
                export.prefix = Data(fact.value.key.prefix.address.bytes)
                export.length = UInt32(fact.value.key.prefix.length)
                export.answer = 1
                return export
            }
            return list
        }
    }
}

// MARK: - As JSON

extension SampleReport {
    /// As `podpath-agent report` would be written by hand: every value under its name.
    static func document(_ facts: Report) -> JSONReport {
        JSONReport(
            complete: facts.kernel.contains(where: \.isComplete),
            routes: facts.routes.map { route in
                JSONReport.Route(
                    prefix: "\(route.prefix)",
                    table: route.table,
                    metric: route.metric,
                    kind: route.destination.name,
                    proto: RouteProtocol.name(route.proto),
                    nextHops: route.nextHops.map {
                        JSONReport.Hop(via: $0.gateway.map { "\($0)" }, device: $0.device)
                    }
                )
            },
            sessions: facts.sessions.map(\.value).map { session in
                JSONReport.Session(
                    name: session.name,
                    state: session.state.name,
                    neighbor: session.neighbor.map { "\($0)" } ?? "",
                    neighborAS: session.neighborAS ?? 0,
                    since: session.since?.milliseconds ?? 0,
                    lastError: session.lastError,
                    channels: session.channels.map {
                        JSONReport.Channel(
                            name: $0.name,
                            state: "UP",
                            imported: $0.imported,
                            filtered: $0.filtered,
                            exported: $0.exported,
                            preferred: $0.preferred
                        )
                    }
                )
            },
            exports: facts.exports.map {
                JSONReport.Export(
                    uplink: $0.value.key.uplink,
                    prefix: "\($0.value.key.prefix)",
                    answer: "sent"
                )
            }
        )
    }
}

struct JSONReport: Codable {
    struct Hop: Codable {
        var via: String?
        var device: String?
    }

    struct Route: Codable {
        var prefix: String
        var table: UInt32
        var metric: UInt32
        var kind: String
        var proto: String
        var nextHops: [Hop]
    }

    struct Channel: Codable {
        var name: String
        var state: String
        var imported: UInt32?
        var filtered: UInt32?
        var exported: UInt32?
        var preferred: UInt32?
    }

    struct Session: Codable {
        var name: String
        var state: String
        var neighbor: String
        var neighborAS: UInt32
        var since: Int64
        var lastError: String
        var channels: [Channel]
    }

    struct Export: Codable {
        var uplink: String
        var prefix: String
        var answer: String
    }

    var complete: Bool
    var routes: [Route]
    var sessions: [Session]
    var exports: [Export]
}
