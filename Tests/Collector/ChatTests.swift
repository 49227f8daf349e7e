// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Incidents
import Routing
import Support
import Testing
import Verdicts

@testable import Sinks

private let secret = Credential.value(Secret("SECc0ffee"))

private let dialects: [(name: String, dialect: any ChatDialect)] = [
    ("dingtalk", DingTalk(secret: secret, keyword: "podpath", mobiles: ["13800000000"])),
    ("wecom", WeCom()),
    ("feishu", Feishu(secret: secret, keyword: "podpath")),
    ("slack", Slack()),
    ("mattermost", Mattermost()),
    ("teams", Teams()),
    ("matrix", Matrix(server: "https://matrix.example.net", room: "!ops:example.net")),
]

private func wording(_ language: Language) -> Wording {
    var wording = Wording()
    wording.language = language
    wording.link = "https://podpath.example.net"
    wording.contacts = [.nodes: "#platform"]
    return wording
}

private func request(
    _ dialect: any ChatDialect,
    _ transitions: [IncidentTransition],
    _ language: Language = .english
) throws -> SinkRequest {
    try dialect.request(
        Message(Notice(transitions, key: "lab-7"), wording(language)),
        language.phrases,
        to: Secret("https://chat.example.net/hook?access_token=t0ken"),
        key: "lab-7",
        now: 1_700_000_000_000
    )
}

/// What is human in a body: all its strings.
private func strings(in body: Data) throws -> [String] {
    func collect(_ value: Any) -> [String] {
        switch value {
        case let text as String: [text]
        case let list as [Any]: list.flatMap(collect)
        case let object as [String: Any]:
            object.sorted { $0.key < $1.key }.flatMap { collect($0.value) }
        default: []
        }
    }
    return collect(try JSONSerialization.jsonObject(with: body))
}

@Suite struct Chats {
    /// See Tests/Fixtures/chat/README.md.
    private func golden(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/chat/\(name).txt")
    }

