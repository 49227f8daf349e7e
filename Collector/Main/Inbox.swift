// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Updates that wait for the engine, with the moment they arrived.
///
/// An agent's newer snapshot or heartbeat takes the place of its older one, so a storm of changes
/// costs one place a node.
struct Inbox {
    private(set) var updates: [(update: FactUpdate, at: Timestamp)] = []
    /// Where a node's waiting snapshot stands, so that a newer one replaces it.
    private var snapshotOfNode: [String: Int] = [:]

    mutating func add(_ update: FactUpdate, at now: Timestamp) {
        let stamped = (update: update, at: now)
        guard case .agent(let node, let change) = update else {
            updates.append(stamped)
            return
        }
        switch change {
        case .snapshot:
            if let index = snapshotOfNode[node] {
                updates[index] = stamped
            } else {
                snapshotOfNode[node] = updates.count
                updates.append(stamped)
            }
        case .heartbeat:
            // A waiting snapshot says it too; a waiting heartbeat only moves on.
            if let index = updates.lastIndex(where: { $0.update == update }) {
                updates[index] = stamped
            } else {
                updates.append(stamped)
            }
        case .connected, .disconnected:
            // Order matters around these: a later snapshot must not overtake them.
            snapshotOfNode[node] = nil
            updates.append(stamped)
        }
    }
}
