// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What is remembered of a node beyond its last report. Its times are the collector's.
package struct NodeHistory: Hashable, Sendable {
    /// Routes that left the kernel together.
    package struct Sweep: Hashable, Sendable {
        package var from: Timestamp
        package var routes: [KernelRoute]
    }

    /// Devices that were made anew under their old name and have carried no route since; when that was seen.
    package private(set) var recreated: [String: Timestamp] = [:]
    /// The last burst, until most of it is back.
    package private(set) var sweep: Sweep?
    /// By daemon and session.
    package private(set) var sessions: [SessionKey: SessionHistory] = [:]
    private var indexes: [String: UInt32] = [:]

    /// A command that removes routes is done in milliseconds, and an agent tells at once.
    private static let burst: Int64 = 2_000

    package init() {}

    /// A kernel that is not read completely tells of no absence.
    mutating func saw(_ kernel: KernelFacts, after old: KernelFacts, at now: Timestamp) {
        seeDevices(kernel, at: now)
        guard kernel.isComplete, old.isComplete, kernel.routes != old.routes else { return }
        let present = Set(kernel.routes.map(RouteKey.init))
        let gone = old.routes.filter { !present.contains(RouteKey($0)) }
        if !gone.isEmpty {
            let isSame = sweep.map { now - $0.from <= Self.burst } ?? false
            if isSame { sweep?.routes += gone } else { sweep = Sweep(from: now, routes: gone) }
        }
        let isHealed =
            sweep.map { sweep in
                let back = sweep.routes.count { present.contains(RouteKey($0)) }
                return back * 2 >= sweep.routes.count
            } ?? false
        if isHealed { sweep = nil }
    }

    private mutating func seeDevices(_ kernel: KernelFacts, at now: Timestamp) {
        for (name, link) in kernel.links {
            if let known = indexes[name], known != link.index { recreated[name] = now }
            indexes[name] = link.index
        }
        guard !recreated.isEmpty else { return }
        for device in kernel.routes.flatMap(\.nextHops).compactMap(\.device) {
            recreated[device] = nil
        }
    }

    /// What a daemon that cannot be read was last known to have stands.
    mutating func saw(_ birds: [String: BIRDFacts], at now: Timestamp) {
        for (daemon, facts) in birds where facts.condition == .readable {
            for (name, session) in facts.sessions {
                let key = SessionKey(daemon: daemon, name: name)
                sessions[key, default: SessionHistory()].saw(session, of: facts, at: now)
            }
        }
        for key in sessions.keys {
            guard let facts = birds[key.daemon], facts.condition != .readable else { continue }
            sessions[key]?.lostSight(at: now)
        }
        sessions = sessions.filter { key, _ in
            guard let facts = birds[key.daemon], facts.condition == .readable else { return true }
            return facts.sessions[key.name] != nil
        }
    }
}

/// What makes one route of the kernel another: the CNI that puts a route back need not choose the same way.
private struct RouteKey: Hashable {
    let prefix: Prefix
    let table: UInt32

    init(_ route: KernelRoute) { (prefix, table) = (route.prefix, route.table) }
}

package struct SessionKey: Hashable, Sendable {
    package var daemon: String
    package var name: String

    package init(daemon: String, name: String) {
        self.daemon = daemon
        self.name = name
    }
}

/// When a session came and went.
package struct SessionHistory: Hashable, Sendable {
    /// A loss by a restart of BIRD.
    package struct Restart: Hashable, Sendable {
        /// The last moment at which the session may have stood.
        package var at: Timestamp
        /// Since when it had stood.
        package var established: Timestamp
        /// That had been negotiated, seconds.
        package var restartTime: UInt32?
        /// BIRD recovers its routes: it went without a farewell.
        package var isGraceful = false
    }

    /// Each Established that came or went, the latest, oldest first; those of a restart or a new configuration
    /// of BIRD, and by an operator, are none.
    package private(set) var transitions: [Timestamp] = []
    package private(set) var restart: Restart?
    private var isEstablished: Bool?
    private var restartTime: UInt32?
    private var reboot: String?
    private var unreadSince: Timestamp?
    private var established = Timestamp.zero
    private var reconfiguration = ""
    /// Its last loss came with a new configuration.
    private var isReconfigured = false

    private static let most = 16

    mutating func saw(_ session: BGPSession, of bird: BIRDFacts, at now: Timestamp) {
        let isRestart = reboot.map { $0 != bird.lastReboot } ?? false
        if isRestart, isEstablished == true {
            restart = Restart(
                at: unreadSince ?? now,
                established: established,
                restartTime: restartTime
            )
        }
        if bird.isRecovering { restart?.isGraceful = true }
        let hasMoved = isEstablished.map { $0 != session.isEstablished } ?? false
        // Whoever restarts BIRD has seen to it: what its sessions do now is counted anew.
        if isRestart { transitions = [] }
        let isNew = reconfiguration != bird.lastReconfiguration || bird.isReconfiguring
        if hasMoved, !session.isEstablished { isReconfigured = isNew }
        if hasMoved, !isRestart, !session.isDisabled, !isReconfigured {
            transitions = transitions.suffix(Self.most - 1) + [now]
        }
        if session.isEstablished {
            if isEstablished != true || isRestart {
                (established, isReconfigured) = (session.since ?? now, false)
            }
            restartTime = session.restartTime
        }
        (isEstablished, reboot, unreadSince) = (session.isEstablished, bird.lastReboot, nil)
        reconfiguration = bird.lastReconfiguration
    }

    /// BIRD cannot be read: it may be the beginning of a restart.
    mutating func lostSight(at now: Timestamp) { unreadSince = unreadSince ?? now }
}
