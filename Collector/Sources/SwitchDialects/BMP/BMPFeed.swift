// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// What one router's BMP connections come to, as a machine: bytes and time in, reads of the switch and
/// hints out.
///
///     waiting ──opened──► telling ──all told──► live ──closed──► waiting
///
/// Each connection begins with empty tables of its own; what the one before told stands, and ages, until
/// the new one has told all.
package struct BMPFeed: Sendable {
    package enum Action: Sendable, Equatable {
        /// What the router has now: complete.
        case read(SwitchTable)
        /// Why nothing can be believed.
        case failed(String)
        /// Something moved: who can be asked should be.
        case moved
        /// End the connection.
        case close
    }

    private let supernets: [Prefix]
    private var router: BMPRouter?
    private var lastMessage = Timestamp.zero
    private var isLive = false
    /// When the tables are told, if something changed or was not told for a while.
    private var nextTelling = Timestamp.zero
    private var isDirty = false

    /// Changes come in bursts, a session's all at once: they are told together.
    private static let settling: Int64 = 20
    /// What still stands is told again: absence is believed once it was told twice.
    private static let confirmation: Int64 = 5_000
    private static let repetition: Int64 = 15_000
    /// Three statistics reports at the 30 s that are asked for in the README.
    static let silence: Int64 = 90_000

    package init(supernets: [Prefix]) { self.supernets = supernets }

    /// Nil while no router is connected.
    package var deadline: Timestamp? {
        guard router != nil else { return nil }
        return min(nextTelling, lastMessage + Self.silence)
    }

    package mutating func opened(now: Timestamp) {
        router = BMPRouter()
        lastMessage = now
        isLive = false
        isDirty = true
        nextTelling = now + BMPRouter.quietTime
    }

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [Action] {
        guard router != nil else { return [] }
        lastMessage = now
        do throws(BGPError) {
            try router?.received(bytes, now: now)
        } catch {
            router = nil
            return [.failed("BMP: \(error)"), .close]
        }
        let changes = router?.takeChanges()
        let isChange = changes.map { $0.contains(where: isOfInterest) } ?? true
        guard isChange || !isLive else { return [] }
        isDirty = true
        nextTelling = min(nextTelling, now + Self.settling)
        return isLive && isChange ? [.moved] : []
    }

    package mutating func closed(now: Timestamp) -> [Action] {
        guard router != nil else { return [] }
        router = nil
        return [.failed("the router's BMP connection ended")]
    }

    package mutating func timerFired(now: Timestamp) -> [Action] {
        guard let router, let deadline, now >= deadline else { return [] }
        guard now - lastMessage < Self.silence else {
            self.router = nil
            return [.failed("BMP: no message for \(Self.silence / 1_000) s"), .close]
        }
        return tell(router, now)
    }

    private mutating func tell(_ router: BMPRouter, _ now: Timestamp) -> [Action] {
        guard router.isSettled(at: now) else {
            nextTelling = now + 500
            return []
        }
        isLive = true
        nextTelling = now + (isDirty ? Self.confirmation : Self.repetition)
        isDirty = false
        if let problem = router.problems.first { return [.failed("BMP: \(problem)")] }
        return [.read(table(router))]
    }

    private func isOfInterest(_ prefix: Prefix) -> Bool {
        supernets.contains { $0.overlaps(prefix) }
    }

    private func table(_ router: BMPRouter) -> SwitchTable {
        var table = SwitchTable(neighbors: router.neighbors, hasSummary: true)
        for prefix in router.prefixes where isOfInterest(prefix) {
            table.routes[prefix] = router.routes(prefix)
        }
        return table
    }
}
