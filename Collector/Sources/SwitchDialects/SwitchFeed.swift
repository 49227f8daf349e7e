// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// What a switch brings by itself, over a connection that it makes: a machine, bytes and time in, reads
/// and hints out.
///
///     waiting ──opened──► telling ──all told──► live ──closed──► waiting
///
/// Each connection begins with empty tables of its own; what the one before told stands, and ages, until
/// the new one has told all.
package protocol SwitchFeed: Sendable {
    /// When `timerFired` is wanted; nil while there is nothing to wait for.
    var deadline: Timestamp? { get }
    mutating func opened(now: Timestamp) -> [FeedAction]
    mutating func received(_ bytes: [UInt8], now: Timestamp) -> [FeedAction]
    mutating func timerFired(now: Timestamp) -> [FeedAction]
    mutating func closed(now: Timestamp) -> [FeedAction]
}

package enum FeedAction: Sendable, Equatable {
    case send([UInt8])
    /// What the switch has now: complete.
    case read(SwitchTable)
    /// Why nothing can be believed.
    case failed(String)
    /// Something moved: who can be asked should be.
    case moved
    /// End the connection.
    case close
}

extension [Prefix] {
    /// Whether a switch's prefix has to do with these supernets: inside one, or around it.
    func concern(_ prefix: Prefix) -> Bool { contains { $0.overlaps(prefix) } }
}

/// The most routes of a table that are handed on: several times the largest fleet's.
let feedRouteLimit = 200_000

/// The longest time between two reads that a feed hands on, milliseconds.
package let feedPeriod = FeedPace.repetition

/// When tables that change by themselves are told.
struct FeedPace: Sendable {
    private(set) var isLive = false
    private(set) var next = Timestamp.zero
    private var isDirty = true

    /// Changes come in bursts, a session's all at once: they are told together.
    private static let settling: Int64 = 20
    /// Telling a large table costs; a storm of changes may not become a storm of tables.
    private static let rest: Int64 = 250
    /// What still stands is told again: absence is believed once it was told twice.
    private static let confirmation: Int64 = 5_000
    fileprivate static let repetition: Int64 = 15_000
    /// How often it is looked whether all was told.
    private static let patience: Int64 = 500

    private var lastTold: Timestamp?

    mutating func begin(now: Timestamp, firstAfter wait: Int64) {
        self = FeedPace()
        next = now + wait
    }

    mutating func changed(now: Timestamp) {
        isDirty = true
        next = min(next, max(now + Self.settling, lastTold.map { $0 + Self.rest } ?? now))
    }

    /// Something is still to come whose end makes no change.
    mutating func lookAgain(now: Timestamp) { next = min(next, now + Self.patience) }

    mutating func notYet(now: Timestamp) { next = now + Self.patience }

    mutating func told(now: Timestamp) {
        isLive = true
        lastTold = now
        next = now + (isDirty ? Self.confirmation : Self.repetition)
        isDirty = false
    }
}
