// SPDX-License-Identifier: Apache-2.0
package import Routing

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
    /// The sockets of each pool, as last seen.
    private var sockets: [String: Set<ServiceEndpoints.Socket>] = [:]
    /// The first good read: what was there then has been for longer.
    package private(set) var firstReadAt: Timestamp?

    private static let memory: Int64 = 3_600_000
    /// More than any unit has; names alone.
    private static let mostPools = 20_000

    package init() {}

    /// A whole table: a pool that it lacks has lost what it had.
    mutating func saw(_ pools: [String: LoadBalancerPool], at now: Timestamp) {
        firstReadAt = firstReadAt ?? now
        for (name, pool) in pools { saw(pool, name, at: now) }
        for name in sockets.keys where pools[name] == nil {
            saw(LoadBalancerPool(), name, at: now)
            sockets[name] = nil
        }
        // A pool that is gone as a whole is remembered until it is back, unless there are too many of those.
        let isFull = lastLoss.count > Self.mostPools
        lastLoss = lastLoss.filter {
            now - $0.value < Self.memory || !isFull && pools[$0.key] == nil
        }
        gone = gone.filter { now - $0.value < Self.memory }
    }

    /// Changes count from when the pool was asked for: what is heard of Kubernetes after that is newer.
    mutating func saw(_ pool: LoadBalancerPool, _ name: String, at arrival: Timestamp) {
        let now = pool.began ?? arrival
        let present = pool.sockets
        let known = sockets[name] ?? []
        for socket in present.subtracting(known) {
            let key = PoolSocket(pool: name, socket: socket)
            since[key] = now
            gone[key] = nil
        }
        for socket in known.subtracting(present) {
            let key = PoolSocket(pool: name, socket: socket)
            since[key] = nil
            gone[key] = now
            lastLoss[name] = now
        }
        sockets[name] = present
    }

    package func lastGone(of pool: String) -> Timestamp? { lastLoss[pool] }
}

extension LoadBalancerPool {
    package var sockets: Set<ServiceEndpoints.Socket> { Self.sockets(of: members) }
    /// Of the read before, if there was one.
    package var previousSockets: Set<ServiceEndpoints.Socket>? { previous.map(Self.sockets) }

    private static func sockets(of members: [PoolMember]) -> Set<ServiceEndpoints.Socket> {
        Set(members.compactMap(\.socket))
    }
}

extension PoolMember {
    /// Where it answers; nil for one whose address DNS gives.
    package var socket: ServiceEndpoints.Socket? {
        address.map { ServiceEndpoints.Socket(address: $0, port: port) }
    }
}
