// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Routing
import Support
import Testing
import Verdicts

@testable import Sinks

/// A board on which so many pod CIDRs are broken in every way that there is a kind for, each an incident.
private func state(prefixes count: Int) -> CollectorState {
    let owners = (0..<count).map { prefix("10.\(16 + $0 / 256).\($0 % 256).0/24") }
    var snapshot = Snapshot(
        cluster: "lab",
        podSupernets: [prefix("10.16.0.0/12")],
        agentStaleAfter: 15_000,
        intentSource: .file,
        startedAt: at(0)
    )
    for name in ["a", "b"] {
        snapshot.switches[name] = SwitchFacts(name: name, neighbors: [], ways: [.polled: 45_000])
    }
    let traces = owners.enumerated().map { number, owner in
        var trace = PathTrace(prefix: owner, node: "n\(number)")
        trace.stages = PathStage.allCases.map { StageResult($0, .ok) }
        trace.stages += ["a", "b", "of-nobody"].map {
            StageResult(.switchRIB, at: $0, .wrong(expected: "\(owner)", found: "\(owner)"))
        }
        trace.verdicts = number % 2 == 0 ? [.switchWrongNextHop] : []
        return trace
    }
    let verdicts = owners.enumerated().map { number, owner in
        verdict(Kind.allCases[number % Kind.allCases.count], owner, "n\(number)")
    }
    let judgement = Judgement(paths: PathList(traces), verdicts: verdicts, nextChange: nil)
    var ledger = IncidentLedger(
        cluster: "lab",
        policy: AlertPolicy(holds: Dictionary(uniqueKeysWithValues: Kind.allCases.map { ($0, 0) }))
    )
    _ = ledger.step(judgement, now: at(1_000))
    return CollectorState(
        snapshot: snapshot,
        judgement: judgement,
        incidents: ledger.incidents,
        judgedAt: at(1_000),
        judgeDurations: Durations(),
        store: .init(failure: nil, waiting: 0)
    )
}

private func verdict(_ kind: Kind, _ owner: Prefix, _ node: String) -> Verdict {
    Verdict(
        kind: kind,
        severity: kind.entry.severity,
        identity: "\(kind.rawValue)/\(owner)",
        subject: Subject(node: node, prefix: owner),
        summary: "\(owner) of \(node)",
        since: nil,
        evidence: [],
        impact: Impact(),
        verify: [],
        hold: 0,
        absorbs: []
    )
}

private func lines(_ state: CollectorState) -> [String] {
    var exposition = Exposition()
    exposition.add(state, now: at(2_000))
    return exposition.text.split(separator: "\n").map(String.init)
}

/// `name{labels}` of each sample.
private func series(_ lines: [String]) -> [String] {
    lines.filter { !$0.hasPrefix("#") }.compactMap { line in
        line.lastIndex(of: " ").map { String(line[..<$0]) }
    }
}

@Suite struct MetricsOfTheState {
    @Test("the series are the same however many pod CIDRs there are, and none is named after one")
    func budget() {
        let few = series(lines(state(prefixes: 1)))
        let many = series(lines(state(prefixes: 500)))
        #expect(few == many)
        #expect(Set(many).count == many.count)
        for each in many {
            let values = each.split(separator: "\"")
            #expect(values.allSatisfy { Prefix(String($0)) == nil && IPAddress(String($0)) == nil })
            #expect(!each.contains("10.16."), "\(each)")
            #expect(!each.contains("\"n0\"") && !each.contains("of-nobody"), "\(each)")
        }
    }

