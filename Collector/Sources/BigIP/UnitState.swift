// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What is kept of a unit between rounds, and the order of a round.
///
/// 1. sys/mcp-state must be running: a restarting unit answers 404 and empty lists.
/// 2. cm/device: the unit's own role; asked again at the end, for it may change in between.
/// 3. Pools of the partitions; of many pools only those whose turn it is are asked for their members.
/// 4. Virtual servers, routes and self IPs; monitors' time-outs and route domains less often.
/// 5. Whatever has become less is asked for in another way before it is believed: a unit that restarts
///    answers 200 with half of what it has.
struct UnitState {
    private let partitions: [String]
    private let period: Int64
    private var turn = PoolTurn()
    private var timeouts: [String: Int64] = [:]
    private var domains: Set<Int> = [0]
    private var roundsUntilSlow = 0
    private var routeCount = 0
    /// Rounds in a row in which a partition that had pools has none.
    private var emptiedRounds = 0
    /// Something is less than it was, in this round.
    private var hasShrunk = false

    /// More than these are asked for statistics first.
    private static let fewPools = 50
    /// Monitors and route domains change with somebody's hand on the unit: every tenth round is enough.
    private static let slowRounds = 10
    /// Enough to tell a list that lies from pools that were deleted.
    private static let samples = 3
    /// In order of how many sites use them.
    private static let monitorTypes = [
        "http", "tcp", "https", "tcp-half-open", "gateway-icmp", "icmp", "udp",
    ]

    init(partitions: [String], period: Int64) {
        self.partitions = partitions
        self.period = period
    }

    /// A round. What was read of pools before it failed is kept for the next.
    mutating func round(
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> LoadBalancerTable {
        try await reader.isRunning()
        hasShrunk = false
        var table = LoadBalancerTable(role: try await reader.role())
        table.partitions = Set(partitions)
        table.synchronization = try await reader.synchronization()
        var pools: [BigIPPool] = []
        for partition in partitions { pools += try await reader.pools(of: partition) }
        try await confirmGone(pools, reader)
        try await readSlow(reader, pools)
        (table.pools, table.unreadPools) = try await members(of: pools, reader, clock)
        table.virtualServers = try await reader.virtualServers(of: partitions)
        (table.routes, table.selfNetworks) = try await network(reader)
        table.monitorTimeout = timeout(of: pools) ?? table.monitorTimeout
        if hasShrunk { try await reader.isRunning() }
        guard try await reader.role() == table.role else {
            throw BigIPRequestError(description: "the unit's role changed while it was read")
        }
        return table
    }

    /// Some pools by themselves. Those that the last round did not list are left out.
    mutating func pools(
        _ names: Set<String>,
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> [String: LoadBalancerPool] {
        let known = names.filter { turn.pool($0) != nil }.sorted()
        guard !known.isEmpty else { return [:] }
        try await reader.isRunning()
        hasShrunk = false
        var read: [(name: String, members: [PoolMember], began: Timestamp)] = []
        for name in known {
            let began = clock()
            let count = turn.pool(name)?.members.count
            read.append((name, try await confirmed(name, reader, count: count), began))
        }
        if hasShrunk { try await reader.isRunning() }
        for pool in read { turn.read(pool.name, pool.members, began: pool.began, nil) }
        return Dictionary(
            uniqueKeysWithValues: known.compactMap { name in
                turn.pool(name).map { (name, $0) }
            }
        )
    }

    /// When the pool was asked last; nil for one that was not listed.
    func began(_ name: String) -> Timestamp? { turn.began(name) }

    func pools(with addresses: Set<IPAddress>) -> [String] {
        guard !addresses.isEmpty else { return [] }
        return turn.names.filter { name in
            turn.pool(name)?.members.contains { $0.address.map(addresses.contains) ?? false }
                ?? false
        }
    }

    // MARK: - Members

    private mutating func members(
        of pools: [BigIPPool],
        _ reader: UnitReader,
        _ clock: () -> Timestamp
    ) async throws -> (pools: [String: LoadBalancerPool], unread: [String: String]) {
        let names = pools.map(\.fullPath)
        let statistics = names.count > Self.fewPools ? try await reader.poolStatistics() : [:]
        var unread: [String: String] = [:]
        for name in turn.due(names, statistics, period: period) {
            let began = clock()
            do {
                let count = statistics[name]?.members
                let members = try await confirmed(name, reader, count: count)
                turn.read(name, members, began: began, statistics[name])
            } catch let doubt as BigIPDoubt {
                unread[name] = doubt.description
            } catch let error as BigIPDecodingError {
                unread[name] = "\(name): \(error)"
            }
        }
        var known: [String: LoadBalancerPool] = [:]
        for name in names { known[name] = turn.pool(name) }
        return (known, unread)
    }

    /// A list lacks pools that the account may no longer see, too: some of them are asked for by name. Where a
    /// whole partition is empty all at once even that is believed only after a while.
    private mutating func confirmGone(_ pools: [BigIPPool], _ reader: UnitReader) async throws {
        let gone = turn.names.subtracting(pools.map(\.fullPath)).sorted()
        let listed = Set(pools.map(\.partition))
        let emptied = partitions.filter { partition in
            !listed.contains(partition) && gone.contains { $0.hasPrefix("/\(partition)/") }
        }
        emptiedRounds = emptied.isEmpty ? 0 : emptiedRounds + 1
        if let partition = emptied.first, emptiedRounds <= Self.slowRounds {
            throw BigIPRequestError(
                description: "ltm/pool: no pool of \(partition) is listed any more:"
                    + " they were deleted, or the account may not see them"
            )
        }
        for name in gone.prefix(Self.samples) where try await reader.exists(name) {
            throw BigIPRequestError(description: "ltm/pool: the list lacks \(name), which is there")
        }
        if !gone.isEmpty { hasShrunk = true }
    }

    /// A pool that has lost members, or that never had any, is asked how many it has.
    private mutating func confirmed(
        _ name: String,
        _ reader: UnitReader,
        count: Int?
    ) async throws -> [PoolMember] {
        let members = try await reader.members(of: name, count: count)
        let known = turn.pool(name)?.members.count ?? 1
        guard members.count < known else { return members }
        hasShrunk = true
        guard let all = try await reader.memberCount(of: name) else {
            throw BigIPDoubt(
                description: "\(name): fewer members than before, and no count of them"
            )
        }
        guard all <= members.count else {
            throw BigIPDoubt(description: "\(name): \(members.count) of \(all) members came")
        }
        return members
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

    // MARK: - What changes seldom

    private mutating func readSlow(_ reader: UnitReader, _ pools: [BigIPPool]) async throws {
        let used = monitors(of: pools)
        var isAsking = false
        if roundsUntilSlow <= 0 {
            domains = try await reader.routeDomains(of: partitions) ?? domains
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
