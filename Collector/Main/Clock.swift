// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Routing

/// The collector's time: Unix milliseconds read once, then driven by the monotonic clock, so that
/// a correction of the wall clock makes nothing stale and nothing happen twice.
struct CollectorClock: Sendable {
    private let offset: Int64

    init() { offset = wallClockMilliseconds() - monotonicMilliseconds() }

    func now() -> Timestamp { Timestamp(milliseconds: monotonicMilliseconds() + offset) }
}
