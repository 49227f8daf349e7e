// SPDX-License-Identifier: Apache-2.0
import Verdicts

/// Paths, counted: what may be a series, since it does not grow with them.
struct PathTally {
    /// `StageState.word` of each state.
    static let words = ["ok", "missing", "extra", "wrong", "unknown", "not-checked"]
    static let verdicts = ["ok", "broken", "unknown"]

    private(set) var paths: [String: Int] = [:]
    private(set) var stages: [PathStage: [String: Int]] = [:]
    /// Of the switches that are configured, none of them left out.
    private(set) var switches: [String: [String: Int]] = [:]

    init(_ all: PathList, switches names: some Sequence<String>) {
        for name in names { switches[name] = [:] }
        for trace in all { count(trace) }
    }

    private mutating func count(_ trace: PathTrace) {
        var isUnknown = false
        for result in trace.stages {
            let word = result.state.word
            stages[result.stage, default: [:]][word, default: 0] += 1
            if result.stage == .switchRIB, let name = result.at {
                switches[name]?[word, default: 0] += 1
            }
            if case .unknown = result.state { isUnknown = true }
        }
        let verdict = !trace.verdicts.isEmpty ? "broken" : isUnknown ? "unknown" : "ok"
        paths[verdict, default: 0] += 1
    }
}
