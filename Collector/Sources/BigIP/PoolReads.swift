// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Members of a unit's pools: who is asked for, in what other way whatever has become less is asked for
/// before it is believed, and what stands of those that could not be read.
///
/// What is wrong with one pool concerns that pool alone, unless it is wrong with several in a row.
struct PoolReads {
    /// What a round has to say of all pools.
    struct Outcome {
        var pools: [String: LoadBalancerPool] = [:]
        var unread: [String: String] = [:]
        var awaited: Set<String> = []
        /// How many there were for members.
        var requests = 0
    }

    private let partitions: [String]
    private let period: Int64
    private var turn = PoolTurn()
    /// Rounds in a row in which a partition that had pools has none.
    private var emptied: [String: Int] = [:]
    /// Something is less than it was, or could not be read: whether mcpd ran meanwhile is to be asked again.
    var isInDoubt = false

    /// However much else there is to ask: each pool has its turn some day.
    private static let leastTurns = 10
    /// Enough to tell a list that lies from pools that were deleted.
    private static let samples = 3
    /// Where the unit says that it has such a partition; and where it does not say.
    private static let emptyRounds = (proven: 2, unproven: 10)
    /// A unit that fails three times in a row has no trouble with one pool.
    private static let mostFailures = 3

    init(partitions: [String], period: Int64) {
        self.partitions = partitions
        self.period = period
    }

    // MARK: - A round

