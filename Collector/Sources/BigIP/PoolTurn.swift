// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// Whose turn it is: a unit with hundreds of pools is not asked for all members in each round.
///
/// 1. A pool that was never read, and one whose counts or state have changed since it was.
/// 2. Then those that were read longest ago, as many as fit into the round: a member may have been exchanged
///    for another without any count telling.
package struct PoolTurn: Sendable {
    private struct Seen {
        var pool: LoadBalancerPool
        var statistics: PoolStatistics?
    }

    private var seen: [String: Seen] = [:]
    /// How many more a pool counts than it tells of, where that was found to be right.
    private var surplus: [String: Int] = [:]

    package init() {}

    /// `keeping`: pools that are not listed, and not forgotten. `room`: how many there may be in this round, but
    /// for those that have changed.
    package mutating func due(
        _ names: [String],
        _ statistics: [String: PoolStatistics],
        keeping: Set<String> = [],
        room: Int
    ) -> (changed: [String], rest: [String]) {
        let listed = Set(names)
        seen = seen.filter { listed.contains($0.key) || keeping.contains($0.key) }
        surplus = surplus.filter { seen[$0.key] != nil }
        let changed = longestAgo(
            names.filter { name in
                guard let known = seen[name] else { return true }
                // One that is in no statistics has its turn like the others.
                guard let now = statistics[name] else { return statistics.isEmpty }
                return known.statistics != now
            }
        )
        guard room > changed.count else { return (changed, []) }
        let rest = longestAgo(Array(listed.subtracting(changed)))
        return (changed, Array(rest.prefix(room - changed.count)))
    }

    private func longestAgo(_ names: [String]) -> [String] {
        names.sorted {
            (seen[$0]?.pool.began ?? .zero, $0) < (seen[$1]?.pool.began ?? .zero, $1)
        }
    }

    /// `statistics` are those of before the read: what moved in between makes the pool due again.
    package mutating func read(
        _ name: String,
        _ members: [PoolMember],
        began: Timestamp,
        _ statistics: PoolStatistics?
    ) {
        let pool = LoadBalancerPool(members, began: began)
        seen[name] = Seen(pool: pool, statistics: statistics ?? seen[name]?.statistics)
    }

    package func uncounted(_ name: String) -> Int { surplus[name] ?? 0 }

    package mutating func noteUncounted(_ name: String, _ count: Int) { surplus[name] = count }

    /// Those that were listed and read.
    package var names: Set<String> { Set(seen.keys) }

    /// When the pool was asked last.
    package func began(_ name: String) -> Timestamp? { seen[name]?.pool.began }

    /// What is known of those pools; nil for one that was never read.
    package func pool(_ name: String) -> LoadBalancerPool? { seen[name]?.pool }
}

/// What `ltm/pool/stats` tells of a pool without its members.
package struct PoolStatistics: Hashable, Sendable {
    package var members: Int
    package var active: Int
    package var available: Int
    package var availability: String
    package var enabled: String

    package init(
        members: Int,
        active: Int,
        available: Int,
        availability: String,
        enabled: String
    ) {
        self.members = members
        self.active = active
        self.available = available
        self.availability = availability
        self.enabled = enabled
    }
}
