// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import Support
import Testing

@testable import Election

/// An API server with one Lease, of which every version but the newest is refused.
private struct Server {
    var lease: Lease?
    var version = 0
    var isDown = false
    /// What a write is answered in place of being done.
    var refusal: Election.Answer?
    /// Nothing is where it is asked for.
    var isElsewhere = false

    mutating func answer(_ request: Election.Request) -> Election.Answer {
        guard !isDown else { return .failed("no answer") }
        switch request {
        case .read where isElsewhere: return .absent
        case .write(let wanted) where isElsewhere:
            return wanted.document == nil ? .failed("no such namespace") : .conflict
        case .write where refusal != nil: return refusal ?? .conflict
        case .read: return lease.map { .found($0) } ?? .absent
        case .write(let wanted):
            guard wanted.document == lease?.document else { return .conflict }
            version += 1
            lease = wanted
            lease?.document = LeaseDocument(bytes: Data("\(version)".utf8))
            return lease.map { .written($0) } ?? .absent
        }
    }
}

/// Collectors on one server, whose time passes a tenth of a second at a time.
private struct Race {
    var server = Server()
    var elections: [Election]
    var now = at(1_000_000)
    var asleep: Set<Int> = []
    var jitter: [Double]
    /// Who spoke, whenever it was others than before.
    var turns: [[Int]] = []

    init(_ names: String...) {
        elections = names.enumerated().map {
            Election(name: $1, life: "\($0)", now: at(1_000_000))
        }
        jitter = names.map { _ in 1 }
    }

    mutating func pass(_ seconds: Int, told: String = "") {
        for _ in 0..<(seconds * 10) {
            for index in elections.indices where !asleep.contains(index) {
                step(index, told: told)
            }
            let speaking = elections.indices.filter {
                !asleep.contains($0) && elections[$0].speaks(at: now)
            }
            if turns.last ?? [] != speaking { turns.append(speaking) }
            now = now + 100
        }
    }

    mutating func step(_ index: Int, told: String = "", silences: String? = nil) {
        while let request = elections[index].request(told: told, silences: silences, now: now) {
            elections[index].answered(server.answer(request), jitter: jitter[index], now: now)
        }
    }
}

@Suite struct Elections {
    @Test("of several that start together one speaks, from the first second on")
    func one() {
        var race = Race("a", "b", "c")
        race.pass(120)
        #expect(race.turns == [[0]])
        #expect(race.server.lease?.holder == "a_0")
        #expect(race.server.lease?.transitions == 1)
        // Four requests in ten seconds of each: no more than people's own controllers ask.
        #expect(race.server.version <= 61)
    }

    @Test("who dies without a word is followed within its duration and a period, by one")
    func death() {
        var race = Race("a", "b", "c")
        race.pass(10)
        race.asleep = [0]
        race.pass(14)
        #expect(race.turns == [[0], []])
        race.pass(4)
        #expect(race.turns.count == 3 && race.turns[2].count == 1 && race.turns[2] != [0])
    }

    @Test("who ends in order is followed at the next look")
    func release() throws {
        var race = Race("a", "b")
        race.pass(10)
        let last = race.elections[0].release(told: "last", open: "", now: race.now)
        let request = try #require(last)
        race.elections[0].answered(race.server.answer(request), jitter: 1, now: race.now)
        race.asleep = [0]
        race.pass(3)
        #expect(race.turns.last == [1])
        #expect(race.server.lease?.transitions == 2)
        #expect(race.elections[0].release(told: "", open: nil, now: race.now) == nil)
    }

    @Test("who was stopped and wakes after another took over says nothing more")
    func pause() {
        var race = Race("a", "b")
        race.pass(10)
        race.asleep = [0]
        race.pass(60)
        #expect(race.turns.last == [1])
        // Before it has asked anybody.
        #expect(!race.elections[0].speaks(at: race.now))
        race.asleep = []
        race.pass(60)
        #expect(race.turns.last == [1])
    }

    @Test("while the API server is down who spoke goes on, and after a minute nobody is silent")
    func outage() {
        var race = Race("a", "b")
        race.pass(10)
        race.server.isDown = true
        race.pass(55)
        #expect(race.turns == [[0]])
        race.pass(15)
        #expect(race.turns == [[0], [0, 1]])
        race.pass(600)
        #expect(race.turns == [[0], [0, 1]])
        race.server.isDown = false
        race.pass(30)
        #expect(race.turns == [[0], [0, 1], [0]])
    }

