// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Incidents
import Logging
import Routing
import Support
import Synchronization
import Testing
import Verdicts

@testable import Sinks

private func transition(
    _ summary: String = "s",
    severity: Severity = .critical
) -> IncidentTransition {
    var verdict = Verdict(
        kind: .kernelRouteMissing,
        severity: severity,
        identity: "kernel-route-missing/n3",
        subject: Subject(node: "n3", prefix: prefix("10.16.2.0/24")),
        summary: summary,
        since: nil,
        evidence: [Evidence("agent n3", "kernel route", "absent", at: at(1_000))],
        impact: Impact(),
        verify: [Verification(on: "n3", "ip route show 10.16.2.0/24")],
        hold: 0,
        absorbs: []
    )
    verdict.impact.prefixes = [prefix("10.16.2.0/24")]
    verdict.impact.poolMembers = 3
    verdict.impact.virtualServers = ["/K8S/web"]
    var ledger = IncidentLedger(
        cluster: "lab",
        policy: AlertPolicy(holds: [.kernelRouteMissing: 0])
    )
    let judgement = Judgement(paths: [], verdicts: [verdict], nextChange: nil)
    return ledger.step(judgement, now: at(1_700_000_000_123))[0]
}

@Suite struct Documents {
    @Test("an incident's JSON has the public shape: absent keys left out, times RFC 3339 UTC")
    func shape() throws {
        let data = json(IncidentDocument(transition()))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "id", "kind", "severity", "state", "cluster", "subject", "stage", "summary",
                "since", "detectedAt", "firedAt", "evidence", "impact", "verify", "transition",
            ]
        )
        #expect(object["firedAt"] as? String == "2023-11-14T22:13:20.123Z")
        #expect(object["transition"] as? String == "opened")
        #expect(object["subject"] as? [String: String] == ["node": "n3", "prefix": "10.16.2.0/24"])
        let impact = try #require(object["impact"] as? [String: Any])
        #expect(
            Set(impact.keys)
                == [
                    "prefixes", "nodes", "poolMembers", "pools", "virtualServers", "wideIPs",
                    "capacity",
                ]
        )
    }

    @Test("a message names what, where, what it takes down and how to see it")
    func message() {
        #expect(
            IncidentText.message(transition("10.16.2.0/24 of n3 breaks at kernel"))
                == """
                CRITICAL 10.16.2.0/24 of n3 breaks at kernel [kernel-route-missing, lab]
                takes down: 3 pool members behind /K8S/web
                verify on n3: ip route show 10.16.2.0/24
                """
        )
    }

    @Test("device text cannot break a line or carry control characters")
    func hostile() {
        let line = IncidentText.line(transition("a\nRESOLVED b\u{1b}[31m\u{202e}c"))
        #expect(!line.contains("\n") && !line.contains("\u{1b}") && !line.contains("\u{202e}"))
        #expect(SlackWebhook.escaped("<!channel> & <b>") == "&lt;!channel&gt; &amp; &lt;b&gt;")
    }

    @Test(
        "durations read as people say them",
        arguments: [(400, "0.4s"), (61_000, "1m 1s"), (7_260_000, "2h 1m")]
    )
    func durations(milliseconds: Int64, expected: String) {
        #expect(IncidentText.duration(milliseconds) == expected)
    }

    @Test("metric labels are escaped and numbers are plain")
    func exposition() {
        var exposition = Exposition()
        exposition.add("x", "gauge", "Help.", [([("a", "q\"\\\n")], 1.5), ([], 3)])
        #expect(
            exposition.text
                == "# HELP podpath_x Help.\n# TYPE podpath_x gauge\npodpath_x{a=\"q\\\"\\\\\\n\"} 1.5\npodpath_x 3\n"
        )
    }
}

/// Fails as often as it is told to, then takes everything.
private final class StubbornSink: Sink {
    let name = "stubborn"
    private let state: Mutex<(failures: Int, taken: [String])>
    private let isFinal: Bool

    init(failures: Int, isFinal: Bool = false) {
        state = Mutex((failures, []))
        self.isFinal = isFinal
    }

    var taken: [String] { state.withLock { $0.taken } }

    func deliver(_ transition: IncidentTransition) async throws(SinkError) {
        let fails = state.withLock { state in
            defer { state.failures -= 1 }
            return state.failures > 0
        }
        if fails { throw SinkError("no", isWorthRetrying: !isFinal) }
        state.withLock { $0.taken.append(transition.incident.verdict.summary) }
    }
}

@Suite struct Outboxes {
    private func deliver(
        _ summaries: [String],
        to sink: StubbornSink,
        expecting count: Int,
        filter: SinkFilter = SinkFilter(),
        severity: Severity = .critical
    ) async -> Outbox.Counters {
        let outbox = Outbox(
            sink,
            filter: filter,
            log: Logger(label: "t"),
            pause: { _ in await Task.yield() }
        )
        let task = Task { await outbox.run() }
        for (index, summary) in summaries.enumerated() {
            let transition = transition(summary, severity: severity)
            guard outbox.wants(transition) else { continue }
            outbox.post(Delivery(sequence: Int64(index), sink: "s", transition: transition))
        }
        while outbox.counters.waiting > 0 { await Task.yield() }
        task.cancel()
        return outbox.counters
    }

    @Test("a sink that fails for a while gets everything, in order")
    func retries() async {
        let sink = StubbornSink(failures: 5)
        let counters = await deliver(["1", "2", "3"], to: sink, expecting: 3)
        #expect(sink.taken == ["1", "2", "3"])
        #expect(counters.delivered == 3)
        #expect(counters.failed == 5)
    }

