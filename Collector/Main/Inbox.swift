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
    /// Where a switch's waiting read stands, by name and way.
    private var reads: [String: Int] = [:]
    /// Where a collection's waiting update of the API server stands: later ones are taken into it.
    private var collections: [Int: Int] = [:]

    mutating func add(_ update: FactUpdate, at now: Timestamp) {
        let stamped = (update: update, at: now)
        if case .switchRead(let name, let way, .read, _) = update {
            return add("\(name) \(way.rawValue)", stamped)
        }
        // A later read must not overtake a failure.
        if case .switchRead(let name, let way, .failed, _) = update {
            reads["\(name) \(way.rawValue)"] = nil
        }
        if case .cluster(let change) = update { return add(change, stamped) }
        guard case .agent(let node, let change) = update else {
            updates.append(stamped)
            return
        }
        switch (change, waiting[node]) {
        case (.connected, _), (.disconnected, _):
            // Order matters around these: a later snapshot must not overtake them.
            waiting[node] = nil
            updates.append(stamped)
        case (.clock, _): updates.append(stamped)
        case (.heartbeat, .some(let index)):
            // A waiting snapshot says as much, and keeps the moment it came.
            if updates[index].update == update { updates[index].at = now }
        case (.snapshot, .some(let index)): updates[index] = stamped
        case (_, .none):
            waiting[node] = updates.count
            updates.append(stamped)
        }
    }

    /// Of a switch that tells faster than anybody listens the last word counts.
    private mutating func add(
        _ source: String,
        _ stamped: (update: FactUpdate, at: Timestamp)
    ) {
        if let index = reads[source] { return updates[index] = stamped }
        reads[source] = updates.count
        updates.append(stamped)
    }

    /// So a storm of events costs no more than the objects there are.
    private mutating func add(
        _ change: ClusterUpdate,
        _ stamped: (update: FactUpdate, at: Timestamp)
    ) {
        if let index = collections[change.collection],
            case .cluster(var waiting) = updates[index].update, waiting.merge(change)
        {
            updates[index] = (.cluster(waiting), stamped.at)
            return
        }
        collections[change.collection] = updates.count
        updates.append(stamped)
    }
}
