// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What is watched, as it is configured: all that a snapshot needs before any source has spoken.
package struct WatchedSite: Sendable, Equatable, Codable {
    package struct Switch: Sendable, Equatable, Codable {
        package var name: String
        package var neighbors: [IPAddress]
        /// As `SwitchFacts.door`.
        package var door: String?
        package var vrf: String
        package var dialect: SwitchFacts.Dialect
        package var paths: SwitchFacts.PathsExpected
        /// Milliseconds after which a read is stale.
        package var ways: [SwitchWay: Int64]

        package init(
            name: String,
            neighbors: [IPAddress],
            door: String? = nil,
            vrf: String,
            dialect: SwitchFacts.Dialect,
            paths: SwitchFacts.PathsExpected,
            ways: [SwitchWay: Int64]
        ) {
            self.name = name
            self.neighbors = neighbors
            self.door = door
            self.vrf = vrf
            self.dialect = dialect
            self.paths = paths
            self.ways = ways
        }
    }

    package struct LoadBalancer: Sendable, Equatable, Codable {
        package var name: String
        package var podsVia: PodsVia
        package var hasGTM: Bool
        package var units: [String]
        package var staleAfter: Int64

        package init(
            name: String,
            podsVia: PodsVia,
            hasGTM: Bool,
            units: [String],
            staleAfter: Int64
        ) {
            self.name = name
            self.podsVia = podsVia
            self.hasGTM = hasGTM
            self.units = units
            self.staleAfter = staleAfter
        }
    }

    package var cluster: String
    package var podSupernets: [Prefix]
    package var agentStaleAfter: Int64
    package var intentSource: IntentSource
    package var hasAgents: Bool
    package var hasKubernetes: Bool
    package var memberPatience: Int64
    package var switches: [Switch] = []
    package var loadBalancers: [LoadBalancer] = []

    package init(
        cluster: String,
        podSupernets: [Prefix],
        agentStaleAfter: Int64,
        intentSource: IntentSource,
        hasAgents: Bool,
        hasKubernetes: Bool,
        memberPatience: Int64
    ) {
        self.cluster = cluster
        self.podSupernets = podSupernets
        self.agentStaleAfter = agentStaleAfter
        self.intentSource = intentSource
        self.hasAgents = hasAgents
        self.hasKubernetes = hasKubernetes
        self.memberPatience = memberPatience
    }
}

extension Snapshot {
    /// What is believed before any source has spoken.
    package init(_ site: WatchedSite, startedAt now: Timestamp) {
        self.init(
            cluster: site.cluster,
            podSupernets: site.podSupernets,
            agentStaleAfter: site.agentStaleAfter,
            intentSource: site.intentSource,
            startedAt: now
        )
        hasAgents = site.hasAgents
        if site.hasKubernetes { kubernetes = ClusterFacts() }
        memberPatience = site.memberPatience
        for item in site.switches {
            switches[item.name] = SwitchFacts(
                name: item.name,
                neighbors: item.neighbors,
                door: item.door,
                vrf: item.vrf,
                dialect: item.dialect,
                pathsExpected: item.paths,
                ways: item.ways
            )
        }
        for item in site.loadBalancers {
            let readings = Readings<LoadBalancerTable>(staleAfter: item.staleAfter)
            loadBalancers[item.name] = LoadBalancerFacts(
                name: item.name,
                podsVia: item.podsVia,
                hasGTM: item.hasGTM,
                units: Dictionary(item.units.map { ($0, readings) }) { first, _ in first }
            )
        }
    }
}