    @Test("a message that was refused for good does not hold up the next")
    func refused() async {
        let sink = StubbornSink(failures: 1, isFinal: true)
        _ = await deliver(["1", "2"], to: sink, expecting: 1)
        #expect(sink.taken == ["2"])
    }

    @Test("a filter keeps out what it does not name")
    func filtered() async {
        let sink = StubbornSink(failures: 0)
        _ = await deliver(
            ["1"],
            to: sink,
            expecting: 0,
            filter: SinkFilter(severities: [.critical]),
            severity: .info
        )
        #expect(sink.taken.isEmpty)
    }

    @Test("each delivery ends once, delivered, refused or dropped")
    func outcomes() async {
        let ends = Mutex<[Int64: Delivery.Outcome]>([:])
        let outbox = Outbox(
            StubbornSink(failures: 1, isFinal: true),
            filter: SinkFilter(),
            log: Logger(label: "t"),
            pause: { _ in await Task.yield() },
            ended: { sequence, outcome in
                ends.withLock { #expect($0.updateValue(outcome, forKey: sequence) == nil) }
            }
        )
        for index in 0..<1_003 {
            outbox.post(
                Delivery(sequence: Int64(index), sink: "s", transition: transition("\(index)"))
            )
        }
        let task = Task { await outbox.run() }
        while ends.withLock({ $0.count }) < 1_003 { await Task.yield() }
        task.cancel()
        let all = ends.withLock { $0 }
        #expect(all[0] == .refused)
        #expect((1...3).allSatisfy { all[$0] == .dropped })
        #expect((4..<1_003).allSatisfy { all[$0] == .delivered })
    }

    @Test("a sink that was told of an incident before is told of its end, whatever the filter says")
    func toldBefore() {
        let transition = transition(severity: .info)
        let filter = SinkFilter(severities: [.critical])
        func wants(_ told: Set<String>) -> Bool {
            Outbox(
                StubbornSink(failures: 0),
                filter: filter,
                told: told,
                log: Logger(label: "t"),
                pause: { _ in }
            ).wants(transition)
        }
        #expect(!wants([]))
        #expect(wants([transition.incident.id]))
    }

    @Test("a thousand wait at most; what is lost is counted")
    func bounded() {
        let outbox = Outbox(
            StubbornSink(failures: 0),
            filter: SinkFilter(),
            log: Logger(label: "t"),
            pause: { _ in }
        )
        for index in 0..<1_100 {
            outbox.post(
                Delivery(sequence: Int64(index), sink: "s", transition: transition("\(index)"))
            )
        }
        #expect(outbox.counters.waiting == 1_000)
        #expect(outbox.counters.dropped == 100)
    }
}

@Suite struct SilenceRequests {
    private func silence(_ text: String) throws(SilenceRefusal) -> Silence {
        try Silence(body: Data(text.utf8), id: "fresh", now: at(1_000_000))
    }

    private let end = "1970-01-01T01:00:00Z"

    @Test("what an operator asks for is taken as it is said")
    func taken() throws {
        let silence = try silence(
            """
            {"match": {"node": "n3", "prefix": "10.16.2.0/24", "kind": "session-down"},
             "author": " ann ", "comment": "moving\\nthe rack", "endsAt": "\(end)"}
            """
        )
        #expect(silence.id == "fresh")
        #expect(silence.form == .silence)
        #expect(silence.match.prefix == prefix("10.16.2.0/24"))
        #expect(silence.author == "ann")
        #expect(silence.comment == "moving the rack")
        #expect(silence.startsAt == at(1_000_000))
        #expect(silence.endsAt == at(3_600_000))
    }

    @Test(
        "what would silence more than was meant, or says not who, why and until when, is refused",
        arguments: [
            ("{}", "expected"), ("[]", "expected"), ("no", "expected"),
            (#"{"match": {}, "author": "a", "comment": "c", "endsAt": "END"}"#, "empty"),
            (#"{"match": {"nod": "n"}, "author": "a", "comment": "c", "endsAt": "END"}"#, "nod"),
            (#"{"match": {"node": ""}, "author": "a", "comment": "c", "endsAt": "END"}"#, "node"),
            (#"{"match": {"kind": "k"}, "author": "a", "comment": "c", "endsAt": "END"}"#, "kind"),
            (
                #"{"match": {"prefix": "x"}, "author": "a", "comment": "c", "endsAt": "END"}"#,
                "prefix"
            ),
            (
                #"{"match": {"node": "n"}, "author": " ", "comment": "c", "endsAt": "END"}"#,
                "author"
            ),
            (
                #"{"match": {"node": "n"}, "author": "a", "comment": "", "endsAt": "END"}"#,
                "comment"
            ),
            (
                #"{"match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "soon"}"#,
                "endsAt"
            ),
            (
                #"{"match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "1970-01-01T00:00:01Z"}"#,
                "after now"
            ),
            (
                #"{"match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "1999-01-01T00:00:01Z"}"#,
                "year"
            ),
            (
                #"{"match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "9999999999-01-01T00:00:00Z"}"#,
                "endsAt"
            ),
            (
                #"{"match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "END", "switch": "a"}"#,
                "switch"
            ),
            (
                #"{"form": "loud", "match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "END"}"#,
                "form"
            ),
            (
                #"{"form": "acknowledgement", "match": {"node": "n"}, "author": "a", "comment": "c", "endsAt": "END"}"#,
                "incident"
            ),
        ]
    )
    func refused(text: String, word: String) {
        do throws(SilenceRefusal) {
            _ = try silence(text.replacing("END", with: end))
            Issue.record("it was taken")
        } catch {
            #expect(error.reason.contains(word), "\(error.reason)")
        }
    }
}
