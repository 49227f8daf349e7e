// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A pool member as the BIG-IP's `members/stats` tells it: three axes, none of which is a Bool.
package struct PoolMember: Hashable, Sendable {
    /// Full path: `/K8S/cfgmap_default_web_web`.
    package var pool: String
    package var address: IPAddress?
    package var routeDomain: Int?
    package var port: Int
    /// `available`, `offline`, `unknown`, `unavailable`, or the device's own word.
    package var availability: String
    /// `enabled`, `disabled`, `disabled-by-parent`.
    package var enabled: String
    /// sessionStatus: `enabled`, `user-disabled`, `addr-disabled`.
    package var session: String
    /// monitorStatus: `up`, `down`, `checking`, `forced-down`, `unchecked` …
    package var monitor: String
    /// The device's own sentence; outside text.
    package var reason: String

    package init(
        pool: String,
        address: IPAddress?,
        routeDomain: Int?,
        port: Int,
        availability: String,
        enabled: String,
        session: String,
        monitor: String,
        reason: String
    ) {
        self.pool = pool
        self.address = address
        self.routeDomain = routeDomain
        self.port = port
        self.availability = availability
        self.enabled = enabled
        self.session = session
        self.monitor = monitor
        self.reason = reason
    }

    /// What a monitor proved: true, false, or nil where the device itself does not know
    /// (checking, unchecked, forced down by an operator, FQDN template, unknown word).
    package var isUp: Bool? {
        guard address != nil else { return nil }
        return switch monitor {
        case "up": availability == "available" ? true : nil
        case "down", "address-down": availability == "offline" ? false : nil
        default: nil
        }
    }
}

/// A route of the BIG-IP's configuration (`net/route`).
package struct LoadBalancerRoute: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
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

    package init(name: String, prefix: Prefix, routeDomain: Int?, target: Target) {
        self.name = name
        self.prefix = prefix
        self.routeDomain = routeDomain
        self.target = target
    }
}

/// A virtual server and its state.
package struct VirtualServer: Hashable, Sendable {
    package var name: String
    package var destination: String
    /// Full path of its default pool.
    package var pool: String?
    package var availability: String
    package var enabled: String
    package var reason: String

    package init(
        name: String,
        destination: String,
        pool: String?,
        availability: String,
        enabled: String,
        reason: String
    ) {
        self.name = name
        self.destination = destination
        self.pool = pool
        self.availability = availability
        self.enabled = enabled
        self.reason = reason
    }
}

/// One complete read of one BIG-IP unit.
package struct LoadBalancerTable: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable { case active, standby, other }

    package var role: Role
    package var members: [PoolMember]
    /// Full paths, those without a member too.
    package var pools: Set<String>
    /// Whose pools were read.
    package var partitions: Set<String>
    package var routes: [LoadBalancerRoute]
    /// Self IP networks with their route domain: what is directly connected.
    package var selfNetworks: [Prefix]
    package var virtualServers: [VirtualServer]
    /// Longest monitor time-out seen, milliseconds: how long a dead member may still be called up.
    package var monitorTimeout: Int64

    package init(
        role: Role = .active,
        members: [PoolMember] = [],
        pools: Set<String> = [],
        partitions: Set<String> = [],
        routes: [LoadBalancerRoute] = [],
        selfNetworks: [Prefix] = [],
        virtualServers: [VirtualServer] = [],
        monitorTimeout: Int64 = 16_000
    ) {
        self.role = role
        self.members = members
        self.pools = pools
        self.partitions = partitions
        self.routes = routes
        self.selfNetworks = selfNetworks
        self.virtualServers = virtualServers
        self.monitorTimeout = monitorTimeout
    }
}

/// How the load balancer reaches pod networks (`pods-via`).
package enum PodsVia: String, Hashable, Sendable, CaseIterable {
    case defaultGateway = "default-gateway"
    case staticRoutes = "static"
    case dynamicRoutes = "dynamic"
    case notChecked = "not-checked"
}

/// A member of a pool as Kubernetes knows it: where its pod answers.
package struct PoolSocket: Sendable, Hashable {
    package var pool: String
    package var socket: ServiceEndpoints.Socket

    package init(pool: String, socket: ServiceEndpoints.Socket) {
        self.pool = pool
        self.socket = socket
    }
}

/// Since when a unit has which member, and when those that are gone were last there.
package struct MemberHistory: Sendable, Equatable {
    package private(set) var since: [PoolSocket: Timestamp] = [:]
    package private(set) var gone: [PoolSocket: Timestamp] = [:]
    /// When each pool last lost a member.
    private var lastLoss: [String: Timestamp] = [:]
    /// The first good read: what was there then has been for longer.
    package private(set) var firstReadAt: Timestamp?

    private static let memory: Int64 = 3_600_000

    package init() {}

    mutating func saw(_ members: [PoolMember], at now: Timestamp) {
        firstReadAt = firstReadAt ?? now
        var present: [PoolSocket: Timestamp] = [:]
        for member in members {
            guard let address = member.address else { continue }
            let socket = ServiceEndpoints.Socket(address: address, port: member.port)
            let key = PoolSocket(pool: member.pool, socket: socket)
            present[key] = since[key] ?? now
        }
        for key in since.keys where present[key] == nil {
            gone[key] = now
            lastLoss[key.pool] = now
        }
        lastLoss = lastLoss.filter { now - $0.value < Self.memory }
        gone = gone.filter { now - $0.value < Self.memory && present[$0.key] == nil }
        since = present
    }

    package func lastGone(of pool: String) -> Timestamp? { lastLoss[pool] }
}

/// A configured load balancer: its units, each read for itself.
package struct LoadBalancerFacts: Sendable, Equatable {
    package var name: String
    package var podsVia: PodsVia
    /// By unit URL.
    package var units: [String: Readings<LoadBalancerTable>]
    /// By unit URL, where Kubernetes says what pools should hold.
    package internal(set) var members: [String: MemberHistory] = [:]

    package init(name: String, podsVia: PodsVia, units: [String: Readings<LoadBalancerTable>]) {
        self.name = name
        self.podsVia = podsVia
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
