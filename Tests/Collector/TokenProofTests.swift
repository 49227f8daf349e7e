// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Facts
import Foundation
import Routing
import Support
import Testing
import Wire

/// A token that looks like a ServiceAccount's: `name` makes it another, `expires` is in seconds of the Unix epoch.
func bearer(_ name: String, expires: Int64? = nil) -> BearerToken {
    let payload = expires.map { "{\"exp\":\($0),\"sub\":\"\(name)\"}" } ?? "{\"sub\":\"\(name)\"}"
    let middle = Data(payload.utf8).base64EncodedString()
        .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    guard let token = BearerToken(Array("e30.\(middle).c2ln".utf8)) else {
        preconditionFailure("no token")
    }
    return token
}

/// Proofs with a reviewer that says what `verdicts` has for a token, and counts how often it is asked.
private struct Reviewing {
    var proofs = TokenProofs(seed: 1)
    var verdicts: [BearerToken: TokenVerdict] = [:]
    var asked: [BearerToken] = []

    mutating func ask(
        _ token: BearerToken,
        for connection: UInt64,
        from peer: String = "10.1.0.1",
        now: Timestamp
    ) -> TokenProofs.Outcome? {
        proofs.ask(token, for: connection, from: peer, now: now)
    }

    /// All that can be reviewed at this moment is, and answered at once.
    mutating func review(now: Timestamp) -> [UInt64: TokenProofs.Outcome] {
        var outcomes: [UInt64: TokenProofs.Outcome] = [:]
        while case let reviews = proofs.reviews(now: now), !reviews.isEmpty {
            for review in reviews {
                asked.append(review.token)
                let verdict = verdicts[review.token] ?? .refused(reason: "unknown")
                for (connection, outcome) in proofs.answered(review.digest, verdict, now: now) {
                    outcomes[connection] = outcome
                }
            }
        }
        return outcomes
    }

    /// As a loop does it: twice a second, until the moment.
    mutating func pass(from start: Int64, to end: Int64) -> [UInt64: TokenProofs.Outcome] {
        var outcomes: [UInt64: TokenProofs.Outcome] = [:]
        for moment in stride(from: start, through: end, by: 500) {
            for (connection, outcome) in proofs.timerFired(now: at(moment)) {
                outcomes[connection] = outcome
            }
            outcomes.merge(review(now: at(moment))) { $1 }
        }
        return outcomes
    }
}

@Suite struct TokenProving {
    private let n1 = bearer("n1")

    private func reviewing(_ verdict: TokenVerdict = .proved(node: "n1")) -> Reviewing {
        var reviewing = Reviewing()
        reviewing.verdicts[n1] = verdict
        return reviewing
    }

    @Test("a token is reviewed once, and for nearly five minutes whoever brings it is known")
    func cache() {
        var site = reviewing()
        #expect(site.ask(n1, for: 1, now: at(0)) == nil)
        #expect(site.review(now: at(0)) == [1: .proved(node: "n1")])
        site.proofs.forget(1)
        #expect(site.ask(n1, for: 2, now: at(279_999)) == .proved(node: "n1"))
        site.proofs.forget(2)
        #expect(site.ask(n1, for: 3, now: at(280_000)) == nil)
        #expect(site.review(now: at(280_000)) == [3: .proved(node: "n1")])
        #expect(site.asked.count == 2)
    }

    @Test("one review answers everybody who brought the token meanwhile")
    func shared() {
        var site = reviewing()
        for connection in 1...3 as ClosedRange<UInt64> {
            #expect(site.ask(n1, for: connection, now: at(0)) == nil)
        }
        // The third left before the answer: nothing is kept of it.
        site.proofs.forget(3)
        #expect(site.review(now: at(0)) == [1: .proved(node: "n1"), 2: .proved(node: "n1")])
        #expect(site.asked.count == 1)
    }