    @Test(
        "when the API server is back, who asks first does not take it from who goes on",
        arguments: [12, 16, 20, 33, 55]
    )
    func recovery(seconds: Int) {
        for jitter in [[1.2, 0.8], [0.8, 1.2]] {
            var race = Race("a", "b")
            race.jitter = jitter
            race.pass(10)
            race.server.isDown = true
            race.pass(seconds)
            race.server.isDown = false
            race.pass(60)
            #expect(race.turns == [[0]])
            #expect(race.server.lease?.transitions == 1)
        }
    }

    @Test("one that never reached the API server speaks after a minute, and not before")
    func alone() {
        var race = Race("a")
        race.server.isDown = true
        race.pass(59)
        #expect(race.turns.isEmpty)
        race.pass(10)
        #expect(race.turns == [[0]])
    }

    @Test(
        "where it may be read and not written, all speak after a minute, and nobody asks without end",
        arguments: [Election.Answer.failed("HTTP 403"), .conflict]
    )
    func unwritable(answer: Election.Answer) {
        var race = Race("a", "b")
        race.server.refusal = answer
        race.pass(59)
        #expect(race.turns.isEmpty)
        race.pass(15)
        #expect(race.turns == [[0, 1]])
        race.pass(600)
        #expect(race.turns == [[0, 1]])
        race.server.refusal = nil
        race.pass(30)
        #expect(race.turns.last?.count == 1)
    }

    @Test("who holds it goes on when it is taken away, and makes it anew when it can")
    func elsewhere() {
        var race = Race("a")
        race.pass(10)
        race.server.isElsewhere = true
        race.pass(200)
        #expect(race.turns == [[0]])
        race.server.isElsewhere = false
        race.server.lease = nil
        race.pass(20)
        #expect(race.turns == [[0]])
        #expect(race.server.lease?.holder == "a_0")
    }

    @Test("no number in a Lease keeps it from being taken, or overflows")
    func numbers() {
        for transitions in [0, Int(Int32.max), .max] {
            var race = Race("a")
            race.server.lease = Lease()
            race.server.lease?.holder = "gone_1"
            race.server.lease?.duration = .max
            race.server.lease?.transitions = transitions
            race.pass(61)
            #expect(race.turns == [[], [0]] || race.turns == [[0]])
            #expect((0...Int(Int32.max)) ~= race.server.lease?.transitions ?? -1)
        }
    }

    @Test("who slept through an outage's end is not taken to be in it still")
    func sleepInOutage() {
        var race = Race("a")
        race.server.isDown = true
        race.pass(90)
        race.asleep = [0]
        race.pass(60)
        #expect(!race.elections[0].speaks(at: race.now))
    }

    @Test("an earlier life's Lease is taken over at once")
    func restart() {
        var race = Race("a")
        race.pass(10)
        race.elections[0] = Election(name: "a", life: "later", now: race.now)
        race.pass(1)
        #expect(race.server.lease?.holder == "a_later")
        #expect(race.elections[0].speaks(at: race.now))
    }

    @Test("two of one name do not take the Lease from each other for ever")
    func twins() {
        var race = Race("a", "a")
        race.pass(300)
        #expect(race.elections.contains { $0.isDoubled })
        let transitions = race.server.lease?.transitions
        race.pass(300)
        #expect(race.server.lease?.transitions == transitions)
        #expect(race.turns.last?.count == 1)
    }

