// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A configured load balancer: its units, each read for itself.
package struct LoadBalancerFacts: Sendable, Equatable {
    package var name: String
    package var podsVia: PodsVia
    /// Its units are asked for the wide IPs that lead to it.
    package var hasGTM: Bool
    /// By unit URL.
    package var units: [String: Readings<LoadBalancerTable>]
    /// By unit URL, where Kubernetes says what pools should hold.
    package internal(set) var members: [String: MemberHistory] = [:]
    /// By unit URL: the routes that went, and when.
    package internal(set) var lostRoutes: [String: LostRoutes] = [:]

    package init(
        name: String,
        podsVia: PodsVia,
        hasGTM: Bool = false,
        units: [String: Readings<LoadBalancerTable>]
    ) {
        self.name = name
        self.podsVia = podsVia
        self.hasGTM = hasGTM
        self.units = units
    }

    /// The unit that carries traffic: the fresh one that says it is active; the first by name if
    /// two claim it.
    package func activeUnit(at now: Timestamp) -> Readings<LoadBalancerTable>? {
        activeUnitName(at: now).flatMap { units[$0] }
    }

    package func activeUnitName(at now: Timestamp) -> String? {
        units.sorted { $0.key < $1.key }.first { $0.value.current(at: now)?.role == .active }?.key
    }
}

extension LoadBalancerFacts {
    /// A round of one unit.
    mutating func apply(
        _ result: ReadResult<LoadBalancerTable>,
        of unit: String,
        at now: Timestamp,
        took: Int64,
        keepingMembers: Bool
    ) {
        guard let known = units[unit] else { return }
        guard case .read(let read) = result else {
            units[unit]?.apply(result, at: now, took: took)
            return
        }
        let table = read.following(known.latest?.value, asked: now - took)
        lostRoutes[unit, default: LostRoutes()].saw(table, after: known.latest?.value, at: now)
        if keepingMembers { members[unit, default: MemberHistory()].saw(table.pools, at: now) }
        units[unit]?.apply(.read(table), at: now, took: took)
    }

    /// Some pools of one unit, asked for between rounds. Of a unit that was never read they prove nothing.
    mutating func apply(
        _ pools: [String: LoadBalancerPool],
        of unit: String,
        at now: Timestamp,
        took: Int64,
        keepingMembers: Bool
    ) {
        guard var table = units[unit]?.latest?.value else { return }
        for (name, pool) in pools {
            guard let known = table.pools[name] else { continue }
            let next = pool.following(known, asked: now - took)
            table.pools[name] = next
            if keepingMembers { members[unit, default: MemberHistory()].saw(next, name, at: now) }
        }
        units[unit]?.amend(table)
    }
}

/// Routes that were there in one read and not in the next, and are still not back.
package struct LostRoutes: Sendable, Equatable {
    package struct Loss: Sendable, Equatable {
        package var route: LoadBalancerRoute
        package var at: Timestamp
    }

    /// By name, until it is back or for an hour: somebody who takes a route away for good has by then been told.
    package private(set) var losses: [String: Loss] = [:]

    private static let memory: Int64 = 3_600_000
    /// A unit of the largest size has some thousand routes.
    private static let most = 20_000

    package init() {}

    mutating func saw(
        _ table: LoadBalancerTable,
        after known: LoadBalancerTable?,
        at now: Timestamp
    ) {
        let present = Set(table.routes.map(\.prefix))
        losses = losses.filter {
            now - $0.value.at < Self.memory && !present.contains($0.value.route.prefix)
        }
        for route in known?.routes ?? []
        where !present.contains(route.prefix) && losses.count < Self.most {
            losses[route.name] = Loss(route: route, at: now)
        }
    }
}