    /// `listed`: all pools of the partitions, as the unit lists them now. `counts`: their statistics, where
    /// there are too many to ask each. `room`: how many requests for members are well spent.
    mutating func round(
        _ listed: [BigIPPool],
        _ counts: [String: PoolStatistics]?,
        room: Int,
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> Outcome {
        var outcome = Outcome(unread: try await doubtful(listed, reader))
        let names = listed.map(\.fullPath)
        let statistics = try await statistics(of: names, counts, reader)
        let first = reader.sent
        let due = turn.due(
            names,
            statistics,
            keeping: Set(outcome.unread.keys),
            room: names.count > Inventory.few ? max(room, Self.leastTurns) : names.count
        )
        var tally = Tally()
        // A round of many pools must not outlive what it tells.
        let end = clock() + period
        for (index, name) in (due.changed + due.rest).enumerated() {
            guard clock() < end else {
                outcome.awaited = Set(due.changed.dropFirst(index))
                break
            }
            if let problem = try await take(name, statistics[name], reader, clock, &tally) {
                outcome.unread[name] = problem
            }
        }
        try tally.check()
        outcome.requests = reader.sent - first
        for name in names + outcome.unread.keys { outcome.pools[name] = turn.pool(name) }
        return outcome
    }

    /// Where there are few of them they are counted once, to compare their first read with.
    private func statistics(
        of names: [String],
        _ counts: [String: PoolStatistics]?,
        _ reader: UnitReader
    ) async throws -> [String: PoolStatistics] {
        if let counts { return counts }
        if names.count > Inventory.few { return try await reader.poolStatistics() }
        guard names.contains(where: { turn.pool($0) == nil }) else { return [:] }
        return try await reader.optional { try await reader.poolStatistics() } ?? [:]
    }

    /// Nil if the pool was read, else why not. Throws once too many in a row could not be.
    private mutating func take(
        _ name: String,
        _ statistics: PoolStatistics?,
        _ reader: UnitReader,
        _ clock: () -> Timestamp,
        _ tally: inout Tally
    ) async throws -> String? {
        let began = clock()
        do {
            let members = try await confirmed(name, reader, count: statistics?.members)
            turn.read(name, members, began: began, statistics)
            tally.succeeded()
            return nil
        } catch let doubt as BigIPDoubt {
            return doubt.description
        } catch let error as BigIPDecodingError {
            return "\(name): \(error)"
        } catch let error as BigIPRequestError {
            isInDoubt = true
            try tally.failed(error, most: Self.mostFailures)
            return error.description
        }
    }

    // MARK: - Some pools

    /// Pools by themselves, between rounds. Those that the last round did not list, and those that could not
    /// be read, are left out: the round tells of them.
    mutating func some(
        _ names: Set<String>,
        _ reader: UnitReader,
        clock: () -> Timestamp
    ) async throws -> [String: LoadBalancerPool] {
        let known = names.filter { turn.pool($0) != nil }.sorted()
        guard !known.isEmpty else { return [:] }
        try await reader.isRunning()
        isInDoubt = false
        // Nothing is kept before it is certain that mcpd ran all the while.
        let before = turn
        var tally = Tally()
        do {
            var read: [String] = []
            for name in known {
                let isRead = try await take(name, nil, reader, clock, &tally) == nil
                if isRead { read.append(name) }
            }
            if isInDoubt { try await reader.isRunning() }
            let pools = read.compactMap { name in turn.pool(name).map { (name, $0) } }
            return Dictionary(uniqueKeysWithValues: pools)
        } catch {
            turn = before
            throw error
        }
    }

    /// As they were read last.
    func members(_ name: String) -> [PoolMember] { turn.pool(name)?.members ?? [] }

    /// Those that were listed and read.
    var names: Set<String> { turn.names }

    /// When the pool was asked last; nil for one that was never read.
    func began(_ name: String) -> Timestamp? { turn.began(name) }

    func isOurs(_ name: String) -> Bool { partitions.contains { name.hasPrefix("/\($0)/") } }

    func pools(with addresses: Set<IPAddress>) -> [String] {
        guard !addresses.isEmpty else { return [] }
        return turn.names.filter { name in
            turn.pool(name)?.members.contains { $0.address.map(addresses.contains) ?? false }
                ?? false
        }
    }

    // MARK: - Confirmation

    /// A list lacks pools that the account may no longer see, too: some of them are asked for by name. Where a
    /// whole partition is empty all at once, what was known of its pools stands until that is proven.
    ///
    /// Returns pools that may be gone, with what is to be said of them.
    private mutating func doubtful(
        _ listed: [BigIPPool],
        _ reader: UnitReader
    ) async throws -> [String: String] {
        let gone = turn.names.subtracting(listed.map(\.fullPath))
        if !gone.isEmpty { isInDoubt = true }
        let filled = Set(listed.map(\.partition))
        var doubtful: [String: String] = [:]
        for partition in partitions {
            let own = gone.filter { $0.hasPrefix("/\(partition)/") }.sorted()
            guard !own.isEmpty, !filled.contains(partition) else {
                emptied[partition] = nil
                for name in own.prefix(Self.samples) where try await reader.exists(name) {
                    let words = "ltm/pool: the list lacks \(name), which is there"
                    throw BigIPRequestError(description: words)
                }
                continue
            }
            emptied[partition, default: 0] += 1
            if try await isProvenEmpty(partition, own, reader) { continue }
            let reason =
                "ltm/pool: no pool of \(partition) is listed any more: they were deleted, or the"
                + " account may not see them"
            for name in own { doubtful[name] = reason }
        }
        return doubtful
    }

    private func isProvenEmpty(
        _ partition: String,
        _ gone: [String],
        _ reader: UnitReader
    ) async throws -> Bool {
        let rounds = emptied[partition] ?? 0
        guard rounds >= Self.emptyRounds.proven else { return false }
        for name in gone.prefix(Self.samples) where try await reader.exists(name) { return false }
        if rounds > Self.emptyRounds.unproven { return true }
        return try await reader.partitions()?.contains(partition) ?? false
    }

    /// A pool with fewer members than before, or than were counted, is asked how many it has; and where that
    /// are more, which: a pool's own count may hold templates that are no member of its statistics.
    private mutating func confirmed(
        _ name: String,
        _ reader: UnitReader,
        count: Int?
    ) async throws -> [PoolMember] {
        let known = turn.pool(name)?.members.count
        let members = try await reader.members(of: name, count: count ?? known)
        let uncounted = turn.uncounted(name)
        guard members.count < max(known ?? 1, (count ?? 0) - uncounted) else { return members }
        if members.count < known ?? 1 { isInDoubt = true }
        guard let all = try await reader.memberCount(of: name) else {
            throw BigIPDoubt(
                description: "\(name): fewer members than before, and no count of them"
            )
        }
        guard all - uncounted > members.count else { return members }
        guard try await reader.sockets(of: name).isSubset(of: members.compactMap(\.socket)) else {
            throw BigIPDoubt(description: "\(name): \(members.count) of \(all) members came")
        }
        turn.noteUncounted(name, all - members.count)
        return members
    }
}

/// How many pools in a row a unit failed to tell of.
private struct Tally {
    private var inARow = 0
    private var hasSucceeded = false
    private var first: BigIPRequestError?

    mutating func succeeded() {
        inARow = 0
        hasSucceeded = true
    }

    mutating func failed(_ error: BigIPRequestError, most: Int) throws(BigIPRequestError) {
        inARow += 1
        first = first ?? error
        if inARow >= most { throw error }
    }

    /// Not one pool could be read: that is the unit's trouble, however few there are.
    func check() throws(BigIPRequestError) {
        if !hasSucceeded, let first { throw first }
    }
}
