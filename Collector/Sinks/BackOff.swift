// SPDX-License-Identifier: Apache-2.0

/// How long an outbox waits before it tries again.
struct BackOff: Sendable {
    private var failures = 0

    /// Milliseconds; `jitter` is about 1.
    mutating func delay(after error: SinkError, jitter: Double) -> Int64 {
        defer { failures += 1 }
        let (first, longest) = Self.range(of: error.class)
        let own = Double(min(first << min(failures, 10), longest)) * jitter
        // What a receiver asks for is the least it gets, within reason.
        let asked = Double(min(error.retryAfter ?? 0, 3_600_000)) * max(1, jitter)
        return Int64(max(own, asked))
    }

    private static func range(of class: SinkError.Class) -> (first: Int64, longest: Int64) {
        switch `class` {
        // A restart of a chat's server takes seconds, and after an outage of an hour a minute is soon enough.
        case .unavailable, .rejected: (1_000, 60_000)
        // Robots count by the minute, and one that is overrun is shut for ten.
        case .limited: (30_000, 600_000)
        // A person has to act; asking on and on locks accounts.
        case .unauthorized: (15_000, 300_000)
        }
    }
}
