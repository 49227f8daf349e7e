// SPDX-License-Identifier: Apache-2.0

package import Routing

/// When a device may be asked again: gently, never in step with others, backing off when it fails.
package struct PollSchedule: Sendable {
    /// Milliseconds between polls when all is well.
    package let period: Int64
    private var failures = 0

    package init(period: Int64) { self.period = period }

    /// The least time from one poll's start to the next, whatever asks for it: a hint that
    /// something moved may hasten a poll, a storm of hints may not become a storm of polls.
    package var floor: Int64 { max(500, period / 5) }

    /// The floor that holds now: when a device is unwell everything around it moves, and it
    /// is not asked more often than in good days for that.
    package var currentFloor: Int64 { failures > Self.quickRetries ? period : floor }

    /// Two quick retries tell a hiccup from an outage.
    private static let quickRetries = 2

    /// Milliseconds to wait after a poll. `random` is anything in 0..<1000: ±10 % jitter.
    package mutating func delay(afterSuccess isGood: Bool, random: Int64) -> Int64 {
        failures = isGood ? 0 : failures + 1
        // Then double, up to ten periods or 5 min.
        let doublings = max(0, failures - Self.quickRetries)
        let longest = max(period, min(period * 10, 300_000))
        let wait = min(period << Int64(min(doublings, 8)), longest)
        return wait * (900 + random % 200) / 1000
    }
}

extension PollSchedule {
    /// Calls `poll`, which says whether it was good, again and again until cancelled.
    ///
    /// `pause` waits that many milliseconds, or less when a hint came; the floor is kept even then.
    package static func run(
        period: Int64,
        clock: @Sendable () -> Timestamp,
        pause: @Sendable (Int64) async -> Void,
        poll: () async -> Bool
    ) async {
        var schedule = PollSchedule(period: period)
        while !Task.isCancelled {
            let began = clock()
            let isGood = await poll()
            guard !Task.isCancelled else { return }
            let delay = schedule.delay(afterSuccess: isGood, random: .random(in: 0..<1000))
            await pause(delay)
            let rest = schedule.currentFloor - (clock() - began)
            if rest > 0 { try? await Task.sleep(for: .milliseconds(rest)) }
        }
    }
}
