// SPDX-License-Identifier: Apache-2.0
import EventLoop
package import Facts
import Routing
import Synchronization
import TLS
package import Wire

/// Who reviews agents' tokens.
package struct TokenReviews: Sendable {
    package var review: @Sendable (BearerToken) async -> TokenVerdict
    /// Why tokens cannot be reviewed, each few seconds while they cannot; nil once they can again.
    package var tell: @Sendable (String?) -> Void

    package init(
        review: @escaping @Sendable (BearerToken) async -> TokenVerdict,
        tell: @escaping @Sendable (String?) -> Void
    ) {
        self.review = review
        self.tell = tell
    }
}

/// The edge of `TokenProofs`: sends its reviews on their way and brings what they say back to the loop, which never
/// waits for one. Used by the loop's thread alone.
final class ProofDesk {
    private let reviews: TokenReviews
    private let wakeup: Wakeup
    private let finished = Finished<(SHA256Digest, TokenVerdict)>()
    private var proofs = TokenProofs(seed: UInt64.random(in: 1 ... .max))
    private var toldAt: Timestamp?

    /// A trouble that lasts is told again, so that one who hears of it knows that it does.
    private static let retelling: Int64 = 5_000

    init(_ reviews: TokenReviews, _ wakeup: Wakeup) {
        self.reviews = reviews
        self.wakeup = wakeup
    }

    var deadline: Timestamp? { proofs.deadline }

    func ask(
        _ token: BearerToken,
        for connection: UInt64,
        from peer: String,
        now: Timestamp
    ) -> TokenProofs.Outcome? {
        proofs.ask(token, for: connection, from: peer, now: now)
    }

    func forget(_ connection: UInt64) { proofs.forget(connection) }

    func gaveUp(_ connection: UInt64, now: Timestamp) { proofs.gaveUp(connection, now: now) }

    /// What came back meanwhile; and the next reviews leave. `timeOfDay`: milliseconds of the Unix epoch.
    func turn(now: Timestamp, timeOfDay: Int64?) -> [TokenProofs.Answer] {
        proofs.clockOffset = timeOfDay.map { $0 - now.milliseconds }
        var answers: [TokenProofs.Answer] = []
        for (digest, verdict) in finished.takeAll() {
            answers += proofs.answered(digest, verdict, now: now)
        }
        for review in proofs.reviews(now: now) { start(review) }
        tellTrouble(now)
        return answers
    }

    func sweep(now: Timestamp) -> [TokenProofs.Answer] { proofs.timerFired(now: now) }

    private func start(_ review: TokenProofs.Review) {
        Task.detached { [reviews, finished, wakeup] in
            finished.append((review.digest, await reviews.review(review.token)))
            wakeup.wake()
        }
    }

    private func tellTrouble(_ now: Timestamp) {
        guard let trouble = proofs.trouble(now: now) else {
            if toldAt != nil { reviews.tell(nil) }
            toldAt = nil
            return
        }
        if let toldAt, now - toldAt < Self.retelling { return }
        toldAt = now
        reviews.tell(trouble)
    }
}

/// What others hand back to the loop.
final class Finished<Result: Sendable>: Sendable {
    private let results = Mutex<[Result]>([])

    func append(_ result: Result) { results.withLock { $0.append(result) } }

    func takeAll() -> [Result] {
        results.withLock { results in
            defer { results = [] }
            return results
        }
    }
}
