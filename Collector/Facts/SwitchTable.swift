// SPDX-License-Identifier: Apache-2.0
package import Routing

/// How far along the switch's own way a route was seen.
package enum RouteEvidence: Int, Comparable, Hashable, Sendable, Codable {
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
package struct SwitchRoute: Hashable, Sendable, Codable {
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
package struct SwitchNeighbor: Hashable, Sendable, Codable {
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
package struct TableScope: Hashable, Sendable, Codable {
    package var vrf: String
    package var family: AddressFamily

    package init(vrf: String, family: AddressFamily) {
        self.vrf = vrf
        self.family = family
    }
}

/// One complete and self-checked read of a switch.
package struct SwitchTable: Hashable, Sendable, Codable {
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
