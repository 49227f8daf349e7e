// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import Support
import Synchronization
import Testing
import Verdicts

@testable import Election
@testable import Incidents

@Suite struct IncidentsLeftOpen {
    private func verdict(_ node: String, severity: Severity = .critical) -> Verdict {
        var verdict = story(severity: severity, node: node)[0].incident.verdict
        verdict.severity = severity
        return verdict
    }

    private func judgement(_ verdicts: [Verdict]) -> Judgement {
        Judgement(paths: [], verdicts: verdicts, nextChange: nil)
    }

    private func ledger(_ verdicts: [Verdict] = [], at moment: Int64 = 1_000) -> IncidentLedger {
        var ledger = IncidentLedger(
            cluster: "lab",
            policy: AlertPolicy(holds: [.kernelRouteMissing: 0])
        )
        _ = ledger.step(judgement(verdicts), now: at(moment))
        return ledger
    }

    private func parsed(_ entries: [LedgerEntry]) -> [LedgerEntry] {
        var open = OpenIncidents()
        open.note(entries)
        return OpenIncidents.parse(open.text)
    }

    @Test("what another told and left open is ended by who takes it over, once, by the same name")
    func ends() throws {
        let first = ledger([verdict("n3")])
        var second = ledger(at: 2_000)
        for entry in parsed(first.toldEntries) { second.takeOver(entry) }
        #expect(second.incidents.map(\.id) == first.incidents.map(\.id))
        var told: [IncidentTransition] = []
        for moment in stride(from: 3_000, through: 200_000, by: 1_000) {
            told += second.step(judgement([]), now: at(Int64(moment)))
        }
        #expect(told.map(\.change) == [.resolved])
        #expect(told.first?.incident.summary == first.incidents[0].summary)
        #expect(told.first?.incident.firedAt == at(1_000))
        // The Lease may hold it for a moment longer.
        for entry in parsed(first.toldEntries) { second.takeOver(entry) }
        #expect(second.step(judgement([]), now: at(201_000)).isEmpty)
        #expect(second.incidents.count { $0.state != .resolved } == 0)
    }

    @Test("what still stands is gone on with, and nothing of it is told again")
    func stands() {
        let first = ledger([verdict("n3")])
        var second = ledger(at: 2_000)
        for entry in parsed(first.toldEntries) { second.takeOver(entry) }
        #expect(second.step(judgement([verdict("n3")]), now: at(3_000)).isEmpty)
        let worse = second.step(judgement([verdict("n3", severity: .warning)]), now: at(4_000))
        #expect(worse.map(\.change) == [.changed])
    }

    @Test("what was only pending here is the other's incident, and its end is told")
    func pending() {
        let first = ledger([verdict("n3")])
        var second = IncidentLedger(
            cluster: "lab",
            policy: AlertPolicy(holds: [.kernelRouteMissing: 10_000])
        )
        _ = second.step(judgement([verdict("n3")]), now: at(2_000))
        #expect(second.incidents.map(\.state) == [.pending])
        for entry in parsed(first.toldEntries) { second.takeOver(entry) }
        var told: [IncidentTransition] = []
        for moment in stride(from: 3_000, through: 100_000, by: 1_000) {
            told += second.step(judgement([]), now: at(Int64(moment)))
        }
        #expect(told.map(\.change) == [.resolved])
    }

    @Test("what fires here too stays as it is, and what is of another cluster is not taken")
    func known() {
        let first = ledger([verdict("n3")])
        var second = ledger([verdict("n3")], at: 2_000)
        for entry in parsed(first.toldEntries) { second.takeOver(entry) }
        #expect(second.incidents.map(\.detectedAt) == [at(2_000)])
        var other = IncidentLedger(cluster: "other")
        for entry in parsed(first.toldEntries) { other.takeOver(entry) }
        #expect(other.incidents.isEmpty)
    }

    @Test("the name that people know goes on, whatever this ledger called the same root")
    func otherName() throws {
        let first = ledger([verdict("n3")])
        var entry = try #require(first.toldEntries.first)
        var incident = Incident(
            id: "known-name",
            cluster: "lab",
            verdict: verdict("n3"),
            openings: 1,
            at: at(500)
        )
        (incident.state, incident.firedAt) = (.firing, at(500))
        entry.incident = incident
        var second = ledger([verdict("n3")], at: 2_000)
        second.takeOver(try #require(parsed([entry]).first))
        #expect(second.incidents.filter { $0.state == .firing }.map(\.id) == ["known-name"])
        #expect(second.step(judgement([verdict("n3")]), now: at(3_000)).isEmpty)
    }

    @Test("what takes a whole fleet down has room, and what is smaller beside it")
    func fleet() throws {
        var wide = verdict("n3")
        wide.impact.prefixes = (0..<30_000).compactMap {
            Prefix("10.\($0 / 250).\($0 % 250).0/24")
        }
        wide.impact.nodes = (0..<15_000).map { "node-\($0).example.net" }
        wide.absorbs = wide.impact.nodes.map { "session-down/\($0)" }
        let entries = ledger([wide, verdict("n4", severity: .warning)]).toldEntries
        #expect(parsed(entries).count == 2)
    }

    @Test("what was not told is not left to anybody")
    func untold() {
        var ledger = IncidentLedger(
            cluster: "lab",
            policy: AlertPolicy(holds: [.kernelRouteMissing: 10_000])
        )
        _ = ledger.step(judgement([verdict("n3")]), now: at(1_000))
        #expect(ledger.incidents.map(\.state) == [.pending])
        #expect(ledger.toldEntries.isEmpty)
    }

    @Test("of too many the worst stay, within what an annotation holds")
    func bounded() throws {
        let verdicts = (0..<600).map { verdict("n\($0)", severity: $0 < 20 ? .critical : .warning) }
        let entries = ledger(verdicts).toldEntries
        #expect(entries.count == 600)
        var open = OpenIncidents()
        open.note(entries)
        #expect(open.text.utf8.count <= 96 << 10)
        let kept = OpenIncidents.parse(open.text)
        #expect(kept.count > 60)
        #expect(kept.prefix(20).allSatisfy { $0.incident.verdict.severity == .critical })
    }

    @Test("entries whose numbers would overflow, and other lines, are passed over")
    func hostile() throws {
        var open = OpenIncidents()
        open.note(ledger([verdict("n3")]).toldEntries)
        let good = open.text
        #expect(OpenIncidents.parse(good).count == 1)
        for (old, new) in [
            ("\"detectedAt\":1000", "\"detectedAt\":\(Int64.max)"),
            ("\"lastTold\":1000", "\"lastTold\":-5"),
            ("\"openings\":1", "\"openings\":\(Int.max)"),
            ("\"prefixes\":1", "\"prefixes\":\(Int.max)"),
            ("\"state\":\"firing\"", "\"state\":\"resolved\""),
        ] {
            let bad = good.replacing(old, with: new)
            #expect(bad != good, "\(old)")
            #expect(OpenIncidents.parse("{}\nx\n" + bad).isEmpty)
        }
        #expect(OpenIncidents.parse(String(repeating: "x", count: 100_000)).isEmpty)
    }
}
