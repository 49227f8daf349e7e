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

    package init(
        prefix: Prefix,
        vrf: String,
        nextHops: [IPAddress],
        protocolName: String,
        isBest: Bool,
        evidence: RouteEvidence = .inRIB
    ) {
        self.prefix = prefix
        self.vrf = vrf
        self.nextHops = nextHops
        self.protocolName = protocolName
        self.isBest = isBest
        self.evidence = evidence
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

/// One complete and self-checked read of a switch.
package struct SwitchTable: Hashable, Sendable {
    package var routes: [Prefix: [SwitchRoute]]
    package var neighbors: [IPAddress: SwitchNeighbor]
    /// False if the source could not be asked for a summary: then an empty table proves nothing.
    package var hasSummary: Bool

    package init(
        routes: [Prefix: [SwitchRoute]] = [:],
        neighbors: [IPAddress: SwitchNeighbor] = [:],
        hasSummary: Bool = false
    ) {
        self.routes = routes
        self.neighbors = neighbors
        self.hasSummary = hasSummary
    }

    /// What the switch forwards `prefix` by, if it has exactly that prefix in `vrf`.
    package func best(_ prefix: Prefix, vrf: String = "default") -> SwitchRoute? {
        routes[prefix]?.first { $0.isBest && $0.vrf == vrf }
    }

    /// A VRF that has the prefix where `vrf` lacks it.
    package func otherVRF(_ prefix: Prefix, than vrf: String) -> String? {
        routes[prefix]?.filter { $0.isBest && $0.vrf != vrf }.map(\.vrf).min()
    }
}

/// A configured switch and what was read of it.
package struct SwitchFacts: Sendable, Equatable {
    package var name: String
    /// The switch as BIRD's `neighbor` sees it: joins uplinks to switches.
    package var neighbors: [IPAddress]
    /// Where the pod CIDRs should be.
    package var vrf: String
    package var readings: Readings<SwitchTable>

    package init(
        name: String,
        neighbors: [IPAddress],
        vrf: String = "default",
        readings: Readings<SwitchTable>
    ) {
        self.name = name
        self.neighbors = neighbors
        self.vrf = vrf
        self.readings = readings
    }
}
