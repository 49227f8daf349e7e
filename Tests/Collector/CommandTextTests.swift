// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import Sinks
import Support
import Testing

@testable import podpath_collector

/// What commands print, letter by letter: documents in, lines out.
@Suite struct CommandTexts {
    private let now = at(1_700_000_182_000)
    private let narrow = Screen(width: 80)
    private let pipe = Screen(width: nil)

    private func text(_ lines: [Line], _ screen: Screen) -> String {
        lines.map { $0.text(screen) }.joined(separator: "\n")
    }

    private func decoded<Document: Decodable>(_ json: String) throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(json.utf8))
    }

    private func incident(_ changes: [String: Any] = [:]) throws -> IncidentDocument {
        let id = "kernel-route-missing-3w5e11264sgsf"
        var object: [String: Any] = [
            "id": id, "kind": "kernel-route-missing", "severity": "critical", "state": "firing",
            "cluster": "lab", "subject": ["node": "n3", "prefix": "10.16.2.0/24"],
            "stage": "kernel",
            "summary": "10.16.2.0/24 of n3 is lost: the kernel has no route for it",
            "since": "2023-11-14T22:13:20.000Z", "detectedAt": "2023-11-14T22:13:20.123Z",
            "evidence": [
                [
                    "source": "agent n3", "fact": "kernel route", "value": "absent",
                    "ageSeconds": 2.5,
                ]
            ],
            "impact": [
                "prefixes": ["10.16.2.0/24"], "nodes": ["n3"], "poolMembers": 3,
                "pools": ["/K8S/web"], "virtualServers": ["/K8S/web"], "wideIPs": [],
                "capacity": [["virtualServer": "/K8S/web", "remaining": 3, "members": 6]],
            ],
            "verify": [
                [
                    "on": "n3", "command": "ip -4 route show table all 10.16.2.0/24",
                    "shows": "nothing",
                ]
            ],
            "timeline": [["at": "2023-11-14T22:13:20.123Z", "text": "seen"]],
        ]
        object.merge(changes) { $1 }
        let data = try JSONSerialization.data(withJSONObject: object)
        return try JSONDecoder().decode(IncidentDocument.self, from: data)
    }

    private let broken = """
        {"paths":[{"prefix":"10.16.2.0/24","node":"n3","verdict":"kernel-route-missing","stages":[
        {"stage":"intent","state":"ok","found":"nodes file","ageSeconds":2.0},
        {"stage":"kernel","state":"missing","ageSeconds":0.4},
        {"stage":"session","at":"switch-a","state":"ok","found":"Established","ageSeconds":61},
        {"stage":"switch","at":"switch-a","state":"wrong","expected":"10.1.0.3","found":"10.1.0.4"},
        {"stage":"member","state":"unknown","reason":"no load balancer answers, and this reason is long enough to be wrapped"}]}]}
        """

    @Test("incidents on a terminal of 80 columns")
    func incidentsNarrow() throws {
        let list =
            [try incident(["state": "resolved", "resolvedAt": "2023-11-14T22:14:20.000Z"])]
            + [try incident(["silences": ["x"], "severity": "warning"]), try incident()]
        #expect(
            text(IncidentsText.list(list, now: now, narrow), narrow) == """
                critical  10.16.2.0/24 of n3 is lost: the kernel has no route for it
                          firing for 3m 2s, kernel-route-missing, n3 10.16.2.0/24
                          kernel-route-missing-3w5e11264sgsf
                warning   10.16.2.0/24 of n3 is lost: the kernel has no route for it
                          firing (silenced) for 3m 2s, kernel-route-missing, n3 10.16.2.0/24
                          kernel-route-missing-3w5e11264sgsf
                critical  10.16.2.0/24 of n3 is lost: the kernel has no route for it
                          resolved for 1m 0s, kernel-route-missing, n3 10.16.2.0/24
                          kernel-route-missing-3w5e11264sgsf
                """
        )
    }

    @Test("on a pipe an incident is one line, whole, for grep and awk")
    func incidentsPipe() throws {
        #expect(
            text(IncidentsText.list([try incident()], now: now, pipe), pipe) == """
                ID                                  SEVERITY  STATE   KIND                  SINCE  SUBJECT          SUMMARY
                kernel-route-missing-3w5e11264sgsf  critical  firing  kernel-route-missing  3m 2s  n3 10.16.2.0/24  10.16.2.0/24 of n3 is lost: the kernel has no route for it
                """
        )
        #expect(text(IncidentsText.list([], now: now, pipe), pipe) == "no incidents")
    }

    @Test("everything of one incident")
    func incidentWhole() throws {
        #expect(
            text(IncidentsText.whole(try incident(), now: now, narrow), narrow) == """
                10.16.2.0/24 of n3 is lost: the kernel has no route for it

                id        kernel-route-missing-3w5e11264sgsf
                kind      kernel-route-missing
                severity  critical
                state     firing
                cluster   lab
                stage     kernel
                subject   n3 10.16.2.0/24
                since     2023-11-14T22:13:20.000Z (3m 2s)
                detected  2023-11-14T22:13:20.123Z

                EVIDENCE
                  SOURCE    FACT          AGE  VALUE
                  agent n3  kernel route  2s   absent

                IMPACT
                  pod CIDRs        10.16.2.0/24
                  nodes            n3
                  members          3
                  pools            /K8S/web
                  virtual servers  /K8S/web
                  members left     /K8S/web 3 of 6

                VERIFY
                  on n3
                    ip -4 route show table all 10.16.2.0/24
                      → nothing

                TIMELINE
                  2023-11-14T22:13:20.123Z  seen
                """
        )
    }

    @Test("a way marks where it breaks first, and wraps in its last column alone")
    func trace() throws {
        let found = text(TraceText.lines(try decoded(broken), narrow), narrow)
        #expect(
            found == """
                10.16.2.0/24 of n3: kernel-route-missing
                   STAGE    AT        STATE    AGE    SEEN
                   intent             ok       2s     nodes file
                >  kernel             missing  0.4s
                   session  switch-a  ok       1m 1s  Established
                   switch   switch-a  wrong           10.1.0.4, expected 10.1.0.3
                   member             unknown         no load balancer answers, and this reason
                                                      is long enough to be wrapped
                breaks first at kernel
                """,
            "\(found)"
        )
    }

    @Test("status: what is wrong, what is not read, and one sentence")
    func status() throws {
        var document = StatusDocument(
            cluster: "lab",
            incidents: [try incident()],
            sources: try decoded(
                """
                [{"name":"leaf-a","type":"switch","state":"unreadable","ageSeconds":75,"lastError":"connection refused"},
                {"name":"agents","type":"agents","state":"stale","connected":5,"expected":6},
                {"name":"ltm","type":"load-balancer","state":"ok"}]
                """
            )
        )
        (document.paths, document.broken, document.unknown) = (6, 1, 2)
        #expect(
            text(StatusText.lines(document, now: now, narrow), narrow) == """
                critical  10.16.2.0/24 of n3 is lost: the kernel has no route for it
                          firing for 3m 2s, kernel-route-missing, n3 10.16.2.0/24
                          kernel-route-missing-3w5e11264sgsf

                SOURCE  STATE       READ
                leaf-a  unreadable  1m 15s ago  connection refused
                agents  stale       5 of 6

                lab: 1 incident; of 6 pod CIDRs 3 good, 1 broken, 2 not known whole
                """
        )
        document = StatusDocument(cluster: "lab", incidents: [], paths: 6, sources: [])
        #expect(
            text(StatusText.lines(document, now: now, narrow), narrow)
                == "lab: all 6 pod CIDRs are good, 0 sources read"
        )
        #expect(!document.isInDoubt)
    }

    @Test("a silence, and many")
    func silences() throws {
        let silence: SilenceDocument = try decoded(
            """
            {"id":"1x","form":"maintenance","match":{"node":"n3","kind":"session-down"},"author":"ann",
            "comment":"a new disk","startsAt":"2023-11-14T23:00:00.000Z","endsAt":"2023-11-15T00:00:00.000Z","state":"pending"}
            """
        )
        #expect(
            text(SilencesText.list([silence], narrow), narrow) == """
                1x  pending maintenance, from 2023-11-14T23:00:00.000Z until 2023-11-15T00:00:00.000Z
                  kind=session-down node=n3; ann: a new disk
                """
        )
        #expect(text(SilencesText.list([silence], pipe), pipe).split(separator: "\n").count == 2)
    }

    @Test("no line is wider than the terminal, but for commands, which are copied whole")
    func widths() throws {
        let long = String(repeating: "丢失路由 ", count: 40)
        let document = try incident(["summary": long, "verify": [[String: String]]()])
        for width in [60, 80, 132, 200] {
            let screen = Screen(width: width)
            let lines =
                IncidentsText.list([document], now: now, screen)
                + IncidentsText.whole(document, now: now, screen)
                + TraceText.lines(try decoded(broken), screen)
            for line in lines {
                #expect(line.text(screen).columns <= width, "\(line.text(screen))")
            }
        }
    }

    @Test("what a device says steers no terminal, in words or in JSON")
    func control() throws {
        let evil = "a\u{1B}[2Jb\u{9B}31mc\u{202E}d\r\ne"
        let document = try incident(["summary": evil, "cluster": evil])
        for screen in [narrow, pipe] {
            let lines =
                IncidentsText.list([document], now: now, screen)
                + IncidentsText.whole(document, now: now, screen)
                + Changes.incidents(from: nil, to: [document])
            for line in lines {
                let scalars = line.text(screen).unicodeScalars
                #expect(
                    !scalars.contains {
                        [.control, .format].contains($0.properties.generalCategory)
                    }
                )
            }
        }
        let escaped = Terminal.escaped("{\"a\": \"\u{9B}1m\u{1B}x\u{E0001}\"}")
        #expect(escaped == #"{"a": "\u009b1m\u001bx\udb40\udc01"}"#)
    }

    @Test("colours are there for who looks, and end with their word")
    func colours() throws {
        let screen = Screen(width: 80, hasColor: true)
        let line = IncidentsText.list([try incident()], now: now, screen)[0].text(screen)
        #expect(line.hasPrefix("\u{1B}[31mcritical  \u{1B}[0m\u{1B}[1m10.16.2.0/24"))
        #expect(line.hasSuffix("\u{1B}[0m"))
        #expect(ColorChoice.auto.hasColor(isTerminal: true, [:]))
        #expect(!ColorChoice.auto.hasColor(isTerminal: false, [:]))
        #expect(!ColorChoice.auto.hasColor(isTerminal: true, ["NO_COLOR": "1"]))
        #expect(ColorChoice.auto.hasColor(isTerminal: true, ["NO_COLOR": ""]))
        #expect(!ColorChoice.auto.hasColor(isTerminal: true, ["TERM": "dumb"]))
        #expect(ColorChoice.always.hasColor(isTerminal: false, ["NO_COLOR": "1"]))
    }

    @Test("letters take the columns that a terminal gives them")
    func columns() {
        #expect("路由".columns == 4)
        #expect("ｎ３".columns == 4)
        #expect("e\u{301}".columns == 1)
        #expect("👩‍💻".columns == 2)
        #expect("路由缺失".cut(to: 6) == "路由…")
        #expect("a 路由缺失 b".wrapped(to: 5) == ["a", "路由", "缺失", "b"])
        #expect("".wrapped(to: 5) == [""])
    }
}

