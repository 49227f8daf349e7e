// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

@testable import Election
@testable import Incidents

private enum Life {
    /// As another ledger would have it, to which its root came from elsewhere.
    static func renamed(_ transition: IncidentTransition) -> IncidentTransition {
        let old = transition.incident
        var incident = Incident(
            id: "other-name",
            cluster: old.cluster,
            verdict: old.verdict,
            openings: 1,
            at: transition.at
        )
        incident.state = .firing
        incident.firedAt = old.firedAt
        return IncidentTransition(change: .opened, incident: incident, at: transition.at)
    }
}

/// What one incident makes one sink hear, and what of it has been heard.
@Suite struct WhatWasTold {
    /// Opened, changed, reminded of, resolved.
    private let all = story()

    private func waiting(_ transitions: [IncidentTransition], sink: String = "chat") -> [Delivery] {
        transitions.enumerated().map {
            Delivery(sequence: Int64($0), sink: sink, transition: $1)
        }
    }

    private func told(_ transitions: [IncidentTransition], sink: String = "chat") -> Told {
        var told = Told()
        for transition in transitions { told.note(transition, sink: sink) }
        return told
    }

    @Test("the story has the changes that the following is about")
    func premise() {
        #expect(all.map(\.change) == [.opened, .changed, .reminder, .resolved])
    }

    @Test("of what was told nothing is told again, and all that was not", arguments: 0...4)
    func each(_ count: Int) {
        let told = told(Array(all.prefix(count)))
        // What follows a change of severity stands for itself; a reminder of what is known says nothing.
        let heard: [Int: Set<Int64>] = [
            0: [], 1: [0], 2: [0, 1, 2], 3: [0, 1, 2], 4: [0, 1, 2, 3],
        ]
        #expect(told.heard(of: waiting(all)) == heard[count])
    }

    @Test("another sink has heard nothing, nor has anybody of another incident")
    func apart() {
        #expect(told(all, sink: "mail").heard(of: waiting(all)).isEmpty)
        #expect(told(all).heard(of: waiting(story(node: "n4"))).isEmpty)
    }

    @Test("what comes again after its end was told is told, though it has the same name")
    func again() {
        let told = told(all)
        let later = all.map { transition in
            IncidentTransition(
                change: transition.change,
                incident: transition.incident,
                at: transition.at + 86_400_000
            )
        }
        #expect(told.heard(of: waiting([later[0]])).isEmpty)
    }

    @Test("an end that is later than this time's beginning ends it, one before it does not")
    func ends() {
        var ends = Told()
        let resolved = all[3]
        ends.note(resolved, sink: "chat")
        #expect(ends.heard(of: waiting(all)) == [0, 1, 2, 3])
        var before = Told()
        before.note(
            IncidentTransition(change: .resolved, incident: resolved.incident, at: at(1_000)),
            sink: "chat"
        )
        #expect(before.heard(of: waiting(all)).isEmpty)
    }

    @Test("what nobody was told of needs no end, unless its beginning waits too")
    func unknown() {
        #expect(Told().heard(of: waiting([all[3]])) == [0])
        #expect(Told().heard(of: waiting(all)).isEmpty)
    }

    @Test("where it is not known what was told, an end is told")
    func unsure() {
        #expect(Told().heard(of: waiting([all[3]]), isWhole: false).isEmpty)
        #expect(told(Array(all)).heard(of: waiting(all), isWhole: false) == [0, 1, 2, 3])
    }

    @Test("what began again after an end that was not told is told, and what was told of it is not")
    func reopened() {
        let again = IncidentTransition(
            change: .opened,
            incident: all[0].incident,
            at: all[3].at + 60_000
        )
        let queue = waiting([all[3], again])
        #expect(told([all[0]]).heard(of: queue).isEmpty)
        #expect(told([all[0], all[3], again]).heard(of: queue) == [0, 1])
    }

    @Test("the same root that people know by another name is not told them again, at that sink")
    func otherName() {
        var renamed = Life.renamed(all[0])
        #expect(renamed.incident.id != all[0].incident.id)
        #expect(told([all[0]]).heard(of: waiting([renamed])) == [0])
        #expect(told([all[0]], sink: "mail").heard(of: waiting([renamed])).isEmpty)
        renamed = Life.renamed(story(node: "n4")[0])
        #expect(told([all[0]]).heard(of: waiting([renamed])).isEmpty)
    }

    @Test(
        "a word is later than the one before, whatever the clocks say; one of the future is of now"
    )
    func clocks() {
        var mine = told([all[3]])
        let early = IncidentTransition(change: .opened, incident: all[0].incident, at: at(1_000))
        mine.note(early, sink: "chat")
        #expect(mine.isOpen(all[0].incident.id, at: "chat"))
        var other = told([all[3]])
        other.merge(mine, now: at(2_000_000_000_000))
        #expect(other.isOpen(all[0].incident.id, at: "chat"))
        var ahead = Told()
        let late = IncidentTransition(
            change: .resolved,
            incident: all[3].incident,
            at: at(9_000_000_000_000)
        )
        ahead.note(late, sink: "mail")
        other.merge(ahead, now: all[3].at)
        #expect(other.words.count == 2)
        #expect(other.words.values.allSatisfy { $0.at <= all[3].at + 1 })
    }

