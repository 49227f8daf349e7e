// SPDX-License-Identifier: Apache-2.0
import Routing

/// How many messages a receiver bears.
package struct Pace: Sendable, Hashable {
    package let perMinute: Int
    /// How many at once, after a quiet time.
    package let burst: Int

    package init(perMinute: Int, burst: Int) {
        self.perMinute = perMinute
        self.burst = burst
    }
}

/// A bucket that fills with time; each message takes one token.
struct TokenBucket: Sendable {
    private let pace: Pace
    private var tokens: Double
    private var filledAt: Timestamp?

    init(_ pace: Pace) {
        self.pace = pace
        tokens = Double(pace.burst)
    }

    /// Takes a token, or says in how many milliseconds there will be one.
    mutating func take(at now: Timestamp) -> Int64? {
        let elapsed = filledAt.map { max(0, now - $0) } ?? 0
        tokens = min(Double(pace.burst), tokens + Double(elapsed) * rate)
        filledAt = now
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return Int64(((1 - tokens) / rate).rounded(.up))
    }

    /// Tokens a millisecond.
    private var rate: Double { Double(pace.perMinute) / 60_000 }
}
