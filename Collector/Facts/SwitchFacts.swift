// SPDX-License-Identifier: Apache-2.0
package import Routing

/// How far along the switch's own way a route was seen.
package enum RouteEvidence: Int, Comparable, Hashable, Sendable {
    /// The node sent it, the import policy was not asked yet (BMP before the policy).
    case announced
    /// It came through the import policy (BMP after the policy).
    case accepted
    /// BGP chose it (Loc-RIB, what a reflector passes on).
    case best
    case inRIB
    /// In the chips.
    case inHardware

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One route as a switch holds it.
package struct SwitchRoute: Hashable, Sendable {
    package var prefix: Prefix
    package var vrf: String
    /// Sorted, without duplicates.
    package var nextHops: [IPAddress]
    /// In the vendor's words: `bgp`, `static`, `bgp-64512`.
    package var protocolName: String
    /// What the switch forwards by: FRR selected and installed, NX-OS ubest.
    package var isBest: Bool
    package var evidence: RouteEvidence
    /// Seconds since the switch last changed it, where it tells exactly: up to a day.
    package var age: Int64?

    package init(
        prefix: Prefix,
        vrf: String,
        nextHops: [IPAddress],
        protocolName: String,
        isBest: Bool,
        evidence: RouteEvidence = .inRIB,
        age: Int64? = nil
    ) {
        self.prefix = prefix
        self.vrf = vrf
        self.nextHops = nextHops
        self.protocolName = protocolName
        self.isBest = isBest
        self.evidence = evidence
        self.age = age
    }
}

/// A BGP neighbour as the switch's summary tells it.
package struct SwitchNeighbor: Hashable, Sendable {
    package var isEstablished: Bool
    /// The vendor's word: `Established`, `Idle (Admin)`.
    package var state: String
    package var prefixesReceived: Int?

    package init(isEstablished: Bool, state: String, prefixesReceived: Int?) {
        self.isEstablished = isEstablished
        self.state = state
        self.prefixesReceived = prefixesReceived
    }
}

/// One address family of one VRF: what a command or a session tells of.
package struct TableScope: Hashable, Sendable {
    package var vrf: String
    package var family: AddressFamily

    package init(vrf: String, family: AddressFamily) {
        self.vrf = vrf
        self.family = family
    }
}

/// One complete and self-checked read of a switch.
package struct SwitchTable: Hashable, Sendable {
    package var routes: [Prefix: [SwitchRoute]]
    package var neighbors: [IPAddress: SwitchNeighbor]
    /// False if the source could not be asked for a summary: then an empty table proves nothing.
    package var hasSummary: Bool
    /// Whether who is not among the neighbours is not configured either: not where some may come
    /// unnamed (FRR's listen ranges), nor where only those that came are told (BMP).
    package var listsAllNeighbors: Bool
    /// What was read: of anything else absence proves nothing. Nil: whatever there is.
    package var covered: Set<TableScope>?
    /// Prefixes of which something was read that cannot be believed.
    package var doubtful: Set<Prefix> = []
    /// Neighbours that have not told all they have yet; what only they may have is not known.
    package var untold: Set<IPAddress> = []
    /// Which neighbours announce a prefix to the switch, where the source tells (BMP); sorted.
    package var announcers: [Prefix: [IPAddress]]

    package init(
        routes: [Prefix: [SwitchRoute]] = [:],
        neighbors: [IPAddress: SwitchNeighbor] = [:],
        hasSummary: Bool = false,
        listsAllNeighbors: Bool = false,
        announcers: [Prefix: [IPAddress]] = [:],
        covered: Set<TableScope>? = nil
    ) {
        self.covered = covered
        self.routes = routes
        self.neighbors = neighbors
        self.hasSummary = hasSummary
        self.listsAllNeighbors = listsAllNeighbors
        self.announcers = announcers
    }

    package func covers(_ prefix: Prefix, vrf: String) -> Bool {
        covered?.contains(TableScope(vrf: vrf, family: prefix.family)) ?? true
    }

    /// What the switch forwards `prefix` by, if it has exactly that prefix in `vrf`.
    package func best(_ prefix: Prefix, vrf: String = "default") -> SwitchRoute? {
        routes[prefix]?.first { $0.isBest && $0.vrf == vrf }
    }

    /// What `vrf` has of the prefix and does not forward by: BGP's own, hidden by another protocol's.
    package func hidden(_ prefix: Prefix, vrf: String = "default") -> [SwitchRoute] {
        routes[prefix]?.filter { !$0.isBest && $0.vrf == vrf } ?? []
    }

    /// A VRF that has the prefix where `vrf` lacks it.
    package func otherVRF(_ prefix: Prefix, than vrf: String) -> String? {
        routes[prefix]?.filter { $0.isBest && $0.vrf != vrf }.map(\.vrf).min()
    }
}

/// By what way a switch's table came, the one that tells most first: a poll reads the RIB, BMP what
/// each neighbour announced and what BGP made of it, a BGP session what BGP chose.
package enum SwitchWay: String, Comparable, Hashable, Sendable, CaseIterable {
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
    package enum PathsExpected: String, Sendable, CaseIterable {
        /// One suffices.
        case any
        /// One for each uplink that carries it.
        case all
        /// As many as uplinks carry it, where the switch was seen to use several.
        case seen
    }

    package enum Dialect: Sendable { case nxos, eos, frr }

    package var name: String
    /// The switch as BIRD's `neighbor` sees it: joins uplinks to switches.
    package var neighbors: [IPAddress]
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
        vrf: String = "default",
        dialect: Dialect = .nxos,
        pathsExpected: PathsExpected = .seen,
        ways: [SwitchWay: Int64]
    ) {
        self.name = name
        self.neighbors = neighbors
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
