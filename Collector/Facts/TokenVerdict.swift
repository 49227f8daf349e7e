// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What an API server says of a token that an agent brought.
package enum TokenVerdict: Sendable, Equatable {
    /// It is of the agents' ServiceAccount, for us, and of a pod on that node.
    case proved(node: String)
    case refused(reason: String)
    /// Nothing is known of the token. `retryAfter`: milliseconds that the server asks to be left alone.
    case unavailable(reason: String, retryAfter: Int64? = nil)
}

/// Whether tokens can be reviewed: while they cannot, an agent that is not here may be one that cannot come in.
package struct TokenReviewFacts: Sendable, Equatable {
    package private(set) var failure: ReadFailure?
    private var lastReason = ""
    /// Of the present failure, or of the last.
    package private(set) var failedSince: Timestamp?
    package private(set) var recoveredAt: Timestamp?

    /// An agent's longest pause between two attempts is 30 s, and as many may wait before it.
    package static let recovery: Int64 = 60_000

    package init() {}

    package mutating func failed(_ reason: String, at now: Timestamp) {
        // What began again before everybody was back has not been over.
        let isSame = failure != nil || (recoveredAt.map { now - $0 < Self.recovery } ?? false)
        failedSince = isSame ? failedSince : now
        recoveredAt = nil
        lastReason = reason
        failure = ReadFailure(reason, at: now, after: failure)
    }

    package mutating func succeeded(at now: Timestamp) {
        guard failure != nil else { return }
        failure = nil
        recoveredAt = now
    }

    /// When everybody had the time to come back; nil while it fails, and where it never did.
    package var settledAt: Timestamp? { recoveredAt.map { $0 + Self.recovery } }

    /// How long nobody could be proved, in milliseconds, now or the last time, the moments in between at which somebody
    /// could be included.
    package func lasted(at now: Timestamp) -> Int64 {
        failedSince.map { (recoveredAt ?? now) - $0 } ?? 0
    }

    /// For as long as agents are not missed because of it.
    package func excuse(at now: Timestamp) -> ReadFailure? {
        guard let failedSince else { return nil }
        if let settledAt {
            guard now < settledAt else { return nil }
            let reason = "\(lastReason); they can be again, and agents return"
            return ReadFailure(reason: reason, since: failedSince, attempts: 1)
        }
        return failure.map {
            ReadFailure(reason: $0.reason, since: failedSince, attempts: $0.attempts)
        }
    }
}
