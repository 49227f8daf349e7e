// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
package import TLS
package import Wire

/// Which connections a token speaks for, and which tokens are to be reviewed next, as a machine: no request, no clock.
///
/// A token that was proved is believed for nearly five minutes without another question, so that a fleet that
/// reconnects asks nothing; TLS sessions carry no proof. Streams are reviewed again
/// and again, so that the token of a pod that was deleted ends. Where the API server gives no answer, what it said
/// last holds for two hours; who was never proved is kept out meanwhile.
package struct TokenProofs {
    package enum Outcome: Equatable, Sendable {
        case proved(node: String)
        case refused(String)
        /// Nobody can say now.
        case unproved(String)
    }

    package struct Review: Equatable, Sendable {
        package let digest: SHA256Digest
        package let token: BearerToken
    }

    package typealias Answer = (connection: UInt64, outcome: Outcome)

    /// What the API server said of a token.
    private struct Proof {
        let node: String
        let at: Timestamp
        let expires: Timestamp?
    }

    /// A connection whose node is proved.
    private struct Holding {
        let node: String
        var digest: SHA256Digest
        var token: BearerToken
        let provedAt: Timestamp
        var due: Timestamp
        /// Refusals since its last good review, of whichever token.
        var doubts = 0
        /// Among the rechecks.
        var isQueued = false
    }

    private struct Refusal {
        let reason: String
        let until: Timestamp
        /// As long as a second one is taken for what it is.
        var forgottenAt: Timestamp { until + TokenProofs.refusalMemory }
    }

    /// Who wants to know of a token.
    private struct Waiting {
        let token: BearerToken
        var newcomers: Set<UInt64> = []
        var holders: Set<UInt64> = []

        var isWanted: Bool { !newcomers.isEmpty || !holders.isEmpty }
    }

    private var proofs: [SHA256Digest: Proof] = [:]
    private var digestOfNode: [String: SHA256Digest] = [:]
    private var refusals: [SHA256Digest: Refusal] = [:]
    private var holdings: [UInt64: Holding] = [:]
    private var waiting: [SHA256Digest: Waiting] = [:]
    private var newcomers: [UInt64: (digest: SHA256Digest, peer: String)] = [:]
    private var newcomersFrom: [String: Int] = [:]
    /// Of newcomers that are still here, the first first.
    private var order: [SHA256Digest] = []
    /// Streams that run and whose token, whichever it is by then, is to be reviewed again.
    private var rechecks: [UInt64] = []
    private var turns = 0
    private var underWay: Set<SHA256Digest> = []
    private var credit = TokenProofs.burst
    private var creditAt = Timestamp.zero
    private var notBefore = Timestamp.zero
    private var failures = 0
    private var failure: String?
    private var isTroubled = false
    private var crowdedUntil = Timestamp.zero
    private var random: UInt64
    /// What is to be added to a moment of the collector's to have the time of day.
    package var clockOffset: Int64?

    /// A review takes an API server some milliseconds: eight at once are a hundred a second where it answers in 80 ms,
    /// and fewer where it is slow.
    private static let atOnce = 8
    /// 15,000 agents that a collector has never seen are proved in two and a half minutes; an API server of that size
    /// answers some thousands of requests a second.
    private static let perSecond = 100.0
    private static let burst = 20.0
    /// Who is behind so many, with three reviews of four, would wait for longer than a session waits (20 s). At 1 KB a
    /// token: 1.5 MB.
    private static let queueLimit = 1_500
    /// Nodes have addresses of their own; behind one that translates a hundred are proved in a second.
    private static let peerLimit = 100
    /// With a second look and two reviews: five minutes until a deleted pod's token is of no use.
    private static let freshness: Int64 = 280_000
    /// An API server whose caches are young refuses for a moment, and agents come again within 30 s.
    private static let firstRefusalMemory: Int64 = 10_000
    private static let refusalMemory: Int64 = 60_000
    private static let refusalLimit = 4_096
    /// Twice the connections there may be.
    private static let proofLimit = 40_000
    /// Longer than it takes people to bring an API server back.
    private static let grace: Int64 = 7_200_000
    /// All streams together ask ten times a second at most: 2,800 of them each within five minutes, 15,000 in 25.
    private static let pausePerStream: Int64 = 100
    /// A clock that runs ahead makes every token expire at once.
    private static let shortestPeriod: Int64 = 60_000
    /// Newcomers have three reviews of four; the fourth is a running stream's, or nobody's token would ever end
    /// while a crowd waits.
    private static let recheckTurn = 4
    /// An API server whose caches are young may refuse what it will accept.
    private static let secondLook: Int64 = 5_000
    private static let firstRetry: Int64 = 1_000
    private static let longestRetry: Int64 = 30_000
    /// As long as agents take to return.
    private static let crowdMemory: Int64 = 30_000

    package init(seed: UInt64) { random = seed | 1 }

    /// Why newcomers cannot be proved; nil while all is well. One failure that nothing follows is no trouble.
    package func trouble(now: Timestamp) -> String? {
        if isTroubled, let failure { return failure }
        return now < crowdedUntil ? "more agents come than can be proved at once" : nil
    }

    /// When there is something to do without anybody asking.
    package var deadline: Timestamp? {
        guard underWay.count < limit, !(order.isEmpty && rechecks.isEmpty) else { return nil }
        let missing = max(0, 1 - credit) / Self.perSecond * 1_000
        return max(notBefore, creditAt + Int64(missing.rounded(.up)))
    }

    /// While it fails one question is enough to know.
    private var limit: Int { failure == nil ? Self.atOnce : 1 }

    // MARK: - Asking

    /// nil: the answer comes later. From a connection that is proved already it is its next token: that one is
    /// reviewed as all streams are, and an answer comes only if it is bad.
    package mutating func ask(
        _ token: BearerToken,
        for connection: UInt64,
        from peer: String,
        now: Timestamp
    ) -> Outcome? {
        if holdings[connection] != nil {
            replaceToken(of: connection, token, now)
            return nil
        }
        let digest = SHA256Digest(of: token.reveal())
        if let proof = proofs[digest], now - proof.at < Self.freshness, isAlive(proof, now) {
            hold(token, proof, for: connection, due: proof.at + period())
            return .proved(node: proof.node)
        }
        if let refusal = refusals[digest], now < refusal.until { return .refused(refusal.reason) }
        if let failure, now < notBefore {
            return unreviewed(digest, token, connection, failure, now)
        }
        guard newcomersFrom[peer, default: 0] < Self.peerLimit else {
            crowdedUntil = now + Self.crowdMemory
            return unreviewed(digest, token, connection, "too many come at once from there", now)
        }
        guard waiting[digest] != nil || order.count < Self.queueLimit else {
            crowdedUntil = now + Self.crowdMemory
            let reason = "more agents come than can be proved at once"
            return unreviewed(digest, token, connection, reason, now)
        }
        enqueue(digest, token, connection, peer)
        return nil
    }

    /// It keeps its place among the rechecks, and its doubts: junk must not buy time.
    private mutating func replaceToken(
        of connection: UInt64,
        _ token: BearerToken,
        _ now: Timestamp
    ) {
        guard var holding = holdings[connection] else { return }
        holding.token = token
        holding.digest = SHA256Digest(of: token.reveal())
        if !holding.isQueued { holding.due = now }
        holdings[connection] = holding
    }

    private mutating func enqueue(
        _ digest: SHA256Digest,
        _ token: BearerToken,
        _ connection: UInt64,
        _ peer: String
    ) {
        newcomers[connection] = (digest, peer)
        newcomersFrom[peer, default: 0] += 1
        if waiting[digest] == nil {
            waiting[digest] = Waiting(token: token)
            order.append(digest)
        }
        waiting[digest]?.newcomers.insert(connection)
    }

    /// Without a word of the API server: what it said of this very token still counts for a while.
    private mutating func unreviewed(
        _ digest: SHA256Digest,
        _ token: BearerToken,
        _ connection: UInt64,
        _ reason: String,
        _ now: Timestamp
    ) -> Outcome {
        guard let proof = proofs[digest], now - proof.at < Self.grace, isAlive(proof, now) else {
            return .unproved(reason)
        }
        hold(token, proof, for: connection, due: now + someOf(Self.freshness))
        return .proved(node: proof.node)
    }

    private mutating func hold(
        _ token: BearerToken,
        _ proof: Proof,
        for connection: UInt64,
        due: Timestamp
    ) {
        holdings[connection] = Holding(
            node: proof.node,
            digest: SHA256Digest(of: token.reveal()),
            token: token,
            provedAt: proof.at,
            due: min(
                max(
                    min(due, proof.expires.map { $0 + 1_000 } ?? due),
                    proof.at + Self.shortestPeriod
                ),
                proof.at + Self.grace
            )
        )
    }

    private func isAlive(_ proof: Proof, _ now: Timestamp) -> Bool {
        proof.expires.map { now < $0 } ?? true
    }

    /// The connection is gone, and with it what nobody else waits for.
    package mutating func forget(_ connection: UInt64) {
        if let holding = letGo(connection) {
            leave(holding.digest) { $0.holders.remove(connection) }
        }
        guard let digest = leaveQueue(connection) else { return }
        leave(digest) { $0.newcomers.remove(connection) }
    }

    /// A session that waited for as long as sessions wait, and goes.
    package mutating func gaveUp(_ connection: UInt64, now: Timestamp) {
        if newcomers[connection] != nil { crowdedUntil = now + Self.crowdMemory }
    }

    private mutating func leave(_ digest: SHA256Digest, _ remove: (inout Waiting) -> Void) {
        guard var asked = waiting[digest] else { return }
        remove(&asked)
        let isQueued = !underWay.contains(digest)
        // What is under way comes back and is remembered.
        waiting[digest] = asked.isWanted || !isQueued ? asked : nil
        if isQueued, asked.newcomers.isEmpty { order.removeAll { $0 == digest } }
    }

    /// Nobody speaks for its node any more.
    @discardableResult
    private mutating func letGo(_ connection: UInt64) -> Holding? {
        guard let holding = holdings.removeValue(forKey: connection) else { return nil }
        if holding.isQueued { rechecks.removeAll { $0 == connection } }
        return holding
    }

    @discardableResult
    private mutating func leaveQueue(_ connection: UInt64) -> SHA256Digest? {
        guard let (digest, peer) = newcomers.removeValue(forKey: connection) else { return nil }
        let left = newcomersFrom[peer, default: 1] - 1
        newcomersFrom[peer] = left > 0 ? left : nil
        return digest
    }

    // MARK: - Reviewing

    /// What is to be sent to the API server now.
    package mutating func reviews(now: Timestamp) -> [Review] {
        credit = min(Self.burst, credit + Double(now - creditAt) * Self.perSecond / 1_000)
        creditAt = now
        var reviews: [Review] = []
        while now >= notBefore, underWay.count < limit, credit >= 1, let digest = next() {
            guard let asked = waiting[digest] else { continue }
            credit -= 1
            underWay.insert(digest)
            reviews.append(Review(digest: digest, token: asked.token))
        }
        return reviews
    }

    private mutating func next() -> SHA256Digest? {
        turns = (turns + 1) % Self.recheckTurn
        if turns == 0, let digest = nextRecheck() { return digest }
        return order.isEmpty ? nextRecheck() : order.removeFirst()
    }

    /// Whoever holds a token that is under review waits for that one.
    private mutating func nextRecheck() -> SHA256Digest? {
        while !rechecks.isEmpty {
            let connection = rechecks.removeFirst()
            guard let holding = holdings[connection] else { continue }
            holdings[connection]?.isQueued = false
            let digest = holding.digest
            waiting[digest, default: Waiting(token: holding.token)].holders.insert(connection)
            guard !underWay.contains(digest) else { continue }
            order.removeAll { $0 == digest }
            return digest
        }
        return nil
    }

    package mutating func answered(
        _ digest: SHA256Digest,
        _ verdict: TokenVerdict,
        now: Timestamp
    ) -> [Answer] {
        underWay.remove(digest)
        guard let asked = waiting.removeValue(forKey: digest) else { return [] }
        for connection in asked.newcomers { leaveQueue(connection) }
        switch verdict {
        case .proved(let node):
            recover()
            let proof = remember(node, digest, asked.token, now)
            return welcome(asked, proof, now)
        case .refused(let reason):
            recover()
            return refuse(asked, digest, reason, now)
        case .unavailable(let reason, let retryAfter):
            return wait(asked, digest, reason, retryAfter, now)
        }
    }

    private mutating func recover() { (failures, failure, isTroubled) = (0, nil, false) }

    private mutating func remember(
        _ node: String,
        _ digest: SHA256Digest,
        _ token: BearerToken,
        _ now: Timestamp
    ) -> Proof {
        let expiry = clockOffset.flatMap { offset in
            TokenClaims.expiry(of: token).map { Timestamp(milliseconds: $0 - offset) }
        }
        // What it has just said counts for more than what two clocks say of it.
        let proof = Proof(node: node, at: now, expires: expiry.flatMap { $0 > now ? $0 : nil })
        // A node's newest token is the one that counts: an older must be reviewed if it comes again.
        if let old = digestOfNode[node], old != digest { proofs[old] = nil }
        if proofs.count >= Self.proofLimit { (proofs, digestOfNode) = ([:], [:]) }
        proofs[digest] = proof
        digestOfNode[node] = digest
        refusals[digest] = nil
        return proof
    }

    private mutating func welcome(_ asked: Waiting, _ proof: Proof, _ now: Timestamp) -> [Answer] {
        var answers: [Answer] = []
        for connection in asked.newcomers.sorted() {
            hold(asked.token, proof, for: connection, due: now + period())
            answers.append((connection, .proved(node: proof.node)))
        }
        for connection in asked.holders.sorted() {
            guard let holding = holdings[connection], holding.token == asked.token else { continue }
            guard holding.node == proof.node else {
                letGo(connection)
                answers.append((connection, .proved(node: proof.node)))
                continue
            }
            hold(asked.token, proof, for: connection, due: now + period())
        }
        return answers
    }

    private mutating func refuse(
        _ asked: Waiting,
        _ digest: SHA256Digest,
        _ reason: String,
        _ now: Timestamp
    ) -> [Answer] {
        proofs[digest] = nil
        let memory = refusals[digest] == nil ? Self.firstRefusalMemory : Self.refusalMemory
        if refusals.count >= Self.refusalLimit { refusals = [:] }
        refusals[digest] = Refusal(reason: reason, until: now + memory)
        var answers = asked.newcomers.sorted().map { Answer($0, .refused(reason)) }
        for connection in asked.holders.sorted() {
            // A token that took its place meanwhile does not undo the refusal.
            guard var holding = holdings[connection] else { continue }
            holding.doubts += 1
            if !holding.isQueued { holding.due = min(now + Self.secondLook, end(of: holding)) }
            holdings[connection] = holding
            guard holding.doubts >= 2 else { continue }
            letGo(connection)
            answers.append((connection, .refused(reason)))
        }
        return answers
    }

    /// When its last good review counts no more.
    private func end(of holding: Holding) -> Timestamp { holding.provedAt + Self.grace }

    /// Everybody who waits is told at once: they come again, each at a time of its own.
    private mutating func wait(
        _ asked: Waiting,
        _ digest: SHA256Digest,
        _ reason: String,
        _ retryAfter: Int64?,
        _ now: Timestamp
    ) -> [Answer] {
        failures += 1
        failure = reason
        // A server that wants to be left alone for longer than agents wait has said enough.
        isTroubled = failures > 1 || (retryAfter ?? 0) > Self.longestRetry
        let longest = min(Self.firstRetry << Int64(min(failures - 1, 5)), Self.longestRetry)
        notBefore = max(notBefore, now + max(retryAfter ?? 0, longest / 2 + someOf(longest / 2)))
        var turned = [(digest, asked)]
        for queued in order {
            guard let one = waiting.removeValue(forKey: queued) else { continue }
            for connection in one.newcomers { leaveQueue(connection) }
            turned.append((queued, one))
        }
        order = []
        var answers: [Answer] = []
        for (digest, asked) in turned {
            for connection in asked.newcomers.sorted() {
                answers.append(
                    (connection, unreviewed(digest, asked.token, connection, reason, now))
                )
            }
            for connection in asked.holders { postpone(connection, after: notBefore) }
        }
        return answers
    }

    private mutating func postpone(_ connection: UInt64, after moment: Timestamp) {
        let due = moment + 1_000 + someOf(Self.longestRetry)
        guard var holding = holdings[connection], !holding.isQueued else { return }
        holding.due = min(due, end(of: holding))
        holdings[connection] = holding
    }

    // MARK: - Time

    /// Streams whose token is to be reviewed again join the queue; those that nobody has vouched for in too long end.
    package mutating func timerFired(now: Timestamp) -> [Answer] {
        var answers: [Answer] = []
        for (connection, holding) in holdings where now >= holding.due {
            guard now < end(of: holding) else {
                letGo(connection)
                let reason = failure ?? "too many tokens are to be reviewed"
                answers.append((connection, .unproved("for two hours: \(reason)")))
                continue
            }
            guard rechecks.count < Self.queueLimit else {
                postpone(connection, after: now)
                continue
            }
            var queued = holding
            (queued.due, queued.isQueued) = (end(of: holding), true)
            holdings[connection] = queued
            rechecks.append(connection)
        }
        for (digest, refusal) in refusals where now >= refusal.forgottenAt {
            refusals[digest] = nil
        }
        return answers
    }

    private mutating func period() -> Int64 {
        let base = max(Self.freshness, Int64(holdings.count) * Self.pausePerStream)
        return base * 4 / 5 + someOf(base / 5)
    }

    /// From nothing to all of it.
    private mutating func someOf(_ whole: Int64) -> Int64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int64(random >> 33) % (max(0, whole) + 1)
    }
}
