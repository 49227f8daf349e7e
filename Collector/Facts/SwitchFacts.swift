// SPDX-License-Identifier: Apache-2.0
package import Routing

/// By what way a switch's table came, the one that tells most first: a poll reads the RIB, BMP what
/// each neighbour announced and what BGP made of it, a BGP session what BGP chose.
package enum SwitchWay: String, Comparable, Hashable, Sendable, CaseIterable, Codable {
    case polled
    case bmp
    case bgp

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .polled: 0
        case .bmp: 1
        case .bgp: 2
        }
    }

    /// As tables call it.
    package var word: String {
        switch self {
        case .polled: "poll"
        case .bmp: "BMP"
        case .bgp: "BGP"
        }
    }

    /// As sentences call it.
    package var words: String {
        switch self {
        case .polled: "the poll"
        case .bmp: "BMP"
        case .bgp: "the BGP session"
        }
    }
}

/// What came of one switch by one way.
package struct SwitchView: Sendable, Equatable {
    package var readings: Readings<SwitchTable>
    /// Some neighbour came that was not listed before it did: who is not listed may come too.
    package private(set) var mayHaveUnlistedNeighbors = false
    /// The first good read.
    package private(set) var firstReadAt: Timestamp?
    /// Of whatever was seen inside the pod supernets, in the switch's VRF.
    package private(set) var histories: [Prefix: RouteHistory] = [:]

    /// Three times the largest fleet's CIDRs; what is past it has no history.
    private static let historyLimit = 100_000

    package init(staleAfter: Int64) { readings = Readings(staleAfter: staleAfter) }

    /// A read that came, good or bad; `vrf` and `supernets` are what its histories are kept of.
    package mutating func apply(
        _ result: ReadResult<SwitchTable>,
        vrf: String,
        inside supernets: [Prefix],
        at now: Timestamp,
        took duration: Int64
    ) {
        readings.apply(result, at: now, took: duration)
        guard case .read(let table) = result else { return }
        firstReadAt = firstReadAt ?? now
        if table.hasSummary, !table.listsAllNeighbors { mayHaveUnlistedNeighbors = true }
        for (prefix, routes) in table.routes
        where supernets.contains(where: { $0.contains(prefix) }) {
            guard let best = routes.first(where: { $0.isBest && $0.vrf == vrf }),
                histories.count < Self.historyLimit || histories[prefix] != nil
            else { continue }
            histories[prefix, default: RouteHistory()].saw(best, at: now)
        }
        for prefix in histories.keys where table.best(prefix, vrf: vrf) == nil {
            histories[prefix]?.missed(at: now)
            // Nobody asks what was there an hour ago; a switch may not fill memory with what comes and goes.
            if histories[prefix]?.isForgotten(at: now) ?? true { histories[prefix] = nil }
        }
    }
}

/// A configured switch and what was read of it, by each of the ways that are configured.
package struct SwitchFacts: Sendable, Equatable {
    /// How many of its next hops a CIDR must have on the switch.
    package enum PathsExpected: String, Sendable, CaseIterable, Codable {
        /// One suffices.
        case any
        /// One for each uplink that carries it.
        case all
        /// As many as uplinks carry it, where the switch was seen to use several.
        case seen
    }

    package enum Dialect: String, Sendable, Codable { case nxos, eos, frr }

    package var name: String
    /// The switch as BIRD's `neighbor` sees it: joins uplinks to switches.
    package var neighbors: [IPAddress]
    /// Where it is asked, a URL; else an address from which it comes; nil where a command asks it and nothing comes.
    package var door: String?
    /// Where the pod CIDRs should be.
    package var vrf: String
    /// Whose commands people type on it.
    package var dialect: Dialect
    package var pathsExpected: PathsExpected
    package private(set) var views: [SwitchWay: SwitchView]

    /// `ways` are those by which it is read, with the age, in milliseconds, at which a read is stale.
    package init(
        name: String,
        neighbors: [IPAddress],
        door: String? = nil,
        vrf: String = "default",
        dialect: Dialect = .nxos,
        pathsExpected: PathsExpected = .seen,
        ways: [SwitchWay: Int64]
    ) {
        self.name = name
        self.neighbors = neighbors
        self.door = door
        self.vrf = vrf
        self.dialect = dialect
        self.pathsExpected = pathsExpected
        views = ways.mapValues { SwitchView(staleAfter: $0) }
    }

    /// Of a way that is not configured nothing is taken.
    package mutating func apply(
        _ result: ReadResult<SwitchTable>,
        by way: SwitchWay,
        inside supernets: [Prefix],
        at now: Timestamp,
        took duration: Int64
    ) {
        views[way]?.apply(result, vrf: vrf, inside: supernets, at: now, took: duration)
    }

    /// The way that is believed now: of the fresh ones the one that tells most, and if none is fresh, the
    /// first, whose failure is the reason.
    package func believed(at now: Timestamp) -> (way: SwitchWay, view: SwitchView)? {
        let sorted = views.sorted { $0.key < $1.key }
        let best = sorted.first { $0.value.readings.freshness(at: now) == .fresh } ?? sorted.first
        return best.map { ($0.key, $0.value) }
    }

    /// The other fresh ways.
    package func others(than way: SwitchWay, at now: Timestamp) -> [(
        way: SwitchWay, view: SwitchView
    )] {
        views.filter { $0.key != way && $0.value.readings.freshness(at: now) == .fresh }
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