@Suite struct CommandWatching {
    @Test("reads at events, without them more often, and after failures ever more seldom")
    func times() {
        var times = ReadingTimes(now: 0)
        #expect(!times.isDue(now: 100, hasEvents: false))
        #expect(times.isDue(now: 100, hasEvents: true))
        times.succeeded(now: 100, isListening: true)
        #expect(!times.isDue(now: 10_099, hasEvents: false))
        #expect(times.isDue(now: 10_100, hasEvents: false))
        var pauses: [Int64] = []
        for _ in 0..<8 {
            times.failed(now: 0, jitter: 1)
            pauses.append(times.next)
            #expect(!times.isDue(now: 1, hasEvents: true))
        }
        #expect(pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
        times.failed(now: 0, jitter: 0)
        #expect(times.next == 15_000)
    }

    @Test("a frame overwrites the one before it, and counts what does not fit")
    func frame() {
        let lines = (1...5).map { Line("\($0)") }
        let frame = Drawing.frame(lines, rows: 3, Screen(width: 80))
        #expect(frame == "\u{1B}[H1\u{1B}[K\r\n2\u{1B}[K\r\n… 3 lines more\u{1B}[K\u{1B}[J")
    }

    @Test("on a pipe each change of a way is a line")
    func changes() throws {
        func paths(_ state: String, _ verdict: String) throws -> [PathDocument] {
            let json = """
                [{"prefix":"10.16.2.0/24","node":"n3","verdict":"\(verdict)","stages":[
                {"stage":"kernel","state":"\(state)"},{"stage":"session","at":"leaf-a","state":"ok"}]}]
                """
            return try JSONDecoder().decode([PathDocument].self, from: Data(json.utf8))
        }
        let screen = Screen(width: nil)
        let (good, bad) = (try paths("ok", "ok"), try paths("missing", "kernel-route-missing"))
        #expect(Changes.paths(from: good, to: good).isEmpty)
        #expect(
            Changes.paths(from: good, to: bad).map { $0.text(screen) } == [
                "10.16.2.0/24 of n3: kernel ok -> missing",
                "10.16.2.0/24 of n3: kernel-route-missing",
            ]
        )
        #expect(
            Changes.paths(from: bad, to: []).map { $0.text(screen) } == ["10.16.2.0/24 of n3: gone"]
        )
    }
}

