// SPDX-License-Identifier: Apache-2.0
import Routing
import Wire

/// What the agent of a healthy node reports: 50 routes, 6 sessions, its pod CIDR exported over each.
enum NodeReport {
    static let daemon = "/run/bird/bird.ctl"

    /// Node `index` owns 10.X.Y.0/24 of 10.0.0.0/8.
    static func podCIDR(_ index: Int) -> Prefix {
        let bits = UInt32(10 << 24 | (index & 0xffff) << 8)
        return Prefix(canonical: IPAddress(ipv4: bits), length: 24)
    }

    static func name(_ index: Int) -> String {
        let digits = String(index)
        return "node-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// `round` moves what moves on a healthy node: the counters of its sessions.
    static func facts(_ index: Int, round: UInt32, began: Timestamp) -> Report {
        var report = Report()
        report.kernel = [KernelStatus(isComplete: true)]
        report.links = ["cilium_host", "uplink0", "uplink1"].enumerated().map { number, name in
            Link(
                name: name,
                index: UInt32(number + 2),
                isAdminUp: true,
                hasCarrier: true,
                mtu: 1500
            )
        }
        report.routes = routes(index)
        addBIRD(index, round, began, &report)
        report.sort()
        return report
    }

    private static func routes(_ index: Int) -> [KernelRoute] {
        let own = KernelRoute(
            prefix: podCIDR(index),
            proto: 2,
            nextHops: [NextHop(device: "cilium_host")]
        )
        let uplinks = (0..<2).map { number in
            let gateway = IPAddress(ipv4: 0xac10_00fe - UInt32(number))
            return [NextHop(gateway: gateway, device: "uplink\(number)")]
        }
        let others = (1...49).map { distance in
            let prefix = podCIDR(index + distance)
            return KernelRoute(prefix: prefix, metric: 32, proto: 12, nextHops: uplinks[index & 1])
        }
        return [own] + others
    }

    private static func addBIRD(
        _ index: Int,
        _ round: UInt32,
        _ began: Timestamp,
        _ report: inout Report
    ) {
        let own = podCIDR(index)
        var status = BIRDStatus(condition: .readable, since: began)
        status.version = "2.0.12"
        status.routerID = IPAddress(ipv4: 0x0a01_0001 + UInt32(index))
        status.lastReboot = "2026-11-20 08:11:02.114"
        status.lastReconfiguration = "2026-11-20 08:11:02.114"
        report.birds = [OfDaemon(daemon, status)]
        let route = BIRDStatic(prefix: own, protocolName: "static1", isDormant: false)
        report.statics = [OfDaemon(daemon, route)]
        let best = BIRDRoute(
            prefix: own,
            table: "master4",
            protocolName: "static1",
            destination: .unicast,
            isBest: true,
            nextHops: [NextHop(device: "cilium_host")]
        )
        report.birdRoutes = [OfDaemon(daemon, best)]
        for number in 0..<6 {
            let session = session(number, round, began)
            report.sessions.append(OfDaemon(daemon, session))
            let key = ExportKey(uplink: session.name, prefix: own)
            report.exports.append(OfDaemon(daemon, Export(key, .sent)))
        }
    }

    private static func session(
        _ number: Int,
        _ round: UInt32,
        _ began: Timestamp
    ) -> BGPSession {
        let channel = BGPChannel(
            name: "ipv4",
            state: .up,
            imported: 49 + round,
            filtered: 0,
            exported: 1,
            preferred: 49 + round
        )
        return BGPSession(
            name: "uplink\(number)",
            protocolState: .up,
            state: .established,
            neighbor: IPAddress(ipv4: 0xac10_00fe - UInt32(number)),
            neighborAS: 64512,
            localAS: 64512,
            since: began,
            holdTime: 240,
            channels: [channel]
        )
    }
}
