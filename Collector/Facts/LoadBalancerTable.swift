// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A route of the BIG-IP's configuration (`net/route`).
package struct LoadBalancerRoute: Hashable, Sendable, Codable {
    package enum Target: Hashable, Sendable, Codable {
        case gateway(IPAddress)
        case pool(String)
        case interface(String)
        case blackhole
        /// A form this version does not know, in the device's words.
        case other(String)
    }

    package var name: String
    package var prefix: Prefix
    package var routeDomain: Int?
    package var target: Target
    /// Learned from a neighbour, not configured.
    package var isDynamic: Bool

    package init(
        name: String,
        prefix: Prefix,
        routeDomain: Int?,
        target: Target,
        isDynamic: Bool = false
    ) {
        self.name = name
        self.prefix = prefix
        self.routeDomain = routeDomain
        self.target = target
        self.isDynamic = isDynamic
    }
}

/// A virtual server and its state.
package struct VirtualServer: Hashable, Sendable, Codable {
    package var name: String
    package var destination: String
    /// Full path of its default pool.
    package var pool: String?
    package var availability: String
    package var enabled: String
    package var reason: String
    /// `none`, `automap`, `snat`; empty where it was not read. With `none` the pods answer the client
    /// itself, so replies take another way than a monitor's.
    package var translation: String
    /// Its destination's own settings; nil where they could not be read.
    package var address: VirtualAddress?

    package init(
        name: String,
        destination: String,
        pool: String?,
        availability: String,
        enabled: String,
        reason: String,
        translation: String = ""
    ) {
        self.name = name
        self.destination = destination
        self.pool = pool
        self.availability = availability
        self.enabled = enabled
        self.reason = reason
        self.translation = translation
    }

    /// Proven to serve nobody; one that an operator disabled is not down.
    package var isDown: Bool { availability == "offline" && enabled == "enabled" }
}

/// An address that virtual servers share: whether anybody can reach it is not theirs to say.
package struct VirtualAddress: Hashable, Sendable, Codable {
    package var name: String
    package var isEnabled: Bool
    package var answersARP: Bool
    /// By a routing protocol.
    package var isAdvertised: Bool
    /// The units of a group take it over from each other: `/Common/traffic-group-1`.
    package var trafficGroup: String

    package init(
        name: String,
        isEnabled: Bool = true,
        answersARP: Bool = true,
        isAdvertised: Bool = false,
        trafficGroup: String = ""
    ) {
        self.name = name
        self.isEnabled = isEnabled
        self.answersARP = answersARP
        self.isAdvertised = isAdvertised
        self.trafficGroup = trafficGroup
    }
}

/// One pool's members, as one request told them.
package struct LoadBalancerPool: Hashable, Sendable, Codable {
    package var members: [PoolMember]
    /// When they were asked for; nil: in the round that the table is of. A pool whose statistics have not
    /// changed is not asked again in every round.
    package var began: Timestamp?
    /// What the read before said, another one than this; nil before the second.
    package internal(set) var previous: [PoolMember]?
    /// When that was asked for.
    package internal(set) var previousBegan: Timestamp?

    package init(_ members: [PoolMember] = [], began: Timestamp? = nil) {
        self.members = members
        self.began = began
    }

    /// What was known of the pool goes on: an older read is no news, and equal members are kept once.
    func following(_ known: LoadBalancerPool?, asked began: Timestamp) -> LoadBalancerPool {
        guard let known else { return with(began: self.began ?? began, after: nil) }
        if let asked = self.began, let before = known.began, asked <= before { return known }
        var next = with(began: self.began ?? began, after: known)
        if next.members == known.members { next.members = known.members }
        return next
    }

    private func with(began: Timestamp, after known: LoadBalancerPool?) -> LoadBalancerPool {
        var next = self
        next.began = began
        next.previous = known?.members
        next.previousBegan = known?.began
        return next
    }
}

/// One complete read of one BIG-IP unit.
package struct LoadBalancerTable: Hashable, Sendable, Codable {
    package enum Role: String, Hashable, Sendable, Codable { case active, standby, other }

    package var role: Role
    /// By full path, those without a member too.
    package var pools: [String: LoadBalancerPool]
    /// Pools whose members could not be read in this round, and why; what was known of them stands.
    package var unreadPools: [String: String] = [:]
    /// Since when each of them.
    package internal(set) var unreadSince: [String: Timestamp] = [:]
    /// Pools that have changed since they were read, or never were: their turn comes in a later round.
    package var awaitedPools: Set<String> = []
    /// Whose pools were read.
    package var partitions: Set<String>
    /// Of the route domain that the pools' members lie in.
    package var routes: [LoadBalancerRoute]
    /// Why those that are learned are not among them; nil if they are, or are not asked for.
    package var liveRoutesProblem: String?
    /// Self IP networks of that route domain: what is directly connected.
    package var selfNetworks: [Prefix]
    package var virtualServers: [VirtualServer]
    /// Wide IPs that lead to them; nil where they were not asked for, or could not be read.
    package var wideIPs: [WideIP]?
    /// Why they could not be.
    package var wideIPProblem: String?
    /// Longest monitor time-out seen, milliseconds: how long a dead member may still be called up.
    package var monitorTimeout: Int64
    /// How the units' configurations stand to each other, in the device's words: `In Sync`.
    package var synchronization: String

    package init(
        role: Role = .active,
        pools: [String: LoadBalancerPool] = [:],
        partitions: Set<String> = [],
        routes: [LoadBalancerRoute] = [],
        selfNetworks: [Prefix] = [],
        virtualServers: [VirtualServer] = [],
        monitorTimeout: Int64 = 16_000,
        synchronization: String = ""
    ) {
        self.role = role
        self.pools = pools
        self.partitions = partitions
        self.routes = routes
        self.selfNetworks = selfNetworks
        self.virtualServers = virtualServers
        self.monitorTimeout = monitorTimeout
        self.synchronization = synchronization
    }

    /// In order of their pools.
    package var members: [PoolMember] {
        pools.sorted { $0.key < $1.key }.flatMap(\.value.members)
    }

    /// Pools whose members may be believed: all but those that could not be read for that long.
    package func pools(at now: Timestamp, staleAfter: Int64) -> [String: LoadBalancerPool] {
        guard !unreadPools.isEmpty else { return pools }
        return pools.filter { name, pool in
            unreadPools[name] == nil
                || now - (unreadSince[name] ?? pool.began ?? .zero) <= staleAfter
        }
    }

    /// Since when pools could not be read.
    package var doubtBegan: [Timestamp] {
        unreadPools.keys.compactMap { unreadSince[$0] ?? pools[$0]?.began }
    }

    /// Why some members may not be known; nil if all are.
    package var gap: String? {
        if let first = unreadPools.min(by: { $0.key < $1.key }) { return first.value }
        let count = awaitedPools.count
        return count == 0 ? nil : "\(count) pools are still to be read"
    }

    /// What earlier tables told of the pools goes on in this one.
    func following(_ known: LoadBalancerTable?, asked began: Timestamp) -> LoadBalancerTable {
        var next = self
        for name in unreadPools.keys { next.unreadSince[name] = known?.unreadSince[name] ?? began }
        for (name, pool) in pools {
            next.pools[name] = pool.following(known?.pools[name], asked: began)
        }
        return next
    }
}

/// How the load balancer reaches pod networks (`pods-via`).
package enum PodsVia: String, Hashable, Sendable, CaseIterable, Codable {
    case defaultGateway = "default-gateway"
    case staticRoutes = "static"
    case dynamicRoutes = "dynamic"
    case notChecked = "not-checked"
}
