// SPDX-License-Identifier: Apache-2.0
import Facts
package import Routing
import Verdicts

/// Prometheus text. Numbers of things, never a series per CIDR.
package struct Exposition {
    private var lines: [String] = []

    package init() {}

    package var text: String { lines.joined(separator: "\n") + "\n" }

    package mutating func add(
        _ name: String,
        _ type: String,
        _ help: String,
        _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        lines.append("# HELP podpath_\(name) \(help)")
        lines.append("# TYPE podpath_\(name) \(type)")
        for (labels, value) in samples {
            let list = labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
            let braces = list.isEmpty ? "" : "{\(list)}"
            lines.append("podpath_\(name)\(braces) \(number(value))")
        }
    }

    package mutating func add(_ name: String, _ type: String, _ help: String, _ value: Double) {
        add(name, type, help, [([], value)])
    }

    private func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}

extension Exposition {
    /// What is believed of the network, and how well the sources can be read.
    package mutating func add(_ state: CollectorState, version: String, now: Timestamp) {
        add("build_info", "gauge", "Version of the collector.", [([("version", version)], 1)])
        addStages(state)
        addIncidents(state)
        addSources(state, now: now)
        if let store = state.store {
            add(
                "store_failing",
                "gauge",
                "1 while the store cannot be written.",
                store.failure == nil ? 0 : 1
            )
            add(
                "store_waiting",
                "gauge",
                "Incidents and messages that are not on disk yet.",
                Double(store.waiting)
            )
        }
        add(
            "judgements_total",
            "counter",
            "Times the facts were judged.",
            Double(state.judgements)
        )
        add(
            "judge_duration_seconds",
            "gauge",
            "Duration of the last judgement.",
            state.judgeMilliseconds / 1000
        )
    }

    private mutating func addStages(_ state: CollectorState) {
        var counts: [String: [String: Int]] = [:]
        for trace in state.judgement.paths {
            for result in trace.stages {
                counts[result.stage.rawValue, default: [:]][result.state.word, default: 0] += 1
            }
        }
        let words = ["ok", "missing", "extra", "wrong", "unknown", "not-checked"]
        add(
            "stages",
            "gauge",
            "Stages of pod CIDR paths by state.",
            PathStage.allCases.flatMap { stage in
                words.map { word in
                    (
                        [("stage", stage.rawValue), ("state", word)],
                        Double(counts[stage.rawValue]?[word] ?? 0)
                    )
                }
            }
        )
        add("paths", "gauge", "Pod CIDR paths watched.", Double(state.judgement.paths.count))
    }

    private mutating func addIncidents(_ state: CollectorState) {
        let firing = state.incidents.filter { $0.state == .firing }
        add(
            "incidents",
            "gauge",
            "Firing incidents by kind and severity.",
            Kind.allCases.flatMap { kind in
                Severity.allCases.map { severity in
                    let count = firing.count {
                        $0.verdict.kind == kind && $0.verdict.severity == severity
                    }
                    return (
                        [("kind", kind.rawValue), ("severity", severity.rawValue)], Double(count)
                    )
                }
            }
        )
    }

    private mutating func addSources(_ state: CollectorState, now: Timestamp) {
        let sources = SourceDocument.all(in: state, now: now)
        add(
            "source_up",
            "gauge",
            "Whether a source can be read now.",
            sources.map { ([("source", $0.name), ("type", $0.type)], $0.state == "ok" ? 1 : 0) }
        )
        add(
            "source_age_seconds",
            "gauge",
            "Age of a source's last good read.",
            sources.compactMap { source in
                source.ageSeconds.map { ([("source", source.name), ("type", source.type)], $0) }
            }
        )
        let agents = sources.first { $0.type == "agents" }
        add("agents_connected", "gauge", "Agents that report.", Double(agents?.connected ?? 0))
        add(
            "agents_expected",
            "gauge",
            "Nodes that should have an agent.",
            Double(agents?.expected ?? 0)
        )
    }
}