@Suite struct CommandAddresses {
    @Test("a password in a command line is refused, in the environment taken, and never printed")
    func passwords() throws {
        #expect(throws: APIFailure.self) {
            try APIAddress("https://ann:secret@host:1", isPublic: true)
        }
        let address = try APIAddress("https://ann:secret@host:1/", isPublic: false)
        #expect(address.base == "https://host:1")
        #expect(address.authorization == "Basic YW5uOnNlY3JldA==")
        #expect(!address.failure(.unauthorized, Data()).description.contains("secret"))
        #expect(try APIAddress("host:10480", isPublic: true).base == "http://host:10480")
        for text in ["ftp://x", "http://", "://"] {
            #expect(throws: APIFailure.self) { try APIAddress(text, isPublic: true) }
        }
    }

    @Test("a failure says what to do next, and whether it is a refusal")
    func failures() throws {
        let address = try APIAddress("https://host:1", isPublic: true)
        #expect(address.failure(.unauthorized, Data()).description.contains("--user-file"))
        let refused = address.failure(
            .forbidden,
            Data(#"{"error":"set http.writes to true"}"#.utf8)
        )
        #expect(refused.isRefusal && refused.description.hasSuffix("set http.writes to true"))
        #expect(!address.failure(.badGateway, Data("<html>".utf8)).isRefusal)
        #expect(!address.failure(.notFound, Data("<html>".utf8)).isRefusal)
    }
}
