// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Synchronization

/// What somebody wants to see of one unit sooner than in the next round. From any thread.
package final class RequestedPools: Sendable {
    private struct Wishes {
        /// By name; true: the unit itself has spoken of it.
        var pools: [String: Bool] = [:]
        var addresses: Set<IPAddress> = []
        var wantsRound = false
        /// What reads that were asked for told, by pool.
        var looks: [String: Look] = [:]
        /// Each read moves it on by a second: how far it is ahead is what was asked at once.
        var paidUntil = Timestamp.zero

        /// How many may be asked now.
        func room(at now: Timestamp) -> Int {
            let ahead = max(0, paidUntil - now)
            return max(0, Int(RequestedPools.batch - ahead / RequestedPools.spacing))
        }

        /// A shift's width, at most.
        func inVain(_ name: String) -> Int { min(looks[name]?.inVain ?? 0, 16) }

        /// Notes what is known of pools that are asked now: the next time it shows what that told.
        mutating func look(
            _ names: Set<String>,
            _ reads: PoolReads,
            at now: Timestamp,
            for memory: Int64
        ) {
            looks = looks.filter { now - $0.value.at < memory }
            for name in names {
                let members = reads.members(name)
                var look = looks[name] ?? Look(members: members, at: now, inVain: -1)
                look.inVain = look.members == members ? look.inVain + 1 : 0
                (look.members, look.at) = (members, now)
                looks[name] = look
            }
        }
    }

    private struct Look {
        var members: [PoolMember]
        var at: Timestamp
        /// How many in a row told nothing new.
        var inVain = 0
    }

    private let wishes = Mutex(Wishes())

    /// As many as a unit has pools in a bad hour; the round comes all the same.
    private static let most = 1_000
    /// At once; in the long run a unit bears one request a second.
    private static let batch: Int64 = 20
    private static let spacing: Int64 = 1_000
    /// Between two reads of a pool of which the unit itself speaks: a member that flaps is a line a second.
    private static let urgentFloor: Int64 = 2_000
    /// What stays as it is, however much in doubt, is asked half as often each time: at last once in ten
    /// periods, of which a floor is a quarter.
    private static let longestFactor: Int64 = 40

    package init() {}

    /// All that are in doubt now: what is so anew is looked at as soon as ever.
    package func ask(_ pools: some Collection<String>) {
        wishes.withLock { wishes in
            let doubted = Set(pools)
            wishes.looks = wishes.looks.filter { doubted.contains($0.key) }
            for pool in doubted where wishes.pools.count < Self.most {
                wishes.pools[pool] = wishes.pools[pool] ?? false
            }
        }
    }

    /// The unit, or its twin, has written a line.
    package func ask(_ hint: SyslogHint) {
        wishes.withLock { wishes in
            switch hint {
            case .pool(let name) where wishes.pools.count < Self.most: wishes.pools[name] = true
            case .node(let address) where wishes.addresses.count < Self.most:
                wishes.addresses.insert(address)
            case .pool, .node, .round: wishes.wantsRound = true
            }
        }
    }

    /// Whether the next round is wished for; once.
    func takeRound() -> Bool {
        wishes.withLock { wishes in
            defer { wishes.wantsRound = false }
            return wishes.wantsRound
        }
    }

    /// Those that may be asked now, and when the next may; what the unit does not have is forgotten, unless
    /// the unit speaks of it: then a round will show it.
    func due(_ reads: PoolReads, floor: Int64, at now: Timestamp) -> (Set<String>, Timestamp?) {
        wishes.withLock { wishes in
            for name in reads.pools(with: wishes.addresses) { wishes.pools[name] = true }
            wishes.addresses = []
            let news = wishes.pools.contains { name, isUrgent in
                isUrgent && reads.began(name) == nil && reads.isOurs(name)
            }
            if news { wishes.wantsRound = true }
            let moments = wishes.pools.compactMap { name, isUrgent in
                let patience = floor * min(1 << wishes.inVain(name), Self.longestFactor)
                let least = isUrgent ? min(floor, Self.urgentFloor) : patience
                return reads.began(name).map { (name: name, at: $0 + least) }
            }
            let due = moments.filter { $0.at <= now }.sorted { ($0.at, $0.name) < ($1.at, $1.name) }
            let chosen = Set(due.prefix(wishes.room(at: now)).map(\.name))
            wishes.look(chosen, reads, at: now, for: floor * Self.longestFactor * 2)
            wishes.paidUntil = max(wishes.paidUntil, now) + Int64(chosen.count) * Self.spacing
            let left = Set(moments.map(\.name)).subtracting(chosen)
            wishes.pools = wishes.pools.filter { left.contains($0.key) }
            let isHeldBack = due.count > chosen.count
            let next = isHeldBack ? now + Self.spacing : moments.map(\.at).filter { $0 > now }.min()
            return (chosen, next)
        }
    }
}