    @Test(
        "what is news is written at once by who holds the Lease, and bursts of it ten times a second"
    )
    func news() throws {
        var race = Race("a", "b")
        race.pass(10)
        var writes = 0
        for _ in 0..<1_000 {
            if let request = race.elections[0].request(
                told: "news",
                silences: nil,
                isNews: true,
                now: race.now
            ) {
                writes += 1
                race.elections[0].answered(race.server.answer(request), jitter: 1, now: race.now)
            }
            race.now = race.now + 1
        }
        #expect((9...11) ~= writes)
        #expect(race.server.lease?.told == "news")
        #expect(
            race.elections[1].nextDeadline(isNews: true)
                == race.elections[1].nextDeadline(isNews: false)
        )
    }

    @Test("who stands by can note silences, and takes nothing from who holds the Lease")
    func silences() {
        var race = Race("a", "b")
        race.pass(10, told: "told")
        for _ in 0..<40 {
            race.step(0, told: "told")
            race.step(1, silences: race.server.lease?.silences == "quiet" ? nil : "quiet")
            race.now = race.now + 100
        }
        #expect(race.server.lease?.silences == "quiet")
        #expect(race.server.lease?.holder == "a_0")
        #expect(race.server.lease?.told == "told")
        race.pass(30, told: "told")
        #expect(race.turns == [[0]])
        #expect(race.server.lease?.silences == "quiet")
    }
}

@Suite struct Leases {
    private let answered = """
        {"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l","namespace":"n",
        "resourceVersion":"7","labels":{"x":"y"},"annotations":{"other":"1","podpath/told":"t"},
        "managedFields":[{}]},"spec":{"holderIdentity":"a_1","leaseDurationSeconds":15,
        "acquireTime":"2026-11-27T20:00:00.000000Z","renewTime":"2026-11-27T20:00:01.500000Z",
        "leaseTransitions":3,"strategy":"later"}}
        """

    @Test("numbers beyond the API's own are brought within them")
    func clamped() throws {
        let body = answered.replacing(
            "\"leaseDurationSeconds\":15",
            with: "\"leaseDurationSeconds\":\(Int.max)"
        )
        .replacing("\"leaseTransitions\":3", with: "\"leaseTransitions\":\(Int.max)")
        .replacing("2026-11-27T20:00:01.500000Z", with: "999999999-11-27T20:00:01.500000Z")
        let lease = try Lease(from: Data(body.utf8))
        #expect(lease.duration == 86_400_000)
        #expect(lease.transitions == Int(Int32.max))
        #expect(lease.renewedAt == .zero)
    }

    @Test("a Lease is read by the API's names, and what is not ours stays")
    func roundTrip() throws {
        var lease = try Lease(from: Data(answered.utf8))
        #expect(lease.holder == "a_1" && lease.duration == 15_000 && lease.transitions == 3)
        #expect(lease.renewedAt - lease.acquiredAt == 1_500)
        #expect(lease.told == "t" && lease.silences == "")
        lease.silences = "s"
        lease.renewedAt = lease.renewedAt + 2_000
        let written = try lease.encoded(namespace: "n", name: "l")
        let object = try JSONSerialization.jsonObject(with: written) as? [String: Any]
        let metadata = try #require(object?["metadata"] as? [String: Any])
        #expect(metadata["resourceVersion"] as? String == "7")
        #expect(metadata["labels"] as? [String: String] == ["x": "y"])
        #expect(metadata["managedFields"] == nil)
        let notes = [
            "other": "1", "podpath/told": "t", "podpath/silences": "s", "podpath/open": "",
        ]
        #expect(metadata["annotations"] as? [String: String] == notes)
        let spec = try #require(object?["spec"] as? [String: Any])
        #expect(spec["renewTime"] as? String == "2026-11-27T20:00:03.500000Z")
        #expect(spec["strategy"] as? String == "later")
        let again = try Lease(from: written)
        #expect(again.renewedAt == lease.renewedAt && again.silences == "s")
    }

    @Test(
        "what is no Lease is refused",
        arguments: [
            "", "[]", "{}", "{\"kind\":\"Pod\"}", String(repeating: "[", count: 10_000),
            String(repeating: " ", count: 600_000),
        ]
    )
    func refused(_ text: String) {
        #expect(throws: LeaseError.self) { try Lease(from: Data(text.utf8)) }
    }

    @Test(
        "broken fields are as if they were not there",
        arguments: [
            "{\"spec\":7}",
            "{\"metadata\":[],\"spec\":{\"renewTime\":{},\"leaseDurationSeconds\":\"x\"}}",
        ]
    )
    func broken(_ text: String) throws {
        let body = "{\"kind\":\"Lease\"," + text.dropFirst()
        let lease = try Lease(from: Data(body.utf8))
        #expect(lease.holder.isEmpty && lease.duration == 0 && lease.renewedAt == .zero)
    }
}
