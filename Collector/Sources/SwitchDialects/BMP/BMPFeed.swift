// SPDX-License-Identifier: Apache-2.0
import Facts
package import Routing

/// What one router's BMP connections come to. Nothing is ever sent to it.
package struct BMPFeed: SwitchFeed {
    private let supernets: [Prefix]
    private let families: Set<AddressFamily>
    private var router: BMPRouter?
    private var lastMessage = Timestamp.zero
    private var pace = FeedPace()

    package init(supernets: [Prefix]) {
        self.supernets = supernets
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
        if let doubt = router.doubts.map(\.words).min() {
            pace.told(now: now)
            return [.failed("BMP: \(doubt)")]
        }
        let isSettled = router.settle(families, at: now)
        if isSettled { _ = router.takeChanges() }
        self.router = router
        guard isSettled else {
            pace.notYet(now: now)
            return []
        }
        pace.told(now: now)
        if let problem = router.problems.first { return [.failed("BMP: \(problem)")] }
        return [.read(table(router))]
    }

    private func table(_ router: BMPRouter) -> SwitchTable {
        var table = SwitchTable(neighbors: router.neighbors, hasSummary: true)
        table.routes = router.routes(where: supernets.concern)
        table.announcers = router.announcers(where: supernets.concern)
        return table
    }
}