    @Test(
        "each chat's message is as people have agreed to read it",
        arguments: dialects.map(\.name),
        Language.allCases
    )
    func goldens(name: String, language: Language) throws {
        let dialect = try #require(dialects.first { $0.name == name }).dialect
        var cases = story().map { ($0.change.rawValue, [$0]) }
        cases.append(("digest", [transition("one"), transition("two", node: "n4")]))
        var text = ""
        for (what, transitions) in cases {
            let request = try request(dialect, transitions, language)
            let object = try JSONSerialization.jsonObject(with: request.body)
            let pretty = try JSONSerialization.data(
                withJSONObject: object,
                options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            )
            text += "== \(what)\n\(String(decoding: pretty, as: UTF8.self))\n"
        }
        let file = golden("\(name)-\(language.rawValue)")
        if ProcessInfo.processInfo.environment["PODPATH_WRITE_GOLDEN"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }

    @Test(
        "text from outside calls nobody, marks nothing up and breaks no line",
        arguments: dialects.map(\.name)
    )
    func hostile(name: String) throws {
        let dialect = try #require(dialects.first { $0.name == name }).dialect
        let nasty =
            "<!channel> @all &commat;all @here <at id=all></at> <@U1> **b** `c` [x](http://e) <b>\n\u{202e}|"
        let body = try request(dialect, [transition(nasty)]).body
        // What each chat would take for a call or for mark-up.
        let forbidden = [
            "dingtalk": ["@all", "@here"],
            "wecom": ["@all", "@here", "<@U1>", "<!channel>", "[x]("],
            "feishu": ["<at ", "[x](", "**b**"],
            "slack": ["<!channel>", "<@U1>", "<at "],
            "mattermost": ["@all", "@here", " [x](", "&commat;"],
        ]
        for text in try strings(in: body) {
            #expect(!text.contains("\u{202e}"))
            for word in forbidden[name] ?? [] {
                #expect(!text.contains(word), "\(word) in \(text)")
            }
        }
        if name == "teams" {
            // Runs are no mark-up: there must be nothing but runs.
            let object = String(decoding: body, as: UTF8.self)
            #expect(!object.contains("\"TextBlock\"") && object.contains("\"TextRun\""))
        }
        if name == "matrix" {
            let object = try JSONSerialization.jsonObject(with: body) as? [String: Any]
            #expect((object?["m.mentions"] as? [String: Any])?.isEmpty == true)
            #expect((object?["formatted_body"] as? String)?.contains("&lt;!channel&gt;") == true)
        }
    }

    @Test(
        "the longest message fits, with its head and its link",
        arguments: dialects.map(\.name),
        ["n", "节", "\u{1F525}", "\"", "\u{0301}"]
    )
    func fits(name: String, letter: String) throws {
        let dialect = try #require(dialects.first { $0.name == name }).dialect
        let long = String(repeating: letter, count: 5_000)
        var verdict = transition(long).incident.verdict
        verdict.evidence = (0..<50).map { Evidence("agent \($0)", long, long, at: nil) }
        verdict.verify = (0..<50).map { Verification(on: "n\($0)", long) }
        verdict.impact.virtualServers = (0..<50).map { "/K8S/\($0)\(long)" }
        var ledger = IncidentLedger(
            cluster: long,
            policy: AlertPolicy(holds: [.kernelRouteMissing: 0])
        )
        let judgement = Judgement(paths: [], verdicts: [verdict], nextChange: nil)
        let transitions = ledger.step(judgement, now: at(1_700_000_000_123))
        let digest = (0..<400).map { transition("\($0)\(long)", node: "n\($0)") }
        for batch in [transitions, digest] {
            let body = try request(dialect, batch).body
            let all = try strings(in: body).joined(separator: "\n")
            #expect(all.contains("https://podpath.example.net"))
            #expect(all.unicodeScalars.contains(letter.unicodeScalars[letter.startIndex]))
            let longest = try strings(in: body).max { $0.utf8.count < $1.utf8.count } ?? ""
            switch name {
            case "wecom": #expect(longest.utf8.count <= 4_096)
            case "slack": #expect(longest.utf16.count <= 3_000)
            case "mattermost": #expect(longest.unicodeScalars.count <= 16_383)
            case "teams": #expect(body.count <= 28_672)
            case "matrix": #expect(body.count <= 65_000)
            default: #expect(body.count <= 20_000)
            }
        }
    }

    @Test("a refused message's second attempt is its head alone")
    func short() throws {
        var notice = Notice([transition()], key: "k")
        notice.isShort = true
        let message = Message(notice, wording(.english))
        #expect(message.lines.isEmpty && message.evidence.isEmpty && message.commands.isEmpty)
        #expect(message.headline == "s" && message.link != nil)
    }

    @Test("a hint that takes nothing down says so; one that puts members at risk says that")
    func hint() {
        func lines(_ transition: IncidentTransition) -> [String] {
            Message(Notice([transition], key: "k"), wording(.english)).lines.map {
                "\($0.label): \($0.text)"
            }
        }
        #expect(
            lines(transition(severity: .info)).contains { $0.hasPrefix("at risk: 3 pool members") }
        )
        let calm = lines(transition(severity: .info, impact: Impact()))
        #expect(calm.contains("takes down: nothing that podpath sees"))
    }

    @Test("DingTalk's signature is of this moment, in the address as it is in the file")
    func dingTalkSignature() throws {
        let robot = DingTalk(secret: secret, keyword: nil, mobiles: [])
        let first = try request(robot, [transition()]).url
        #expect(first == (try request(robot, [transition()]).url))
        let query = URLComponents(string: first)?.queryItems ?? []
        #expect(query.map(\.name) == ["access_token", "timestamp", "sign"])
        // printf '1700000000000\nSECc0ffee' | openssl dgst -sha256 -hmac SECc0ffee -binary | base64
        #expect(query.last?.value == "mkeXphlObuCU9atILXYJZLmoXBWVMKdo/SquV9v+17I=")
    }

    @Test("Feishu's signature is in the body, of seconds and over nothing")
    func feishuSignature() throws {
        let body = try request(Feishu(secret: secret, keyword: nil), [transition()]).body
        let object = try JSONSerialization.jsonObject(with: body) as? [String: Any]
        #expect(object?["timestamp"] as? String == "1700000000")
        // printf '' | openssl dgst -sha256 -hmac "$(printf '1700000000\nSECc0ffee')" -binary | base64
        #expect(object?["sign"] as? String == "YvLDt4yJf7PVVp/4myjbHVsnIZ/BrF6aJxm7+/4bPGg=")
    }

