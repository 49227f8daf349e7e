// SPDX-License-Identifier: Apache-2.0
import Routing

/// A router's statistics reports as its sign of life: it says nothing else while nothing changes, and an
/// idle TCP connection to a hung router looks as one to a calm one.
struct BMPHeartbeat: Sendable {
    private var last: Timestamp?
    /// The last two times between reports, milliseconds.
    private var gaps: [Int64] = []

    /// Each peer's report of one round comes within this.
    private static let round: Int64 = 500
    /// A busy router is late by seconds, whatever its interval.
    private static let shortestSilence: Int64 = 5_000
    /// Three reports at the 30 s that the README asks for; also while no interval is known.
    static let longestSilence: Int64 = 90_000

    mutating func beat(now: Timestamp) {
        defer { last = now }
        guard let last, now - last > Self.round else { return }
        gaps = gaps.suffix(1) + [now - last]
    }

    /// Three reports missed, milliseconds after the last message of any kind.
    var silence: Int64 {
        guard gaps.count == 2, let gap = gaps.max() else { return Self.longestSilence }
        return min(max(3 * gap, Self.shortestSilence), Self.longestSilence)
    }
}
