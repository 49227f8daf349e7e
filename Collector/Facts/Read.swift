// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A complete, parsed and self-checked answer of a source, and when it arrived.
package struct Read<Value: Sendable & Equatable>: Sendable, Equatable {
    package let value: Value
    package let at: Timestamp
    /// When it was asked for: what happened later is not in it.
    package let began: Timestamp

    package init(value: Value, at: Timestamp, took duration: Int64 = 0) {
        self.value = value
        self.at = at
        began = at - duration
    }
}

/// Why the last attempt gave nothing to believe. `since` is the first of the unbroken run.
package struct ReadFailure: Sendable, Equatable {
    package let reason: String
    package let since: Timestamp
    package let attempts: Int

    /// One more in the unbroken run of which `previous` is the last; nil: the first.
    init(_ reason: String, at now: Timestamp, after previous: ReadFailure?) {
        self.init(
            reason: reason,
            since: previous?.since ?? now,
            attempts: (previous?.attempts ?? 0) + 1
        )
    }

    package init(reason: String, since: Timestamp, attempts: Int) {
        self.reason = reason
        self.since = since
        self.attempts = attempts
    }
}

/// What may be believed of a polled source now.
package enum Freshness: Sendable, Equatable {
    case neverSeen
    case fresh
    /// There was a good read, but it is too old, or reading fails by now.
    case stale(reason: String)
}

/// The last two good reads of a polled source, and its failures since.
///
/// Two, because absence is believed only when two consecutive reads agree (FAULTS.md, "2 reads").
package struct Readings<Value: Sendable & Equatable>: Sendable, Equatable {
    package private(set) var latest: Read<Value>?
    package private(set) var previous: Read<Value>?
    package private(set) var failure: ReadFailure?
    /// How long the last attempt took, good or bad; milliseconds.
    package private(set) var lastDuration: Int64?
    /// A good read older than this is stale; milliseconds. Two periods and a time-out.
    package let staleAfter: Int64

    package init(staleAfter: Int64) { self.staleAfter = staleAfter }

    package mutating func succeeded(_ value: Value, at now: Timestamp, took duration: Int64? = nil)
    {
        previous = latest
        latest = Read(value: value, at: now, took: duration ?? 0)
        failure = nil
        lastDuration = duration
    }

    /// The latest read with a part of it read anew; how old the whole is does not change.
    mutating func amend(_ value: Value) {
        guard let latest else { return }
        self.latest = Read(value: value, at: latest.at, took: latest.at - latest.began)
    }

    package mutating func failed(_ reason: String, at now: Timestamp, took duration: Int64? = nil) {
        failure = ReadFailure(reason, at: now, after: failure)
        lastDuration = duration
    }

    /// A failed attempt or two do not unsettle a read that is still young; age does.
    package func freshness(at now: Timestamp) -> Freshness {
        guard let latest else { return .neverSeen }
        if now - latest.at <= patience(after: latest), (failure?.attempts ?? 0) < 2 {
            return .fresh
        }
        return .stale(reason: failure?.reason ?? "its last read is too old")
    }

    /// The latest value while it is fresh.
    package func current(at now: Timestamp) -> Value? {
        freshness(at: now) == .fresh ? latest?.value : nil
    }

    /// When a fresh reading will turn stale by age alone.
    package var staleAt: Timestamp? { latest.map { $0.at + patience(after: $0) + 1 } }

    /// One that took its time will do so the next time too: a slow device is not an unreadable one.
    private func patience(after read: Read<Value>) -> Int64 {
        staleAfter + min(staleAfter, max(0, read.at - read.began))
    }

    /// True if `predicate` holds in both of the last two reads: what absence needs.
    package func confirmed(_ predicate: (Value) -> Bool) -> Bool {
        guard let latest, let previous else { return false }
        return predicate(latest.value) && predicate(previous.value)
    }
}
