// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What is remembered of a node beyond its last report. Its times are the collector's.
package struct NodeHistory: Hashable, Sendable {
    /// Routes that left the kernel together.
    package struct Sweep: Hashable, Sendable {
        package var from: Timestamp
        package var routes: [KernelRoute]
    }

    /// A device that was made anew under its old name.
    package struct Recreation: Hashable, Sendable {
        package var at: Timestamp
        /// What it had carried and does not carry again.
        package var awaited: Set<Prefix>
    }

    /// By device, until all is back.
    package private(set) var recreated: [String: Recreation] = [:]
    /// The last burst that was one, until what it took is back.
    package private(set) var sweep: Sweep?
    /// The last burst that took routes to single pods alone: whether the pods went too others must tell.
    package private(set) var podSweep: Sweep?
    /// By daemon and session.
    package private(set) var sessions: [SessionKey: SessionHistory] = [:]
    private var devices: [String: Device] = [:]
    /// Of the last report that was complete.
    private var routes: [KernelRoute] = []

    /// What carries pod CIDRs: other devices come and go with pods.
    private struct Device: Hashable {
        var index: UInt32
        private var carried: Set<Prefix> = []
        private var lost: Set<Prefix> = []
        private var lostAt = Timestamp.zero
        private var vanishedAt: Timestamp?

        /// The kernel tells of a device's routes before it tells of the device.
        private static let end: Int64 = 5_000

        init(index: UInt32) { self.index = index }

        mutating func carry(_ prefixes: Set<Prefix>, at now: Timestamp) {
            let gone = carried.subtracting(prefixes)
            if !gone.isEmpty { (lost, lostAt) = (gone, now) }
            (carried, vanishedAt) = (prefixes, nil)
        }

        mutating func vanish(at now: Timestamp) { vanishedAt = vanishedAt ?? now }

        /// What went through it when it went.
        func carriedAtEnd(_ now: Timestamp) -> Set<Prefix> {
            (vanishedAt ?? now) - lostAt <= Self.end ? carried.union(lost) : carried
        }
    }

    /// A command that removes routes is done in milliseconds, and an agent tells at once.
    private static let burst: Int64 = 2_000
    /// What nobody has put back for so long is not missed.
    private static let memory: Int64 = 3_600_000

    package init() {}

    /// A kernel that is not read completely tells of no absence.
    mutating func saw(_ kernel: KernelFacts, _ birds: [String: BIRDFacts], at now: Timestamp) {
        guard kernel.isComplete, hasChanged(kernel) else { return }
        let named = birds.values.flatMap(\.statics).compactMap(\.device)
        for device in Set(named + podDevices + devices.keys) { see(device, kernel, at: now) }
        seeRoutes(kernel.routes, at: now)
        routes = kernel.routes
    }

    /// Most reports tell of BIRD alone.
    private func hasChanged(_ kernel: KernelFacts) -> Bool {
        devices.isEmpty || kernel.routes != routes
            || devices.contains { name, device in kernel.links[name]?.index != device.index }
    }

    private mutating func see(_ name: String, _ kernel: KernelFacts, at now: Timestamp) {
        guard let link = kernel.links[name] else {
            devices[name]?.vanish(at: now)
            return
        }
        let carries = Set(
            kernel.routes.filter { route in
                !route.prefix.isHost && route.nextHops.contains { $0.device == name }
            }.map(\.prefix)
        )
        if let known = devices[name], known.index != link.index {
            let awaited = known.carriedAtEnd(now)
            if !awaited.isEmpty { recreated[name] = Recreation(at: now, awaited: awaited) }
            devices[name] = nil
        }
        recreated[name]?.awaited.subtract(carries)
        if recreated[name]?.awaited.isEmpty ?? false { recreated[name] = nil }
        devices[name, default: Device(index: link.index)].carry(carries, at: now)
    }

    private mutating func seeRoutes(_ next: [KernelRoute], at now: Timestamp) {
        let present = Set(next.map(RouteKey.init))
        let gone = routes.filter { !present.contains(RouteKey($0)) }
        seePods(gone, present, at: now)
        if let old = sweep, now - old.from <= Self.burst {
            sweep?.routes += gone
        } else if gone.count > sweep?.routes.count ?? 0 {
            sweep = Sweep(from: now, routes: gone)
        }
        guard let sweep else { return }
        // Pods that end meanwhile do not come back.
        let lasting = sweep.routes.filter { !$0.prefix.isHost }
        let isBack = lasting.allSatisfy { present.contains(RouteKey($0)) }
        if isBack || now - sweep.from > Self.memory { self.sweep = nil }
    }

    /// A later burst takes an earlier one's place: that was of pods that ended, as likely as not.
    private mutating func seePods(
        _ gone: [KernelRoute],
        _ present: Set<RouteKey>,
        at now: Timestamp
    ) {
        let hosts = gone.filter(\.prefix.isHost)
        if hosts.count == gone.count, !hosts.isEmpty {
            if let old = podSweep, now - old.from <= Self.burst {
                podSweep?.routes += hosts
            } else if hosts.count > 1 {
                podSweep = Sweep(from: now, routes: hosts)
            }
        }
        podSweep?.routes.removeAll { present.contains(RouteKey($0)) }
        guard let sweep = podSweep else { return }
        if sweep.routes.isEmpty || now - sweep.from > Self.memory { podSweep = nil }
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
        /// When it stood again.
        package var back: Timestamp?
        /// That had been negotiated, seconds.
        package var restartTime: UInt32?
        /// BIRD recovers its routes: it went without a farewell.
        package var isGraceful = false
    }

    /// Each Established that came or went, the latest, oldest first; those of a restart or a new configuration
    /// of BIRD, and by an operator, are none.
    package private(set) var transitions: [Timestamp] = []
    /// As `transitions`, those before a restart of BIRD too: what a switch did to all its sessions is told by them.
    package private(set) var moves: [Timestamp] = []
    package private(set) var restart: Restart?
    private var isEstablished: Bool?
    private var restartTime: UInt32?
    private var reboot: String?
    private var unreadSince: Timestamp?
    private var established = Timestamp.zero
    private var reconfiguration = ""
    /// Its last loss came with a restart or a new configuration, or by an operator.
    private var isExcused = false
    /// When its last loss was counted, until it stands again.
    private var loss: Timestamp?

    private static let most = 16
    /// An agent tells that a session is down at once, and a moment later that somebody disabled it.
    private static let confirmation: Int64 = 5_000

    mutating func saw(_ session: BGPSession, of bird: BIRDFacts, at now: Timestamp) {
        let isRestart = reboot.map { !isSameMoment($0, bird.lastReboot) } ?? false
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
        if isRestart { (transitions, isExcused) = ([], true) }
        let isNew =
            !isSameMoment(reconfiguration, bird.lastReconfiguration) || bird.isReconfiguring
        if hasMoved, !session.isEstablished, !isRestart {
            isExcused = isNew || session.isDisabled
        }
        if hasMoved, !isRestart, !isExcused {
            transitions = transitions.suffix(Self.most - 1) + [now]
            moves = moves.suffix(Self.most - 1) + [now]
            loss = now
        }
        if session.isDisabled { excuse(at: now) }
        if session.isEstablished {
            if isEstablished != true || isRestart { established = session.since ?? now }
            isExcused = false
            loss = nil
            restartTime = session.restartTime
            if restart?.back == nil { restart?.back = now }
        }
        (isEstablished, reboot, unreadSince) = (session.isEstablished, bird.lastReboot, nil)
        reconfiguration = bird.lastReconfiguration
    }

    /// The loss that was counted just now was an operator's.
    private mutating func excuse(at now: Timestamp) {
        guard let loss, now - loss <= Self.confirmation else { return }
        if transitions.last == loss { transitions.removeLast() }
        if moves.last == loss { moves.removeLast() }
        (isExcused, self.loss) = (true, nil)
    }

    /// BIRD cannot be read: it may be the beginning of a restart.
    mutating func lostSight(at now: Timestamp) { unreadSince = unreadSince ?? now }
}

/// Whether two of BIRD's texts mean one moment: it computes them anew from two clocks each time, and an agent
/// that begins anew has nothing to compare them with. What is not told is the same.
func isSameMoment(_ left: String, _ right: String) -> Bool {
    guard left != right, !left.isEmpty, !right.isEmpty else { return true }
    guard let (day, seconds) = parts(left), let (otherDay, otherSeconds) = parts(right) else {
        return false
    }
    return day == otherDay && abs(seconds - otherSeconds) <= 2
}

/// `2026-11-27 09:24:26.701`: what stands before the time of day, and that in seconds.
private func parts(_ text: String) -> (day: Substring, seconds: Double)? {
    let clock = text.suffix(while: { $0.isNumber || $0 == ":" || $0 == "." })
    let numbers = clock.split(separator: ":").compactMap { Double($0) }
    guard numbers.count == 3, numbers.allSatisfy({ $0 < 100 }) else { return nil }
    return (text.dropLast(clock.count), (numbers[0] * 60 + numbers[1]) * 60 + numbers[2])
}

extension String {
    fileprivate func suffix(while isPart: (Character) -> Bool) -> Substring {
        self[(lastIndex { !isPart($0) }.map(index(after:)) ?? startIndex)...]
    }
}