    @Test("as text and back it is the same, and the later word counts when two are put together")
    func text() throws {
        var one = told([all[0]])
        one.note(story(node: "n4")[0], sink: "a sink with blanks\nand lines")
        #expect(try Told(parsing: one.text) == one)
        var other = told(all)
        other.merge(one, now: all[3].at)
        #expect(other.heard(of: waiting(all)) == [0, 1, 2, 3])
        one.merge(other, now: all[3].at)
        #expect(one == other)
        #expect(try Told(parsing: "").isEmpty)
    }

    @Test(
        "a text that is none is refused by its line",
        arguments: [
            "x", "1 2 open critical 1 1", "1 2 open critical 1 1 1 1", "1 2 shut critical 1 1 1",
            "1 2 open fatal 1 1 1", "-1 2 open critical 1 1 1", "1 2 open critical 1 -1 1",
            "1 2 open critical 1 1 zzzzzzzzzzzzz", "1 2 open critical zzzzzzzz 1 1",
            "1 zzzzzzzz open critical 1 1 1",
        ]
    )
    func refused(_ line: String) {
        let error = #expect(throws: ToldError.self) {
            try Told(parsing: "1 2 open critical 1 1 1\n" + line)
        }
        #expect(error?.description.contains("line 2") == true)
    }

    @Test("it stays within what an annotation holds: ends go first, and the oldest")
    func bounded() {
        var told = Told()
        let (open, over) = (all[0], all[3])
        for number in 0..<Told.limit + 500 {
            told.note(number % 2 == 0 ? open : over, sink: "s\(number)")
        }
        #expect(told.words.count == Told.limit)
        #expect(told.words.values.count { $0.isOpen } == (Told.limit + 500) / 2)
        #expect(told.text.utf8.count < 112_000)
        #expect((try? Told(parsing: told.text)) == told)
    }
}

@Suite struct SilencesOfAll {
    private func silence(_ id: String, until end: Int64 = 2_000_000) -> Silence {
        Silence(
            id: id,
            form: .silence,
            match: Silence.Match(node: "n3"),
            author: "kim",
            comment: "work",
            startsAt: at(1_000),
            endsAt: at(end)
        )
    }

    @Test("what is said to one is known to the other once, and an earlier end too")
    func copied() {
        var (one, other) = (SharedSilences([]), SharedSilences([]))
        #expect(!one.isUnpublished)
        one.note(silence("s1"), at: at(2_000))
        #expect(one.isUnpublished)
        let text = one.text(at: at(3_000))
        one.published(text, at: at(3_000))
        #expect(!one.isUnpublished)
        #expect(other.merge(text) == [silence("s1")])
        #expect(other.merge(text).isEmpty)
        #expect(!other.isUnpublished)
        other.note(silence("s1", until: 4_000), at: at(4_000))
        #expect(other.isUnpublished)
        #expect(one.merge(other.text(at: at(4_000))) == [silence("s1", until: 4_000)])
    }

    @Test("what is remembered from before gives way to what the others say")
    func remembered() {
        var one = SharedSilences([silence("s1")])
        #expect(one.isUnpublished)
        var other = SharedSilences([])
        other.note(silence("s1", until: 9_000), at: at(5_000))
        #expect(one.merge(other.text(at: at(5_000))) == [silence("s1", until: 9_000)])
    }

    @Test("what is said while another is written is written next")
    func meanwhile() {
        var one = SharedSilences([])
        one.note(silence("s1"), at: at(2_000))
        let text = one.text(at: at(2_000))
        one.note(silence("s2"), at: at(2_001))
        one.published(text, at: at(2_002))
        #expect(one.isUnpublished)
        one.published(one.text(at: at(2_003)), at: at(2_004))
        #expect(!one.isUnpublished)
    }

    @Test("who ends a silence has the last word, though his clock is behind")
    func behind() {
        var (one, other) = (SharedSilences([]), SharedSilences([]))
        one.note(silence("s1"), at: at(5_000))
        _ = other.merge(one.text(at: at(5_000)))
        other.note(silence("s1", until: 3_000), at: at(3_000))
        #expect(other.isUnpublished)
        #expect(other.merge(one.text(at: at(5_000))).isEmpty)
        #expect(one.merge(other.text(at: at(3_000))) == [silence("s1", until: 3_000)])
    }

    @Test("so many that they have no room are cut, and are not written again and again")
    func bounded() {
        var one = SharedSilences([])
        for number in 0..<2_000 { one.note(silence("s\(number)"), at: at(2_000)) }
        let text = one.text(at: at(3_000))
        #expect(text.utf8.count <= 32 << 10)
        one.published(text, at: at(3_000))
        #expect(!one.isUnpublished)
        _ = one.merge(text)
        #expect(!one.isUnpublished)
    }

    @Test("lines of another version, moments that are none and too much text are passed over")
    func hostile() {
        var one = SharedSilences([])
        one.note(silence("s1"), at: at(2_000))
        let good = one.text(at: at(2_000))
        var other = SharedSilences([])
        let late = good.replacing("2000000", with: "\(Int64.max)")
        #expect(late != good)
        #expect(other.merge("{}\n" + late + "\nnonsense").isEmpty)
        #expect(other.merge(String(repeating: "x", count: 70_000)).isEmpty)
        #expect(other.merge("{}\n" + good).count == 1)
    }
}