    @Test("paths, stages and incidents are counted")
    func counts() {
        let lines = lines(state(prefixes: 100))
        for line in [
            "podpath_paths{state=\"ok\"} 50", "podpath_paths{state=\"broken\"} 50",
            "podpath_paths{state=\"unknown\"} 0",
            "podpath_stages{stage=\"kernel\",state=\"ok\"} 100",
            "podpath_stages{stage=\"switch\",state=\"wrong\"} 300",
            "podpath_switch_stages{switch=\"b\",state=\"wrong\"} 100",
            "podpath_source_up{source=\"store\",type=\"store\"} 1", "podpath_store_failing 0",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        let incidents = lines.filter {
            $0.hasPrefix("podpath_incidents{") && !$0.contains("state=\"silenced\"")
        }
        #expect(incidents.count == 2 * Kind.allCases.count * Severity.allCases.count)
        let total = incidents.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(total.reduce(0, +) == 100)
    }

    @Test("what is silenced does not count as firing, what is acknowledged does")
    func silenced() {
        func firing(_ form: Silence.Form?) -> (firing: Int, silenced: Int) {
            var state = state(prefixes: 1)
            var ledger = IncidentLedger(
                cluster: "lab",
                policy: AlertPolicy(holds: [Kind.allCases[0]: 0])
            )
            if let form {
                let silence = Silence(
                    id: "s",
                    form: form,
                    match: .init(node: "n0"),
                    author: "ann",
                    comment: "c",
                    startsAt: at(0),
                    endsAt: at(100_000)
                )
                state.snapshot.silences.apply(.silence(silence), at: at(0))
            }
            _ = ledger.step(state.judgement, silences: state.snapshot.silences, now: at(1_000))
            state.incidents = ledger.incidents
            func sum(_ word: String) -> Int {
                lines(state).filter {
                    $0.hasPrefix("podpath_incidents{") && $0.contains("state=\"\(word)\"")
                        && $0.hasSuffix(" 1")
                }.count
            }
            return (sum("firing"), sum("silenced"))
        }
        #expect(firing(nil) == (1, 0))
        #expect(firing(.silence) == (0, 1))
        #expect(firing(.maintenance) == (0, 1))
        #expect(firing(.acknowledgement) == (1, 0))
    }
}

@Suite struct Expositions {
    @Test(
        "nothing in a label can end it, its line or the text",
        arguments: [
            ("q\"\\\n", #"q\"\\\n"#), (#"\"#, #"\\"#), ("\r\n", "\r\\n"),
            ("a\0\u{1b}b", "a\0\u{1b}b"),
            ("\"} 1\nevil 2", #"\"} 1\nevil 2"#),
            ("e\u{301}\u{202e}🐟{}=,#", "e\u{301}\u{202e}🐟{}=,#"),
            ("", ""),
        ]
    )
    func escaping(value: String, expected: String) {
        var exposition = Exposition()
        exposition.gauge("x", "Help.", [.init(1.5, ["a": value, "b": ""])])
        #expect(
            exposition.text
                == "# HELP x Help.\n# TYPE x gauge\nx{a=\"\(expected)\",b=\"\"} 1.5\n"
        )
    }

    @Test(
        "numbers are such that every reader takes them",
        arguments: [
            (0, "0"), (-3, "-3"), (1.5, "1.5"), (1e-5, "1e-05"), (1e18, "1e+18"),
            (1_800_000_000.25, "1800000000.25"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"),
        ] as [(Double, String)]
    )
    func numbers(value: Double, expected: String) {
        var exposition = Exposition()
        exposition.gauge("x", "Help.", value)
        #expect(exposition.text.hasSuffix("\nx \(expected)\n"))
    }

    @Test("a series that comes twice is written once")
    func twice() {
        var exposition = Exposition()
        exposition.gauge("x", "Help.", [.init(1, ["a": "b"]), .init(2, ["a": "b"])])
        #expect(series(exposition.text.split(separator: "\n").map(String.init)) == ["x{a=\"b\"}"])
    }

    @Test("a counter's family is named with its suffix in text, without it in OpenMetrics")
    func counters() {
        for (format, text) in [
            (ExpositionFormat.text, "# HELP x_total H.\n# TYPE x_total counter\nx_total 1\n"),
            (.openMetrics, "# HELP x H.\n# TYPE x counter\nx_total 1\n# EOF\n"),
        ] {
            var exposition = Exposition(format)
            exposition.counter("x", "H.", 1)
            #expect(exposition.text == text)
        }
    }

    @Test("a histogram's buckets add up")
    func histogram() {
        var durations = Durations()
        for seconds in [0.001, 0.002, 0.3, 99] { durations.observe(seconds) }
        var exposition = Exposition()
        exposition.histogram("x_seconds", "H.", durations)
        let lines = exposition.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 2 + Durations.bounds.count + 3)
        for line in [
            "x_seconds_bucket{le=\"0.001\"} 1", "x_seconds_bucket{le=\"0.0025\"} 2",
            "x_seconds_bucket{le=\"0.25\"} 2", "x_seconds_bucket{le=\"0.5\"} 3",
            "x_seconds_bucket{le=\"1.0\"} 3", "x_seconds_bucket{le=\"+Inf\"} 4",
            "x_seconds_sum 99.303", "x_seconds_count 4",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test("failures of sinks are told apart where their classes are known")
    func sinks() {
        var (plain, classed) = (SinkTally(name: "p"), SinkTally(name: "c"))
        (plain.failed, plain.lost) = (["": 2], ["dropped": 1])
        (classed.failed, classed.lastDelivery) = (["rate": 3, "auth": 4], at(1_500))
        var exposition = Exposition()
        exposition.add([plain, classed])
        for line in [
            "podpath_sink_failures_total{sink=\"p\"} 2",
            "podpath_sink_failures_total{sink=\"c\",class=\"auth\"} 4",
            "podpath_sink_failures_total{sink=\"c\",class=\"rate\"} 3",
            "podpath_sink_lost_total{sink=\"p\",outcome=\"dropped\"} 1",
            "podpath_sink_last_delivery_timestamp_seconds{sink=\"c\"} 1.5",
        ] {
            #expect(exposition.text.contains("\n\(line)\n"), "\(line)")
        }
    }

    @Test(
        "OpenMetrics is for who names it and does not like it less",
        arguments: [
            (nil, .text), ("", .text), ("*/*", .text), ("text/plain", .text), ("text/html", .text),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics),
            ("Application/OpenMetrics-Text;Version=\"1.0.0\"", .openMetrics),
            ("application/openmetrics-text;version=0.0.1", .text),
            ("application/openmetrics-text;version=2.0.0,*/*;q=0.1", .text),
            ("application/openmetrics-text;q=0", .text),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.5", .text),
            ("application/openmetrics-text;q=nan", .text), (";;q=;,,;", .text),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                    + "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                    + "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;"
                    + "escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                .openMetrics
            ),
        ] as [(String?, ExpositionFormat)]
    )
    func negotiation(accept: String?, expected: ExpositionFormat) {
        #expect(ExpositionFormat(accept: accept) == expected)
    }
}

@Suite struct ProcessFigures {
    @Test("a program's name may hold what separates fields")
    func stat() throws {
        let text =
            "42 (a) b (c)) S 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 4 0 7000 1048576 25 99\n"
        let metrics = try #require(
            ProcessMetrics(stat: text, ticksPerSecond: 100, pageSize: 4096)
        )
        #expect(metrics.cpu == 2 && metrics.started == 70)
        #expect(metrics.virtualMemory == 1_048_576 && metrics.residentMemory == 102_400)
    }

