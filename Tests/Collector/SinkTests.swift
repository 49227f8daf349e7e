// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Incidents
import Routing
import Support
import Testing
import Verdicts

@testable import Sinks

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

    @Test("device text cannot break a line or carry control characters")
    func hostile() {
        let line = IncidentText.line(transition("a\nRESOLVED b\u{1b}[31m\u{202e}c"))
        #expect(!line.contains("\n") && !line.contains("\u{1b}") && !line.contains("\u{202e}"))
    }

    @Test(
        "durations read as people say them",
        arguments: [(400, "0.4s"), (61_000, "1m 1s"), (7_260_000, "2h 1m")]
    )
    func durations(milliseconds: Int64, expected: String) {
        #expect(IncidentText.duration(milliseconds) == expected)
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
