// SPDX-License-Identifier: Apache-2.0
import Routing
import Synchronization

/// Pools of one unit that somebody wants to see sooner than in the next round. From any thread.
package final class RequestedPools: Sendable {
    private let names = Mutex<Set<String>>([])

    /// As many as a unit has pools in a bad hour; the round comes all the same.
    private static let most = 1_000
    /// At once, and then it is asked for again when it comes up again.
    private static let batch = 20

    package init() {}

    package func ask(_ pools: some Sequence<String>) {
        names.withLock { names in
            for pool in pools where names.count < Self.most { names.insert(pool) }
        }
    }

    /// Those that may be asked now, and when the next may; what the unit does not have is forgotten.
    func due(_ state: UnitState, floor: Int64, at now: Timestamp) -> (Set<String>, Timestamp?) {
        names.withLock { names in
            let moments = names.compactMap { name in
                state.began(name).map { (name: name, at: $0 + floor) }
            }
            let due = moments.filter { $0.at <= now }.sorted { ($0.at, $0.name) < ($1.at, $1.name) }
            let chosen = Set(due.prefix(Self.batch).map(\.name))
            names = Set(moments.map(\.name)).subtracting(chosen)
            return (chosen, moments.filter { $0.at > now }.map(\.at).min())
        }
    }
}
