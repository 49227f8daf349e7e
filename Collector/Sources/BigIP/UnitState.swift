// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing

/// What is kept of a unit between rounds, and the order of a round.
///
/// 1. sys/mcp-state must be running: a restarting unit answers 404 and empty lists.
/// 2. cm/device: the unit's own role, of several traffic groups for those that count; asked again at the end,
///    for it may change in between.
/// 3. Pools of the partitions; of many pools only those whose turn it is are asked for their members, as many
///    as the rest of the round leaves of a request a second.
/// 4. Virtual servers, routes and self IPs, learned routes where pods are reached by them; of the active unit
///    the wide IPs that lead to its virtual servers; monitors' time-outs and route domains less often.
/// 5. Whatever has become less is asked for in another way before it is believed: a unit that restarts
///    answers 200 with half of what it has.
struct UnitState {
    private let scope: ReadScope
    /// What is known of the pools.
    private(set) var reads: PoolReads
    private var inventory: Inventory
    private var unitRole = UnitRole()
    private var global = GlobalReads()
    private var timeouts: [String: Int64] = [:]
    private var domains: Set<Int> = [0]
    private var roundsUntilSlow = 0
    private var routeCount = 0
    private var learnedCount = 0
    private let period: Int64
    /// Requests of a round that are not for members, on average: not every round asks for every list.
    private var overhead: Int?
    /// The first round asks for everything, as no other does.
    private var isFirst = true
    /// Something is less than it was, in this round.
    private var hasShrunk = false

    /// Monitors and route domains change with somebody's hand on the unit: every tenth round is enough.
    private static let slowRounds = 10
    /// In order of how many sites use them.
    private static let monitorTypes = [
        "http", "tcp", "https", "tcp-half-open", "gateway-icmp", "icmp", "udp",
    ]

    init(_ scope: ReadScope, period: Int64) {
        self.scope = scope
        self.period = period
        inventory = Inventory(partitions: scope.partitions)
        reads = PoolReads(partitions: scope.partitions, period: period)
    }

