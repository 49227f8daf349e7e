// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import VendorJSON

private struct MembersDocument: Encodable {
    struct Member: Encodable {
        var pool: String
        var address: String?
        var routeDomain: Int?
        var port: Int
        var availability: String
        var enabled: String
        var session: String
        var monitor: String
        var reason: String
        var up: Bool?

        init(_ member: PoolMember) {
            pool = member.pool
            address = member.address?.description
            routeDomain = member.routeDomain
            port = member.port
            availability = member.availability
            enabled = member.enabled
            session = member.session
            monitor = member.monitor
            reason = member.reason
            up = member.isUp
        }

        private enum CodingKeys: CodingKey {
            case pool, address, routeDomain, port, availability, enabled, session, monitor, reason,
                up
        }

        /// `up` is written even when the device does not know: null is an answer.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(pool, forKey: .pool)
            try container.encode(address, forKey: .address)
            try container.encodeIfPresent(routeDomain, forKey: .routeDomain)
            try container.encode(port, forKey: .port)
            try container.encode(availability, forKey: .availability)
            try container.encode(enabled, forKey: .enabled)
            try container.encode(session, forKey: .session)
            try container.encode(monitor, forKey: .monitor)
            try container.encode(reason, forKey: .reason)
            try container.encode(up, forKey: .up)
        }
    }

    var members: [Member]
    var problems: [String]
}

private struct PoolsDocument: Encodable {
    struct Pool: Encodable {
        var name: String
        var partition: String
        var monitor: String
        var memberCount: Int?
    }

    var pools: [Pool]
    var problems: [String]
}

/// As any route table is printed, and what only a BIG-IP has beside it.
private struct BigIPRoutesDocument: Encodable {
    struct Route: Encodable {
        var name: String
        var prefix: String
        var vrf: String
        var routeDomain: Int?
        var nextHops: [String] = []
        var `protocol` = "static"
        var best = true
        var target: String

        init(_ route: LoadBalancerRoute) {
            name = route.name
            prefix = route.prefix.description
            vrf = route.routeDomain.map { "\($0)" } ?? "default"
            routeDomain = route.routeDomain
            switch route.target {
            case .gateway(let address):
                nextHops = [address.description]
                target = "gateway \(address)"
            case .pool(let name): target = "pool \(name)"
            case .interface(let name): target = "interface \(name)"
            case .blackhole: target = "blackhole"
            case .other(let words):
                best = false
                target = words
            }
        }
    }

    var routes: [Route]
    var problems: [String]
}

private struct VirtualsDocument: Encodable {
    struct Virtual: Encodable {
        var name: String
        var destination: String
        var pool: String?
        var availability: String
        var enabled: String
        var reason: String
    }

    var virtuals: [Virtual]
    var problems: [String]
}

private func text(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
}

/// Members of either form: statistics, or the configuration's list.
package func inspectMembers(_ bytes: [UInt8]) throws -> String {
    let answer =
        try isStatistics(bytes)
        ? try decodeMemberStats(bytes, pool: "") : try decodeMembers(bytes, pool: "")
    return try text(
        MembersDocument(
            members: answer.members.map { .init($0) },
            problems: answer.problems
                + partOfList(try decodePage(bytes), rows: answer.members.count)
        )
    )
}

package func inspectPools(_ bytes: [UInt8]) throws -> String {
    let answer = try decodePools(bytes)
    return try text(
        PoolsDocument(
            pools: answer.pools.map {
                .init(
                    name: $0.fullPath,
                    partition: $0.partition,
                    monitor: trimmed($0.monitor),
                    memberCount: $0.memberCount
                )
            },
            problems: answer.problems + partOfList(answer.page, rows: answer.pools.count)
        )
    )
}

package func inspectBigIPRoutes(_ bytes: [UInt8]) throws -> String {
    let answer = try decodeRoutes(bytes)
    return try text(
        BigIPRoutesDocument(
            routes: answer.routes.map { .init($0) },
            problems: answer.problems
                + partOfList(try decodePage(bytes), rows: answer.routes.count)
        )
    )
}

private func isStatistics(_ bytes: [UInt8]) throws(BigIPDecodingError) -> Bool {
    let root = try JSONValue.answer(bytes)
    return root["entries"] != nil || root.kind.hasSuffix("stats")
}

package func inspectVirtuals(_ bytes: [UInt8]) throws -> String {
    let virtuals: [VirtualServer]
    let problems: [String]
    if try isStatistics(bytes) {
        (virtuals, problems) = try decodeVirtualStats(bytes)
    } else {
        (virtuals, _, problems) = try decodeVirtualRows(bytes, states: [:])
    }
    return try text(
        VirtualsDocument(
            virtuals: virtuals.map {
                .init(
                    name: $0.name,
                    destination: $0.destination,
                    pool: $0.pool,
                    availability: $0.availability,
                    enabled: $0.enabled,
                    reason: $0.reason
                )
            },
            problems: problems + partOfList(try decodePage(bytes), rows: virtuals.count)
        )
    )
}
