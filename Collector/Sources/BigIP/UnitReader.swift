// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Synchronization

/// The requests to one unit, each an allow-listed GET, one after the other.
///
/// Anything that cannot be read whole throws: a partial list would look like absence.
struct UnitReader: Sendable {
    private let ask: @Sendable (String) async throws -> [UInt8]
    private let count = RequestCount()

    /// Vendor tools that asked for more at once, with the members of each, ran into time-outs.
    static let pageSize = 50
    /// Pools and virtual servers alone, or their statistics: some hundred kilobytes.
    private static let plainPage = 200
    /// Statistics of that many members are about 1 MB.
    private static let memberPage = 500

    init(client: BigIPClient) {
        self.init { try await client.get($0) }
    }

    /// `ask` gives the body of the answer to a path below the unit's address.
    init(_ ask: @escaping @Sendable (String) async throws -> [UInt8]) { self.ask = ask }

    /// Requests so far.
    var sent: Int { count.value.load(ordering: .relaxed) }

    // MARK: - The unit

    func isRunning() async throws {
        guard try decodeMCPState(try await get("sys/mcp-state")) else {
            throw BigIPRequestError(description: "mcpd is not running: the unit starts or stops")
        }
    }

    func device() async throws -> BigIPDevice {
        try decodeDevice(try await get("cm/device"))
    }

    /// Empty where the account may not see it: it only explains.
    func synchronization() async throws -> String {
        try await optional { try decodeSynchronization(try await get("cm/sync-status")) } ?? ""
    }

    /// Nil where it is not to be had, for reasons that have nothing to do with the unit's health.
    func optional<Value>(_ read: () async throws -> Value) async throws -> Value? {
        do {
            return try await permitted(read)
        } catch is BigIPDecodingError {
            return nil
        }
    }

    /// Nil where the account may not ask, or the unit does not know it. An answer that cannot be read throws.
    func permitted<Value>(_ read: () async throws -> Value) async throws -> Value? {
        do {
            return try await read()
        } catch let error as BigIPRequestError {
            switch error.failure?.action {
            case .credentials, .absentMaybe: return nil
            default: throw error
            }
        }
    }

    /// Nil where the unit says that there is no such thing. Throws where that cannot be told.
    func unlessAbsent<Value>(_ read: () async throws -> Value) async throws -> Value? {
        do {
            return try await read()
        } catch let error as BigIPRequestError where error.failure?.action == .absentMaybe {
            return nil
        }
    }

    // MARK: - Pools

    func pools(of partition: String) async throws -> [BigIPPool] {
        let rows = try await list("ltm/pool", filter: partition, size: Self.plainPage) { body in
            let answer = try decodePools(body)
            try whole(answer.problems, "ltm/pool")
            return PageOf(rows: byName(answer.pools, \.fullPath), page: answer.page)
        }
        return rows.values.sorted { $0.fullPath < $1.fullPath }
    }

    func poolStatistics() async throws -> [String: PoolStatistics] {
        try await list("ltm/pool/stats", filter: nil, size: Self.plainPage) { body in
            let answer = try decodePoolStatistics(body)
            return PageOf(rows: answer.pools, page: answer.page)
        }
    }

    /// `count` is how many are to be expected, where that is known: only large pools are read in pages.
    func members(of pool: String, count: Int?) async throws -> [PoolMember] {
        func decode(_ body: [UInt8]) throws -> PageOf<PoolMember> {
            let answer = try decodeMemberPage(body, pool: pool)
            try whole(answer.problems, pool)
            return answer.page
        }
        var list = PagedList<PoolMember>(pool, size: Self.memberPage)
        guard (count ?? 0) > Self.memberPage else {
            let page = try decode(try await asked(memberStatsPath(pool: pool)))
            guard !page.page.hasMore else { throw BigIPDoubt(description: "\(pool): a part of it") }
            return sorted(page.rows)
        }
        var isMore = true
        while isMore {
            let path = "\(memberStatsPath(pool: pool))?\(list.query)"
            isMore = try list.take(try decode(try await asked(path)))
        }
        return sorted(list.rows)
    }