    @Test("a refusal is remembered for ten seconds, the next for a minute, and not asked for again")
    func refusal() {
        var site = reviewing(.refused(reason: "wrong audience"))
        #expect(site.ask(n1, for: 1, now: at(0)) == nil)
        #expect(site.review(now: at(0)) == [1: .refused("wrong audience")])
        #expect(site.ask(n1, for: 2, now: at(9_999)) == .refused("wrong audience"))
        #expect(site.ask(n1, for: 3, now: at(10_000)) == nil)
        #expect(site.asked.count == 1)
        // Also after the first was passed over by a sweep.
        #expect(site.pass(from: 10_500, to: 10_500) == [3: .refused("wrong audience")])
        #expect(site.ask(n1, for: 4, now: at(70_499)) == .refused("wrong audience"))
        #expect(site.ask(n1, for: 5, now: at(70_500)) == nil)
        #expect(site.asked.count == 2)
    }

    @Test("a deleted pod's token is found out in five minutes, by a review and a second look")
    func replay() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        site.verdicts[n1] = .refused(reason: "its pod is gone")
        #expect(site.pass(from: 500, to: 223_500).isEmpty)
        #expect(site.pass(from: 224_000, to: 299_500) == [1: .refused("its pod is gone")])
        #expect(site.asked.count == 3)
        // Whoever brings it again is told what is known.
        #expect(site.ask(n1, for: 2, now: at(299_500)) == .refused("its pod is gone"))
    }

    @Test("one refusal of a stream that runs is a doubt, not the end")
    func secondLook() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        site.verdicts[n1] = .refused(reason: "too young to be known")
        var moment: Int64 = 0
        while site.asked.count < 2 {
            moment += 500
            #expect(site.pass(from: moment, to: moment).isEmpty)
        }
        site.verdicts[n1] = .proved(node: "n1")
        #expect(site.pass(from: moment + 500, to: moment + 60_000).isEmpty)
        #expect(site.asked.count == 3)
    }

    @Test("a token is reviewed when it expires, and ends the stream")
    func expiry() {
        let token = bearer("n1", expires: 1_100)
        var site = Reviewing()
        site.proofs.clockOffset = 1_000_000
        site.verdicts[token] = .proved(node: "n1")
        _ = site.ask(token, for: 1, now: at(0))
        _ = site.review(now: at(0))
        #expect(site.pass(from: 0, to: 100_500).isEmpty)
        #expect(site.asked.count == 1)
        site.verdicts[token] = .refused(reason: "token has expired")
        #expect(site.pass(from: 101_000, to: 110_000) == [1: .refused("token has expired")])
    }

    @Test("the next token takes the place of the last, and the stream hears nothing of it")
    func rotation() {
        let (old, new) = (bearer("n1", expires: 1_100), bearer("n1", expires: 4_000))
        var site = Reviewing()
        site.proofs.clockOffset = 1_000_000
        for token in [old, new] { site.verdicts[token] = .proved(node: "n1") }
        _ = site.ask(old, for: 1, now: at(0))
        _ = site.review(now: at(0))
        #expect(site.ask(new, for: 1, now: at(80_000)) == nil)
        #expect(site.pass(from: 80_000, to: 80_500).isEmpty)
        #expect(site.asked == [old, new])
        // The old one expires, and nobody minds.
        site.verdicts[old] = .refused(reason: "token has expired")
        #expect(site.pass(from: 81_000, to: 500_000).isEmpty)
        // It is of no use to anybody else either.
        #expect(site.ask(old, for: 2, now: at(90_000)) == nil)
    }

    @Test("a next token of another node, or of nobody, is told")
    func badRotation() {
        let (other, forged) = (bearer("n5"), bearer("x"))
        var site = reviewing()
        site.verdicts[other] = .proved(node: "n5")
        site.verdicts[forged] = .refused(reason: "not authenticated")
        for connection in [1, 2] as [UInt64] { _ = site.ask(n1, for: connection, now: at(0)) }
        _ = site.review(now: at(0))
        _ = site.ask(other, for: 1, now: at(10_000))
        _ = site.ask(forged, for: 2, now: at(10_000))
        #expect(
            site.pass(from: 10_000, to: 20_000) == [
                1: .proved(node: "n5"), 2: .refused("not authenticated"),
            ]
        )
    }

    @Test(
        "without an API server newcomers are kept out, streams go on, and who was proved may return"
    )
    func outage() {
        var site = reviewing()
        let stranger = bearer("n2")
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        site.verdicts[n1] = .unavailable(reason: "HTTP 503")
        site.verdicts[stranger] = .unavailable(reason: "HTTP 503")
        _ = site.ask(stranger, for: 2, now: at(400_000))
        #expect(site.review(now: at(400_000)) == [2: .unproved("HTTP 503")])
        // One failure is none yet.
        #expect(site.proofs.trouble(now: at(400_000)) == nil)
        // Nobody asks while it is left alone.
        #expect(site.ask(stranger, for: 3, now: at(400_100)) == .unproved("HTTP 503"))
        #expect(site.ask(n1, for: 4, now: at(400_100)) == .proved(node: "n1"))
        let before = site.asked.count
        #expect(site.pass(from: 401_000, to: 3_600_000).isEmpty)
        // Once in thirty seconds and a few times more often at the beginning, not twice a second.
        #expect((10...260).contains(site.asked.count - before))
        #expect(site.proofs.trouble(now: at(3_600_000)) == "HTTP 503")
        site.verdicts[n1] = .proved(node: "n1")
        #expect(site.pass(from: 3_600_500, to: 3_700_000).isEmpty)
        #expect(site.proofs.trouble(now: at(3_700_000)) == nil)
    }

    @Test("what the API server said last holds for two hours, not for ever")
    func grace() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        site.verdicts[n1] = .unavailable(reason: "no answer")
        #expect(site.pass(from: 500, to: 7_199_500).isEmpty)
        let end = site.pass(from: 7_200_000, to: 7_300_000)
        #expect(end == [1: .unproved("for two hours: no answer")])
        #expect(site.ask(n1, for: 2, now: at(7_300_500)) != .proved(node: "n1"))
    }

    @Test("an expired token lets nobody in while the API server is away, but its stream goes on")
    func expiredInOutage() {
        let token = bearer("n1", expires: 1_100)
        var site = Reviewing()
        site.proofs.clockOffset = 1_000_000
        site.verdicts[token] = .proved(node: "n1")
        _ = site.ask(token, for: 1, now: at(0))
        _ = site.review(now: at(0))
        site.verdicts[token] = .unavailable(reason: "HTTP 503")
        #expect(site.pass(from: 500, to: 1_000_000).isEmpty)
        #expect(site.ask(token, for: 2, now: at(1_000_100)) != .proved(node: "n1"))
    }

    @Test("a server that asks to be left alone is")
    func retryAfter() {
        var site = reviewing(.unavailable(reason: "HTTP 429", retryAfter: 60_000))
        _ = site.ask(n1, for: 1, now: at(0))
        #expect(site.review(now: at(0)) == [1: .unproved("HTTP 429")])
        #expect(site.ask(n1, for: 2, now: at(59_999)) == .unproved("HTTP 429"))
        #expect(site.ask(n1, for: 3, now: at(60_000)) == nil)
        site.verdicts[n1] = .proved(node: "n1")
        #expect(site.review(now: at(60_000)) == [3: .proved(node: "n1")])
    }

    @Test("fifteen thousand agents at once are proved a hundred a second, eight at a time")
    func storm() {
        var proofs = TokenProofs(seed: 1)
        var (proved, turnedAway, most) = (0, 0, 0)
        var out: [TokenProofs.Review] = []
        for index in 0..<15_000 {
            let token = bearer("n\(index)")
            let outcome = proofs.ask(token, for: UInt64(index), from: "10.\(index)", now: at(0))
            if case .unproved = outcome { turnedAway += 1 }
        }
        #expect(turnedAway == 13_500)
        #expect(proofs.trouble(now: at(0)) != nil)
        for moment in stride(from: 0, to: 10_000, by: 10) as StrideTo<Int64> {
            out += proofs.reviews(now: at(moment))
            most = max(most, out.count)
            // Each takes 40 ms: eight at once could be two hundred a second.
            guard moment % 40 == 0 else { continue }
            for review in out {
                proved +=
                    proofs.answered(review.digest, .proved(node: "n"), now: at(moment)).count
            }
            out = []
        }
        #expect(most == 8)
        #expect((980...1_025).contains(proved), "\(proved)")
    }

    @Test("one address cannot fill the queue")
    func crowd() {
        var proofs = TokenProofs(seed: 1)
        var turnedAway = 0
        for index in 0..<1_000 {
            let outcome = proofs.ask(
                bearer("x\(index)"),
                for: UInt64(index),
                from: "192.0.2.1",
                now: at(0)
            )
            if outcome != nil { turnedAway += 1 }
        }
        #expect(turnedAway == 900)
        #expect(proofs.ask(n1, for: 5_000, from: "10.1.0.1", now: at(0)) == nil)
        for index in 0..<1_000 { proofs.forget(UInt64(index)) }
        // What nobody waits for any more is not asked for.
        #expect(proofs.reviews(now: at(0)).map(\.token) == [n1])
        #expect(proofs.ask(bearer("y"), for: 6_000, from: "192.0.2.1", now: at(0)) == nil)
    }

    @Test("it is never late by standing still: a deadline that has passed leads to a review")
    func noSpin() {
        var proofs = TokenProofs(seed: 1)
        for index in 0..<200 {
            _ = proofs.ask(bearer("n\(index)"), for: UInt64(index), from: "\(index)", now: at(0))
        }
        var now = at(0)
        var count = 0
        while let deadline = proofs.deadline {
            now = max(now, deadline)
            let reviews = proofs.reviews(now: now)
            #expect(!reviews.isEmpty)
            for review in reviews {
                count += proofs.answered(review.digest, .proved(node: "n"), now: now).count
            }
            guard !reviews.isEmpty else { break }
        }
        #expect(count == 200)
    }

    @Test("what connects, sends a token and closes leaves no place taken and no entry behind")
    func leavers() {
        var proofs = TokenProofs(seed: 1)
        for index in 0..<5_000 as Range<UInt64> {
            #expect(
                proofs.ask(bearer("x\(index)"), for: index, from: "\(index)", now: at(0)) == nil
            )
            proofs.forget(index)
        }
        #expect(proofs.deadline == nil)
        #expect(proofs.reviews(now: at(0)).isEmpty)
        #expect(proofs.trouble(now: at(0)) == nil)
    }

    @Test("single failures among good reviews are no trouble, two in a row are, and a crowd is")
    func trouble() {
        var site = reviewing(.unavailable(reason: "HTTP 503"))
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        #expect(site.proofs.trouble(now: at(0)) == nil)
        _ = site.ask(n1, for: 2, now: at(31_000))
        _ = site.review(now: at(31_000))
        #expect(site.proofs.trouble(now: at(31_000)) == "HTTP 503")
        site.verdicts[n1] = .refused(reason: "no")
        _ = site.ask(n1, for: 3, now: at(62_000))
        _ = site.review(now: at(62_000))
        #expect(site.proofs.trouble(now: at(62_000)) == nil)
        // Who waits in vain tells as much as who is turned away.
        _ = site.ask(bearer("slow"), for: 4, now: at(100_000))
        _ = site.proofs.reviews(now: at(100_000))
        site.proofs.gaveUp(4, now: at(120_000))
        site.proofs.forget(4)
        #expect(site.proofs.trouble(now: at(149_999)) != nil)
        #expect(site.proofs.trouble(now: at(150_000)) == nil)
        for index in 0..<101 as Range<UInt64> {
            _ = site.ask(bearer("x\(index)"), for: 100 + index, now: at(200_000))
        }
        #expect(site.proofs.trouble(now: at(200_000)) != nil)
    }

    @Test("running streams are reviewed though newcomers never end")
    func noStarving() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        site.verdicts[n1] = .refused(reason: "its pod is gone")
        var ended: Int64?
        var next: UInt64 = 100
        for moment in stride(from: 200_000, to: 300_000, by: 500) as StrideTo<Int64> {
            // More of them than can be reviewed.
            for _ in 0..<60 {
                _ = site.ask(bearer("x\(next)"), for: next, from: "\(next)", now: at(moment))
                next += 1
            }
            if site.pass(from: moment, to: moment)[1] != nil { ended = ended ?? moment }
        }
        #expect(ended != nil)
    }

    @Test("a newcomer does not wait behind streams for a token that one of them has, nor ask twice")
    func sharedRecheck() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        _ = site.proofs.timerFired(now: at(280_000))
        #expect(site.ask(n1, for: 2, now: at(280_000)) == nil)
        let reviews = site.proofs.reviews(now: at(280_000))
        #expect(reviews.map(\.token) == [n1])
        let answers = site.proofs.answered(
            reviews[0].digest,
            .proved(node: "n1"),
            now: at(280_010)
        )
        #expect(answers.map(\.connection) == [2])
        #expect(site.proofs.deadline == nil)
    }

    @Test("junk in place of a refused token buys no time")
    func junk() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        var ended: [UInt64: TokenProofs.Outcome] = [:]
        for round in 0..<4 as Range<Int64> {
            _ = site.ask(bearer("junk\(round)"), for: 1, now: at(10_000 + round * 5_000))
            let start = 10_000 + round * 5_000
            ended.merge(site.pass(from: start, to: start + 4_500)) { $1 }
        }
        #expect(ended == [1: .refused("unknown")])
    }

    @Test("a server that takes longer than junk takes to come ends the stream all the same")
    func slowJunk() {
        var site = reviewing()
        _ = site.ask(n1, for: 1, now: at(0))
        _ = site.review(now: at(0))
        var ended: [TokenProofs.Answer] = []
        for round in 1...3 as ClosedRange<Int64> where ended.isEmpty {
            _ = site.ask(bearer("junk\(round)"), for: 1, now: at(round * 5_000))
            ended += site.proofs.timerFired(now: at(round * 5_000))
            let reviews = site.proofs.reviews(now: at(round * 5_000))
            _ = site.ask(bearer("more\(round)"), for: 1, now: at(round * 5_000 + 4_000))
            for review in reviews {
                ended += site.proofs.answered(
                    review.digest,
                    .refused(reason: "no"),
                    now: at(round * 5_000 + 4_500)
                )
            }
        }
        #expect(ended.map(\.connection) == [1])
    }

    @Test("a clock that runs ahead makes no loop of reviews, and keeps nobody out")
    func fastClock() {
        let token = bearer("n1", expires: 1_000)
        var site = Reviewing()
        site.proofs.clockOffset = 2_000_000
        site.verdicts[token] = .proved(node: "n1")
        _ = site.ask(token, for: 1, now: at(0))
        #expect(site.review(now: at(0)) == [1: .proved(node: "n1")])
        #expect(site.pass(from: 0, to: 600_000).isEmpty)
        #expect((3...4).contains(site.asked.count), "\(site.asked.count)")
        #expect(site.ask(token, for: 2, now: at(600_000)) == .proved(node: "n1"))
        // A moment before its end by that clock.
        site.proofs.clockOffset = 398_000
        _ = site.ask(bearer("n2", expires: 1_000), for: 3, now: at(600_000))
        site.verdicts[bearer("n2", expires: 1_000)] = .proved(node: "n2")
        _ = site.review(now: at(600_000))
        let before = site.asked.count
        #expect(site.pass(from: 600_500, to: 659_500).isEmpty)
        #expect(!site.asked.dropFirst(before).contains(bearer("n2", expires: 1_000)))
    }

    @Test("a token cannot print itself")
    func silent() {
        let token = bearer("secret-subject")
        var dumped = ""
        dump(token, to: &dumped)
        dump(AgentFrame.token(token), to: &dumped)
        let review = TokenProofs(seed: 1)
        dump(review, to: &dumped)
        for text in [dumped, "\(token)", "\(AgentFrame.token(token))", String(reflecting: token)] {
            #expect(!text.contains("e30") && !text.contains("c2ln"), "\(text)")
        }
    }
}
