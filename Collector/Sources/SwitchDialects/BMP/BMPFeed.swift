// SPDX-License-Identifier: Apache-2.0
import Facts
package import Routing

/// What one router's BMP connections come to. Nothing is ever sent to it.
package struct BMPFeed: SwitchFeed {
    private let supernets: [Prefix]
    private let vrf: String
    private let families: Set<AddressFamily>
    private var router: BMPRouter?
    private var lastMessage = Timestamp.zero
    private var pace = FeedPace()

    /// `vrf` is the one whose neighbours count.
    package init(supernets: [Prefix], vrf: String = "default") {
        self.supernets = supernets
        self.vrf = vrf
        families = Set(supernets.map(\.family))
    }

    package var deadline: Timestamp? {
        router.map { min(pace.next, lastMessage + $0.heartbeat.silence) }
    }

    package mutating func opened(now: Timestamp) -> [FeedAction] {
        router = BMPRouter()
        lastMessage = now
        pace.begin(now: now, firstAfter: 1_000)
        return []
    }

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [FeedAction] {
        guard let before = router?.messageCount else { return [] }
        do throws(BGPError) {
            try router?.received(bytes, now: now)
        } catch {
            router = nil
            return [.failed("BMP: \(error)"), .close]
        }
        // Part of a message is no sign of life.
        if router?.messageCount != before { lastMessage = now }
        // Until all was told everything is new, and need not be named.
        guard pace.isLive else {
            pace.changed(now: now)
            return []
        }
        let changes = router?.takeChanges()
        guard changes.map({ $0.contains(where: supernets.concern) }) ?? true else { return [] }
        pace.changed(now: now)
        return [.moved]
    }

    package mutating func closed(now: Timestamp) -> [FeedAction] {
        guard router != nil else { return [] }
        router = nil
        return [.failed("the router's BMP connection ended")]
    }

    package mutating func timerFired(now: Timestamp) -> [FeedAction] {
        guard var router, let deadline, now >= deadline else { return [] }
        let silence = router.heartbeat.silence
        guard now - lastMessage < silence else {
            self.router = nil
            return [.failed("BMP: no message for \(silence / 1_000) s"), .close]
        }
        // What was lost does not come again.
        if let doubt = router.doubts.min(by: { $0.words < $1.words }) {
            pace.told(now: now)
            // Lost messages come again with a new connection; too much would be too much again.
            if doubt == .tooMuch { self.router = nil }
            return [.failed("BMP: \(doubt.words)")] + (doubt == .tooMuch ? [.close] : [])
        }
        let untold = router.untold(families, at: now)
        // The first time all must have told; later a peer that comes back blinds nobody but itself.
        let canTell = untold.map { pace.isLive || $0.isEmpty } ?? false
        if canTell { _ = router.takeChanges() }
        self.router = router
        guard canTell, let untold else {
            pace.notYet(now: now)
            return []
        }
        pace.told(now: now)
        if !untold.isEmpty { pace.lookAgain(now: now) }
        if let problem = router.problems.first { return [.failed("BMP: \(problem)")] }
        return [result(router, untold)]
    }

    private func result(_ router: BMPRouter, _ untold: Set<IPAddress>) -> FeedAction {
        var table = SwitchTable(neighbors: router.neighbors(in: vrf), hasSummary: true)
        table.routes = router.routes(where: supernets.concern)
        guard table.routes.count <= feedRouteLimit else {
            return .failed("BMP: more than \(feedRouteLimit) routes of pods")
        }
        table.announcers = router.announcers(in: vrf, where: supernets.concern)
        table.covered = router.covered
        table.untold = untold
        return .read(table)
    }
}
