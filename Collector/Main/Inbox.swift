// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Updates that wait for the engine, with the moment they arrived.
///
/// An agent's newer snapshot or heartbeat takes the place of its older one, so a storm of changes
/// costs one place a node.
struct Inbox {
    private(set) var updates: [(update: FactUpdate, at: Timestamp)] = []
    /// Where a node's waiting snapshot or heartbeat stands, so that a newer one replaces it.
    private var waiting: [String: Int] = [:]

    mutating func add(_ update: FactUpdate, at now: Timestamp) {
        let stamped = (update: update, at: now)
        guard case .agent(let node, let change) = update else {
            updates.append(stamped)
            return
        }
        switch (change, waiting[node]) {
        case (.connected, _), (.disconnected, _):
            // Order matters around these: a later snapshot must not overtake them.
            waiting[node] = nil
            updates.append(stamped)
        case (.heartbeat, .some(let index)):
            // A waiting snapshot says as much, and keeps the moment it came.
            if updates[index].update == update { updates[index].at = now }
        case (.snapshot, .some(let index)): updates[index] = stamped
        case (_, .none):
            waiting[node] = updates.count
            updates.append(stamped)
        }
    }
}