    private func sorted(_ rows: [String: PoolMember]) -> [PoolMember] {
        rows.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The members of the pool's configuration that have an address.
    func sockets(of pool: String) async throws -> Set<ServiceEndpoints.Socket> {
        let path = "ltm/pool/\(pathName(pool))/members"
        let rows = try await list(path, filter: nil, size: Self.memberPage) { body in
            let answer = try decodeMemberRows(body, pool: pool)
            try whole(answer.problems, pool)
            return answer.page
        }
        return Set(rows.values.compactMap(\.socket))
    }

    /// Whether the pool is there when it is asked for by its full path. Throws where that cannot be told.
    func exists(_ pool: String) async throws -> Bool {
        let path = "ltm/pool/\(pathName(pool))"
        return try await unlessAbsent { try decodePools(try await get(path)) } != nil
    }

    /// How many members the pool's own statistics tell; nil where they tell none.
    func memberCount(of pool: String) async throws -> Int? {
        let answer = try decodePoolStatistics(try await get("ltm/pool/\(pathName(pool))/stats"))
        return answer.pools[pool].map(\.members).flatMap { $0 < 0 ? nil : $0 }
    }

    // MARK: - Monitors, virtual servers, network

    /// Time-outs in milliseconds by full path, of one type of monitor; none where the unit does not know it.
    func monitors(of type: String) async throws -> [String: Int64] {
        try await optional { try decodeMonitors(try await get("ltm/monitor/\(type)")) } ?? [:]
    }

    func virtualStates() async throws -> [String: VirtualState] {
        try await list("ltm/virtual/stats", filter: nil, size: Self.plainPage) { body in
            let answer = try decodeVirtualStates(body)
            return PageOf(rows: answer.states, page: answer.page)
        }
    }

    /// In no state yet.
    func virtualServers(of partition: String) async throws -> [VirtualServer] {
        let rows = try await list("ltm/virtual", filter: partition, size: Self.plainPage) { body in
            let answer = try decodeVirtualRows(body, states: [:])
            try whole(answer.problems, "ltm/virtual")
            return PageOf(rows: byName(answer.servers, \.name), page: answer.page)
        }
        return rows.values.sorted { $0.name < $1.name }
    }

    /// By partition and address; none where the account may not see them.
    func virtualAddresses(of partition: String) async throws -> [VirtualAddressKey: VirtualAddress]
    {
        let rows = try await permitted {
            try await list("ltm/virtual-address", filter: partition, size: Self.plainPage) { body in
                try decodeVirtualAddresses(body)
            }
        }
        let all = (rows ?? [:]).values.compactMap { row in
            VirtualAddressKey(partition: partition, row.address).map { ($0, row.value) }
        }
        return Dictionary(all) { first, _ in first }
    }

    /// Names of all partitions that the account may see; nil where it may not ask.
    func partitions() async throws -> Set<String>? {
        try await defaultRouteDomains().map { Set($0.keys) }
    }

    private func defaultRouteDomains() async throws -> [String: Int]? {
        try await optional { try decodeDefaultRouteDomains(try await get("auth/partition")) }
    }

    /// The route domain of the partitions' addresses, and those whose routes it may use besides; nil where
    /// that could not be read.
    func routeDomains(of partitions: [String]) async throws -> Set<Int>? {
        let defaults = try await defaultRouteDomains()
        let parents = try await optional {
            try decodeRouteDomains(try await get("net/route-domain"))
        }
        guard let defaults, let parents else { return nil }
        return ancestry(of: partitions.compactMap { defaults[$0] }.first ?? 0, parents)
    }

    /// Routes and connected networks of those route domains.
    func network(
        of domains: Set<Int>
    ) async throws -> (routes: [LoadBalancerRoute], networks: [Prefix]) {
        let routes = try await list("net/route", filter: nil) { body in
            let answer = try decodeRoutes(body)
            try whole(answer.problems, "net/route")
            return PageOf(rows: byName(answer.routes, \.name), page: try decodePage(body))
        }
        let networks = try await list("net/self", filter: nil) { body in
            let answer = try decodeSelfIPs(body)
            try whole(answer.problems, "net/self")
            return PageOf(rows: byName(answer.networks, \.name), page: try decodePage(body))
        }
        return (
            routes.values.filter { domains.contains($0.routeDomain ?? 0) }
                .sorted { ($0.prefix, $0.name) < ($1.prefix, $1.name) },
            Set(networks.values.filter { domains.contains($0.routeDomain ?? 0) }.map(\.prefix))
                .sorted()
        )
    }

    /// What the unit uses now, of those route domains; learned routes are nowhere else.
    func liveRoutes(of domains: Set<Int>) async throws -> [LoadBalancerRoute] {
        let answer = try decodeLiveRoutes(try await get("net/route/stats"))
        try whole(answer.problems, "net/route/stats")
        return answer.routes.filter { domains.contains($0.routeDomain ?? 0) }
    }

    // MARK: - Requests

    /// `options` stand before the page's, each with its `&`.
    func list<Row>(
        _ path: String,
        filter partition: String?,
        size: Int = UnitReader.pageSize,
        options: String = "",
        _ decode: ([UInt8]) throws -> PageOf<Row>
    ) async throws -> [String: Row] {
        let filter = partition.map { "$filter=partition%20eq%20\(escaped($0))&" } ?? ""
        var list = PagedList<Row>(path, size: size)
        var isMore = true
        while isMore {
            isMore = try list.take(
                try decode(try await get("\(path)?\(filter)\(options)\(list.query)"))
            )
        }
        return list.rows
    }

    func get(_ path: String) async throws -> [UInt8] {
        try await asked("/mgmt/tm/" + path)
    }

    private func asked(_ path: String) async throws -> [UInt8] {
        count.value.add(1, ordering: .relaxed)
        return try await ask(path)
    }

    /// A row that cannot be read would look absent: then the answer proves nothing.
    private func whole(_ problems: [String], _ what: String) throws {
        guard let problem = problems.first else { return }
        throw BigIPDoubt(description: "\(what): \(problem)")
    }

    private func byName<Row>(_ rows: [Row], _ name: (Row) -> String) -> [String: Row] {
        Dictionary(rows.map { (name($0), $0) }) { _, new in new }
    }

    private func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }
}

private final class RequestCount: Sendable {
    let value = Atomic(0)
}

/// The unit answered, and part of what it said cannot be read.
struct BigIPDoubt: Error, CustomStringConvertible {
    let description: String
}

/// A route domain may use its parents' routes.
private func ancestry(of domain: Int, _ parents: [Int: Int]) -> Set<Int> {
    var (all, next) = (Set<Int>(), Optional(domain))
    while let domain = next, all.insert(domain).inserted { next = parents[domain] }
    return all
}