    /// A round. What was read of pools before it failed is kept for the next, unless something was less than
    /// before: that may be the doing of what made it fail.
    mutating func round(
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> LoadBalancerTable {
        let (before, listed) = (reads, inventory)
        do {
            return try await whole(reader, clock: clock)
        } catch {
            inventory = listed
            if hasShrunk || reads.isInDoubt { reads = before }
            throw error
        }
    }

    private mutating func whole(
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> LoadBalancerTable {
        let first = reader.sent
        try await reader.isRunning()
        (hasShrunk, reads.isInDoubt) = (false, false)
        if roundsUntilSlow <= 0 { try await unitRole.refresh(reader) }
        let groups = try await inventory.trafficGroups(reader)
        var table = LoadBalancerTable(role: try await unitRole.read(groups, reader))
        table.partitions = Set(scope.partitions)
        table.synchronization = try await reader.synchronization()
        let counts = inventory.hasManyPools ? try await reader.poolStatistics() : nil
        let named = counts.map { Set($0.keys) }
        let pools = try await inventory.pools(named: named, known: reads.names, reader)
        try await readSlow(reader, pools)
        let outcome = try await reads.round(
            pools,
            counts,
            room: overhead.map { Int(period / 1_000) - $0 } ?? 0,
            reader,
            clock: clock
        )
        (table.pools, table.unreadPools) = (outcome.pools, outcome.unread)
        table.awaitedPools = outcome.awaited
        table.virtualServers = try await inventory.virtualServers(reader)
        (table.routes, table.selfNetworks) = try await network(reader)
        try await readLiveRoutes(into: &table, reader)
        if table.role == .active { try await readWideIPs(into: &table, reader) }
        table.monitorTimeout = timeout(of: pools) ?? table.monitorTimeout
        if hasShrunk || reads.isInDoubt { try await reader.isRunning() }
        guard try await unitRole.read(groups, reader) == table.role else { throw BigIPRoleChange() }
        let spent = reader.sent - first - outcome.requests
        if !isFirst { overhead = overhead.map { $0 + (spent - $0) / Inventory.rounds } ?? spent }
        isFirst = false
        return table
    }

    /// Some pools by themselves. Those that the last round did not list are left out.
    mutating func pools(
        _ names: Set<String>,
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> [String: LoadBalancerPool] {
        try await reads.some(names, reader, clock: clock)
    }

    // MARK: - Network

    /// Several routes that are gone are asked for again.
    private mutating func network(
        _ reader: UnitReader
    ) async throws -> (routes: [LoadBalancerRoute], networks: [Prefix]) {
        let network = try await reader.network(of: domains)
        if network.routes.count + 1 < routeCount {
            hasShrunk = true
            guard try await reader.network(of: domains).routes == network.routes else {
                throw BigIPRequestError(description: "net/route: two answers differ")
            }
        }
        routeCount = network.routes.count
        return network
    }

    /// With `pods-via: dynamic`. Where they cannot be had the configured ones stand alone, and prove no absence.
    private mutating func readLiveRoutes(
        into table: inout LoadBalancerTable,
        _ reader: UnitReader
    ) async throws {
        guard scope.podsVia == .dynamicRoutes else { return }
        do {
            let learned = try await reader.liveRoutes(of: domains).filter(\.isDynamic)
            if learned.isEmpty, learnedCount > 0 {
                hasShrunk = true
                let again = try await reader.liveRoutes(of: domains)
                guard !again.contains(where: \.isDynamic) else {
                    throw BigIPDoubt(description: "two answers differ")
                }
            }
            learnedCount = learned.count
            table.routes += learned
        } catch let error where isOfAnswer(error) {
            table.liveRoutesProblem = "net/route/stats: \(error)"
        }
    }

    /// What is wrong with GTM's answers is no reason to disbelieve the LTM's.
    private mutating func readWideIPs(
        into table: inout LoadBalancerTable,
        _ reader: UnitReader
    ) async throws {
        guard scope.hasGTM else { return }
        do {
            table.wideIPs = try await global.round(table.virtualServers, reader)
        } catch let error where isOfAnswer(error) {
            table.wideIPProblem = "GTM: \(error)"
        }
    }

    private func isOfAnswer(_ error: any Error) -> Bool {
        error is BigIPRequestError || error is BigIPDecodingError || error is BigIPDoubt
    }

    // MARK: - What changes seldom

    private mutating func readSlow(_ reader: UnitReader, _ pools: [BigIPPool]) async throws {
        let used = monitors(of: pools)
        var isAsking = false
        if roundsUntilSlow <= 0 {
            domains = try await reader.routeDomains(of: scope.partitions) ?? domains
            isAsking = true
            roundsUntilSlow = Self.slowRounds
        } else if used.allSatisfy({ timeouts[$0] != nil }) {
            roundsUntilSlow -= 1
            return
        }
        roundsUntilSlow -= 1
        // What was known stands where it is not told again.
        var known: [String: Int64] = isAsking ? [:] : timeouts
        for type in Self.monitorTypes where !used.allSatisfy({ known[$0] != nil }) {
            known.merge(try await reader.monitors(of: type)) { _, new in new }
        }
        timeouts.merge(known) { _, new in new }
        // Of a type that is not asked for: not asked for again in every round.
        for name in used where timeouts[name] == nil { timeouts[name] = 0 }
    }

    /// `/Common/http `, `/P/a and /P/b`, `min 1 of { /Common/http /Common/tcp }`.
    private func monitors(of pools: [BigIPPool]) -> Set<String> {
        Set(pools.flatMap { $0.monitor.split(whereSeparator: \.isWhitespace) }.map(String.init))
            .filter { $0.hasPrefix("/") }
    }

    private func timeout(of pools: [BigIPPool]) -> Int64? {
        monitors(of: pools).compactMap { timeouts[$0] }.filter { $0 > 0 }.max()
    }
}

/// What of a unit is read.
package struct ReadScope: Sendable {
    package var partitions: [String]
    package var podsVia: PodsVia
    package var hasGTM: Bool

    package init(
        partitions: [String],
        podsVia: PodsVia = .defaultGateway,
        hasGTM: Bool = false
    ) {
        self.partitions = partitions
        self.podsVia = podsVia
        self.hasGTM = hasGTM
    }
}

/// What was read is of two roles: it is to be read once more.
struct BigIPRoleChange: Error, CustomStringConvertible {
    var description: String { "the unit's role changed while it was read" }
}