    @Test("Matrix' transaction is the message's own, so that it is shown once")
    func matrixTransaction() throws {
        let matrix = Matrix(server: "https://m", room: "!ops:example.net")
        let request = try request(matrix, [transition()])
        #expect(
            request.url
                == "https://m/_matrix/client/v3/rooms/%21ops%3Aexample%2Enet/send/m.room.message/podpath%2Dlab%2D7"
        )
        #expect("\(request)".contains("PUT of") && !"\(request)".contains("chat.example"))
    }

    private func outcome(
        _ dialect: any ChatDialect,
        _ status: Int,
        _ body: String
    ) -> SinkError.Class? {
        dialect.refusal(in: SinkAnswer(status: status, body: Data(body.utf8)))?
            .class
    }

    @Test("a robot's 200 is a failure when its code says so, and when no robot has answered")
    func robotAnswers() {
        let robot = DingTalk(secret: nil, keyword: nil, mobiles: [])
        #expect(outcome(robot, 200, #"{"errcode":0,"errmsg":"ok"}"#) == nil)
        #expect(
            outcome(robot, 200, #"{"errcode":310000,"errmsg":"sign not match"}"#) == .unauthorized
        )
        #expect(outcome(robot, 200, #"{"errcode":130101,"errmsg":"too fast"}"#) == .limited)
        #expect(outcome(robot, 200, #"{"errcode":-1,"errmsg":"busy"}"#) == .unavailable)
        #expect(outcome(robot, 200, #"{"errcode":40035,"errmsg":"bad"}"#) == .rejected)
        #expect(outcome(robot, 200, "<html>log in</html>") == .unavailable)
        #expect(outcome(robot, 502, "bad gateway") == .unavailable)
        #expect(outcome(WeCom(), 200, #"{"errcode":45009}"#) == .limited)
        #expect(outcome(WeCom(), 200, #"{"errcode":93000}"#) == .unauthorized)
        #expect(outcome(WeCom(), 200, #"{"errcode":40058}"#) == .rejected)
        let feishu = Feishu(secret: nil, keyword: nil)
        #expect(outcome(feishu, 200, #"{"code":0}"#) == nil)
        #expect(outcome(feishu, 200, #"{"StatusCode":0,"StatusMessage":"success"}"#) == nil)
        #expect(outcome(feishu, 200, #"{"code":19021,"msg":"sign"}"#) == .unauthorized)
        #expect(outcome(feishu, 200, #"{"code":11232}"#) == .limited)
        #expect(outcome(feishu, 400, #"{"code":9499}"#) == .rejected)
    }

    @Test("Slack and Mattermost say ok, and a proxy's page is none")
    func hooks() {
        for dialect in [Slack(), Mattermost()] as [any ChatDialect] {
            #expect(outcome(dialect, 200, "ok") == nil)
            #expect(outcome(dialect, 200, "ok\n") == nil)
            #expect(outcome(dialect, 200, "<html>") == .unavailable)
            #expect(outcome(dialect, 400, "invalid_payload") == .rejected)
            #expect(outcome(dialect, 404, "no_service") == .unauthorized)
            #expect(outcome(dialect, 429, "") == .limited)
            #expect(outcome(dialect, 503, "") == .unavailable)
            #expect(outcome(dialect, 302, "") == .unauthorized)
        }
        #expect(outcome(Teams(), 202, "") == nil)
        #expect(outcome(Teams(), 200, "HTTP error 429 with ...") == .limited)
        #expect(outcome(Teams(), 200, "<HTML>") == .unavailable)
        let matrix = Matrix(server: "s", room: "r")
        #expect(outcome(matrix, 200, #"{"event_id":"$1"}"#) == nil)
        #expect(outcome(matrix, 200, "{}") == .unavailable)
        #expect(outcome(matrix, 429, #"{"retry_after_ms":1500}"#) == .limited)
        #expect(outcome(matrix, 403, #"{"errcode":"M_FORBIDDEN"}"#) == .unauthorized)
    }

    @Test("what was sent and is a secret is not said again, whoever echoes it")
    func echoes() {
        var answer = SinkAnswer(status: 404, body: Data("Cannot POST /hooks/T0PSECRETKEY".utf8))
        answer.concealed = ["T0PSECRETKEY"]
        #expect(answer.words == "Cannot POST /hooks/…")
    }

    @Test("every kind has its few words of Chinese, no two the same")
    func chineseTitles() {
        let titles = Kind.allCases.map(\.chineseTitle)
        #expect(Set(titles).count == titles.count)
        #expect(titles.allSatisfy { !$0.isEmpty })
    }
}

