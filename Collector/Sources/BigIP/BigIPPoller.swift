// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
package import Routing

/// Reads one BIG-IP unit in a round, request by request, and believes only a complete round.
///
/// 1. sys/mcp-state must be running: a restarting unit answers 404 and empty lists.
/// 2. cm/device: the unit's own role.
/// 3. Pools of the partitions, then each pool's members/stats by full path.
/// 4. net/route and net/self, monitors' time-outs, virtual servers.
/// Anything unreadable fails the round: a partial list would look like absence.
package struct BigIPPoller: Sendable {
    package let name: String
    package let unit: String
    private let client: BigIPClient
    private let partitions: [String]
    private let period: Int64

    /// Rows a page: vendor tools that asked for more ran into time-outs.
    private static let pageSize = 50
    /// 5,000 pools of a partition; past that paging does not end.
    private static let pageLimit = 100

    package init(
        name: String,
        unit: String,
        client: BigIPClient,
        partitions: [String],
        period: Int64
    ) {
        self.name = name
        self.unit = unit
        self.client = client
        self.partitions = partitions
        self.period = period
    }

    /// Polls until cancelled. `pause` waits that many milliseconds, or less when a hint came.
    package func run(
        clock: @Sendable () -> Timestamp,
        pause: @Sendable (Int64) async -> Void,
        deliver: @Sendable (FactUpdate) -> Void
    ) async {
        await PollSchedule.run(period: period, clock: clock, pause: pause) {
            let began = clock()
            let result = await read()
            deliver(.loadBalancerRead(name: name, unit: unit, result, took: clock() - began))
            return result.isGood
        }
        await client.close()
    }

    /// One round: the table, or why there is none.
    package func read() async -> ReadResult<LoadBalancerTable> {
        do {
            return .read(try await round())
        } catch {
            return .failed("\(error)")
        }
    }

    private func round() async throws -> LoadBalancerTable {
        guard try decodeMCPState(try await get("sys/mcp-state")) else {
            throw BigIPRequestError(
                description: "mcpd is not running: the unit starts or stops",
                failure: nil
            )
        }
        var table = LoadBalancerTable()
        table.role = try decodeDeviceRole(try await get("cm/device"))
        var monitorNames: Set<String> = []
        for partition in partitions {
            table.partitions.insert(partition)
            for pool in try await pools(of: partition) {
                table.pools.insert(pool.fullPath)
                let body = try await get(memberStatsPath(pool: pool.fullPath), isFullPath: true)
                let answer = try decodeMemberStats(body, pool: pool.fullPath)
                try whole(answer.problems, pool.fullPath)
                table.members += answer.members
                monitorNames.formUnion(pool.monitor.split(separator: " ").map(String.init))
            }
            table.virtualServers += try await virtualServers(of: partition)
        }
        try await readNetwork(into: &table)
        let timeouts = try decodeMonitors(try await get("ltm/monitor/http"))
        let used = timeouts.filter { monitorNames.contains($0.key) }.values
        table.monitorTimeout = used.max() ?? timeouts.values.max() ?? table.monitorTimeout
        return table
    }

    private func readNetwork(into table: inout LoadBalancerTable) async throws {
        let routes = try decodeRoutes(try await get("net/route"))
        try whole(routes.problems, "net/route")
        let networks = try decodeSelfIPs(try await get("net/self"))
        try whole(networks.problems, "net/self")
        table.routes = routes.routes
        table.selfNetworks = networks.networks
    }

    /// A row that cannot be read would look absent: then the round proves nothing.
    private func whole(_ problems: [String], _ what: String) throws {
        guard let problem = problems.first else { return }
        throw BigIPRequestError(description: "\(what): \(problem)", failure: nil)
    }

    /// All pages; a total that moves between pages means the list moved under us.
    private func pools(of partition: String) async throws -> [BigIPPool] {
        var pools: [String: BigIPPool] = [:]
        var total: Int?
        for page in 0..<Self.pageLimit {
            let body = try await get(
                "ltm/pool?$filter=partition%20eq%20\(escaped(partition))&$top=\(Self.pageSize)"
                    + "&$skip=\(page * Self.pageSize)"
            )
            let answer = try decodePools(body)
            try whole(answer.problems, "ltm/pool")
            for pool in answer.pools { pools[pool.fullPath] = pool }
            if let known = total, let now = answer.page.totalItems, known != now {
                throw BigIPRequestError(
                    description: "ltm/pool: the list changed while it was read",
                    failure: nil
                )
            }
            total = answer.page.totalItems
            if !answer.page.hasMore || answer.pools.isEmpty { break }
        }
        return pools.values.sorted { $0.fullPath < $1.fullPath }
    }

    private func virtualServers(of partition: String) async throws -> [VirtualServer] {
        let filter = "$filter=partition%20eq%20\(escaped(partition))"
        let config = try await get("ltm/virtual?\(filter)")
        return try decodeVirtuals(config: config, stats: try? await get("ltm/virtual/stats"))
    }

    private func get(_ path: String, isFullPath: Bool = false) async throws -> [UInt8] {
        try await client.get(isFullPath ? path : "/mgmt/tm/" + path)
    }

    private func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }
}