    @Test(
        "what is no such file says nothing",
        arguments: ["", "1 (a", "1 (a) S 1", ")", "1 (a) S x"]
    )
    func damaged(text: String) {
        #expect(ProcessMetrics(stat: text, ticksPerSecond: 100, pageSize: 4096) == nil)
    }

    @Test("limits are read behind their names")
    func limits() {
        let text = "Limit  Soft\nMax open files            1024  524288  files\nMax x  unlimited\n"
        #expect(ProcessMetrics.number(behind: "Max open files", in: text) == 1024)
        #expect(ProcessMetrics.number(behind: "Max x", in: text) == nil)
        #expect(ProcessMetrics.number(behind: "Max y", in: nil) == nil)
    }

    @Test("this process is measured", .enabled(if: ProcessMetrics.own != nil, "needs /proc"))
    func own() throws {
        var exposition = Exposition()
        exposition.addProcess()
        let lines = exposition.text.split(separator: "\n").map { $0.split(separator: " ") }
        for name in [
            "cpu_seconds_total", "virtual_memory_bytes", "resident_memory_bytes",
            "start_time_seconds", "open_fds", "max_fds",
        ] {
            let line = lines.first { $0[0] == "process_\(name)" }
            let value = try #require(line.flatMap { Double($0[1]) }, "\(name)")
            #expect(value > 0, "\(name)")
        }
    }
}