@Suite struct Proxies {
    @Test("the environment's proxy is used as curl uses it")
    func environment() {
        let environment = [
            "https_proxy": "http://u:p@proxy.example.net:3129", "HTTP_PROXY": "http://evil:1",
            "no_proxy": "localhost, .corp.example.net,direct.example.net, 10.0.0.0/8",
        ]
        let proxy = ForwardProxy.fromEnvironment(for: "https://oapi.dingtalk.com/x", environment)
        #expect(proxy?.host == "proxy.example.net" && proxy?.port == 3129)
        #expect(proxy?.account?.base64 == "dTpw")
        for excepted in [
            "https://a.corp.example.net", "https://corp.example.net",
            "https://direct.example.net/x", "https://10.1.2.3:9093",
        ] {
            #expect(ForwardProxy.fromEnvironment(for: excepted, environment) == nil)
        }
        #expect(ForwardProxy.fromEnvironment(for: "https://xcorp.example.net", environment) != nil)
        #expect(ForwardProxy.fromEnvironment(for: "http://chat.example.net", environment) == nil)
        #expect(
            ForwardProxy.fromEnvironment(for: "https://a", ["HTTPS_PROXY": "p:1", "NO_PROXY": "*"])
                == nil
        )
    }

    @Test(
        "an address that is no proxy is refused",
        arguments: ["", "https://p:1", "socks5://p:1", "http://"]
    )
    func refused(text: String) { #expect(ForwardProxy(text) == nil) }
}

@Suite struct AlertmanagerAlerts {
    @Test("what fires is told with an end ahead, what is over for some minutes with its end")
    func life() {
        let story = story()
        var alerts = Alerts([], link: "https://p", every: 60_000, at: at(0))
        alerts.take(story[0])
        let opened = alerts.current(at: at(1_700_000_001_000))
        #expect(opened.count == 1)
        #expect(opened[0].labels["alertname"] == "PodpathKernelRouteMissing")
        #expect(opened[0].labels["severity"] == "critical")
        #expect(opened[0].labels["node"] == "n3" && opened[0].labels["switch"] == nil)
        #expect(opened[0].endsAt == rfc3339(at(1_700_000_241_000)))
        #expect(opened[0].startsAt == rfc3339(at(1_700_000_000_123)))
        #expect(opened[0].generatorURL == "https://p/#incident=\(story[0].incident.id)")

        alerts.take(story[1])
        let changed = alerts.current(at: at(1_700_000_060_000))
        #expect(Set(changed.map { $0.labels["severity"] }) == ["critical", "warning"])
        let old = changed.first { $0.labels["severity"] == "critical" }
        #expect(old?.endsAt == rfc3339(at(1_700_000_060_000)))

        for transition in story.dropFirst(2) { alerts.take(transition) }
        let end = story.last?.at ?? at(0)
        let resolved = alerts.current(at: end + Int64(10_000))
        #expect(resolved.allSatisfy { $0.endsAt <= rfc3339(end) })
        #expect(alerts.current(at: end + Int64(901_000)).isEmpty)
    }

    @Test("a collector that begins anew goes on with what the last one had told")
    func inherited() {
        let began = at(1_700_000_500_000)
        let firing = [transition().incident]
        var alerts = Alerts(firing, link: nil, every: 60_000, at: began)
        #expect(alerts.current(at: began + Int64(120_000)).count == 1)
        // Before the last collector's word is lost, and not before this one has had time to see.
        #expect(alerts.current(at: began + Int64(119_000)).isEmpty)
        let whole = story()
        alerts = Alerts(firing, link: nil, every: 60_000, at: began)
        alerts.take(whole[3])
        let ended = alerts.current(at: began + Int64(1_000))
        #expect(Set(ended.map(\.endsAt)) == [rfc3339(whole[3].at)])
        // What was told under other labels is over, and that is not kept back.
        alerts = Alerts([whole[0].incident], link: nil, every: 60_000, at: began)
        alerts.take(whole[1])
        let changed = alerts.current(at: began + Int64(1_000))
        #expect(changed.map { $0.labels["severity"] ?? "" }.sorted() == ["critical", "warning"])
        let old = changed.first { $0.labels["severity"] == "critical" }
        #expect(old?.endsAt == rfc3339(whole[1].at))
    }
}

@Suite struct PagerDutyEvents {
    @Test("an occurrence opens and ends under one key, and the next has another")
    func keys() async throws {
        let door = SinkDoor(proxy: nil, ca: nil)
        let pager = PagerDuty(
            name: "pd",
            routingKey: .value(Secret("k")),
            url: PagerDuty.standardURL,
            wording: wording(.english),
            door: door
        )
        let story = story(String(repeating: "x", count: 5_000))
        let events = story.map { pager.event($0, Notice([$0], key: "k"), "k") }
        #expect(events.map(\.event_action) == ["trigger", "trigger", "trigger", "resolve"])
        #expect(Set(events.map(\.dedup_key)).count == 1)
        #expect(events.allSatisfy { $0.payload.summary.count <= 1_024 })
        #expect(events[0].payload.severity == "critical")
        try await door.client.shutdown()
    }
}
