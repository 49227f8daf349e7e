// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
package import Routing
import Verdicts

extension Exposition {
    /// What is believed of the network, and how well the sources can be read.
    package mutating func add(_ state: CollectorState, now: Timestamp) {
        addPaths(state)
        addIncidents(state, now: now)
        addSources(SourceDocument.all(in: state, now: now))
        if let store = state.store { add(store) }
    }

    /// From the start: that nothing has been judged yet is to be seen too.
    package mutating func addJudging(_ durations: Durations?) {
        histogram(
            "podpath_judge_duration_seconds",
            "How long judging the facts took.",
            durations ?? Durations()
        )
    }

    // MARK: - Paths

    private mutating func addPaths(_ state: CollectorState) {
        let tally = PathTally(state.judgement.paths, switches: state.snapshot.switches.keys)
        gauge(
            "podpath_paths",
            "Pod CIDR paths watched, by what is believed of them as a whole.",
            PathTally.verdicts.map { Sample(Double(tally.paths[$0] ?? 0), ["state": $0]) }
        )
        gauge(
            "podpath_stages",
            "Stages of pod CIDR paths by state.",
            PathStage.allCases.flatMap { stage in
                PathTally.words.map { word in
                    let count = tally.stages[stage]?[word] ?? 0
                    return Sample(Double(count), ["stage": stage.rawValue, "state": word])
                }
            }
        )
        gauge(
            "podpath_switch_stages",
            "Pod CIDRs at a switch by state.",
            tally.switches.sorted { $0.key < $1.key }.flatMap { name, counts in
                PathTally.words.map { word in
                    Sample(Double(counts[word] ?? 0), ["switch": name, "state": word])
                }
            }
        )
    }

    // MARK: - Incidents

    /// Every combination, though most are 0: a series that is not there before its first incident could not be
    /// seen to rise.
    private mutating func addIncidents(_ state: CollectorState, now: Timestamp) {
        let silences = state.snapshot.silences.inForce(at: now)
        // Who acknowledges knows of it, and still wants to see it.
        let quieting = Set(silences.filter { $0.form != .acknowledgement }.map(\.id))
        var counts: [String: Int] = [:]
        for incident in state.incidents {
            guard let word = incident.word(quieting) else { continue }
            let verdict = incident.verdict
            counts["\(verdict.kind.rawValue) \(verdict.severity) \(word)", default: 0] += 1
        }
        gauge(
            "podpath_incidents",
            "Open incidents; of those that fire, those that operators silenced are told apart.",
            Kind.allCases.flatMap { kind in
                Severity.allCases.flatMap { severity in
                    ["pending", "firing", "silenced"].map { word in
                        Sample(
                            Double(counts["\(kind.rawValue) \(severity) \(word)"] ?? 0),
                            ["kind": kind.rawValue, "severity": severity.rawValue, "state": word]
                        )
                    }
                }
            }
        )
    }

    // MARK: - Sources

    private mutating func addSources(_ sources: [SourceDocument]) {
        gauge(
            "podpath_source_up",
            "1 while a source can be read and is fresh.",
            sources.map { Sample($0.state == "ok" ? 1 : 0, ["source": $0.name, "type": $0.type]) }
        )
        gauge(
            "podpath_source_state",
            "1 for the state a source is in.",
            sources.flatMap { source in
                ["ok", "starting", "stale", "unreadable"].map { word in
                    let isIn = source.state == word
                    return Sample(
                        isIn ? 1 : 0,
                        ["source": source.name, "type": source.type, "state": word]
                    )
                }
            }
        )
        addSources(
            "podpath_source_age_seconds",
            "Age of a source's last good read.",
            sources,
            \.ageSeconds
        )
        addSources(
            "podpath_source_read_duration_seconds",
            "How long a source's last read took.",
            sources,
            \.lastDurationSeconds
        )
        let agents = sources.first { $0.type == "agents" }
        gauge(
            "podpath_agents_connected",
            "Nodes whose agent reports.",
            Double(agents?.connected ?? 0)
        )
        gauge(
            "podpath_agents_expected",
            "Nodes that should have an agent.",
            Double(agents?.expected ?? 0)
        )
    }

    private mutating func addSources(
        _ name: String,
        _ help: String,
        _ sources: [SourceDocument],
        _ seconds: (SourceDocument) -> Double?
    ) {
        gauge(
            name,
            help,
            sources.compactMap { source in
                seconds(source).map { Sample($0, ["source": source.name, "type": source.type]) }
            }
        )
    }

    private mutating func add(_ store: CollectorState.Store) {
        gauge(
            "podpath_store_failing",
            "1 while the store cannot be written.",
            store.failure == nil ? 0 : 1
        )
        gauge(
            "podpath_store_waiting",
            "Incidents and messages that are not on disk yet.",
            Double(store.waiting)
        )
    }
}

extension Incident {
    /// Its state among those that are counted; nil once it is over.
    fileprivate func word(_ quieting: Set<String>) -> String? {
        switch state {
        case .pending: "pending"
        case .firing: silences.contains(where: quieting.contains) ? "silenced" : "firing"
        case .resolved: nil
        }
    }
}
