// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What is remembered of one route on one switch beyond its last two reads. Its times are the
/// collector's: a route that was there before the collector has been seen since its first read.
package struct RouteHistory: Hashable, Sendable {
    /// A time without the route, between two with it.
    package struct Absence: Hashable, Sendable {
        package var from: Timestamp
        package var to: Timestamp
    }

    /// The first read of its present or last stay.
    package private(set) var firstSeen = Timestamp.zero
    /// The last read that had it.
    package private(set) var lastConfirmed = Timestamp.zero
    /// The first read without it; nil while it is there.
    package private(set) var goneSince: Timestamp?
    /// The latest, oldest first.
    package private(set) var absences: [Absence] = []
    /// When it last changed: came, went, or got other next hops or another protocol.
    package private(set) var changedAt = Timestamp.zero
    /// When it last had several next hops at once.
    package private(set) var severalSeenAt: Timestamp?
    /// The last loss of each next hop that it has had; it may be back. `from`: the last read that had it.
    package private(set) var lostHops: [IPAddress: Absence] = [:]
    private var nextHops: [IPAddress] = []
    private var protocolName = ""

    /// Three make it flap; a few more tell how badly.
    private static let absenceLimit = 16
    /// A node has few addresses that a switch may send to.
    private static let hopLimit = 16
    /// How long a route that went is remembered, milliseconds.
    private static let memory: Int64 = 3_600_000
    /// A switch's clock and ours meet at reads only: an age is good to the second, a read takes some.
    private static let slack: Int64 = 5_000

    package init() {}

    mutating func saw(_ route: SwitchRoute, at now: Timestamp) {
        if let gone = goneSince {
            note(Absence(from: gone, to: now))
            firstSeen = now
        } else if firstSeen == .zero {
            firstSeen = now
        } else if let age = route.age, now - age * 1_000 > lastConfirmed + Self.slack, isSame(route)
        {
            // It was installed anew between two reads, as it had been: no other next hops, so no change.
            note(Absence(from: lastConfirmed, to: now - age * 1_000))
            firstSeen = now - age * 1_000
        }
        if goneSince != nil || !isSame(route) { changedAt = now }
        lose(nextHops.filter { !route.nextHops.contains($0) }, at: now)
        goneSince = nil
        lastConfirmed = now
        (nextHops, protocolName) = (route.nextHops, route.protocolName)
        if route.nextHops.count > 1 { severalSeenAt = now }
    }

    private func isSame(_ route: SwitchRoute) -> Bool {
        nextHops == route.nextHops && protocolName == route.protocolName
    }

    mutating func missed(at now: Timestamp) {
        if goneSince == nil {
            (goneSince, changedAt) = (now, now)
            lose(nextHops, at: now)
        }
    }

    private mutating func lose(_ hops: [IPAddress], at now: Timestamp) {
        for hop in hops {
            lostHops[hop] = Absence(from: lastConfirmed, to: now)
            guard lostHops.count > Self.hopLimit else { continue }
            let oldest = lostHops.min { ($0.value.to, $0.key) < ($1.value.to, $1.key) }
            if let oldest { lostHops[oldest.key] = nil }
        }
    }

    func isForgotten(at now: Timestamp) -> Bool {
        goneSince.map { now - $0 > Self.memory } ?? false
    }

    private mutating func note(_ absence: Absence) {
        absences.append(absence)
        if absences.count > Self.absenceLimit { absences.removeFirst() }
    }
}
