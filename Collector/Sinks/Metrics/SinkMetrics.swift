// SPDX-License-Identifier: Apache-2.0
package import Routing

/// How one sink does, in numbers.
package struct SinkTally: Sendable {
    package var name: String
    package var waiting = 0
    package var delivered = 0
    package var elsewhere = 0
    /// Attempts that it did not take, by class of failure; under an empty word where classes are not told apart.
    package var failed: [String: Int] = [:]
    /// What it will never get, by what became of it.
    package var lost: [String: Int] = [:]
    package var lastDelivery: Timestamp?

    package init(name: String) { self.name = name }
}

extension Exposition {
    package mutating func add(_ sinks: [SinkTally]) {
        counter(
            "podpath_sink_delivered",
            "Transitions that a sink took.",
            sinks.map { Sample(Double($0.delivered), ["sink": $0.name]) }
        )
        counter(
            "podpath_sink_told_elsewhere",
            "Transitions that another collector told a sink.",
            sinks.map { Sample(Double($0.elsewhere), ["sink": $0.name]) }
        )
        counter(
            "podpath_sink_failures",
            "Attempts that a sink did not take.",
            sinks.flatMap { sink in
                sink.failed.sorted { $0.key < $1.key }.map { word, count in
                    let labels: KeyValuePairs =
                        word.isEmpty ? ["sink": sink.name] : ["sink": sink.name, "class": word]
                    return Sample(Double(count), labels)
                }
            }
        )
        counter(
            "podpath_sink_lost",
            "Transitions that a sink will never get.",
            sinks.flatMap { sink in
                sink.lost.sorted { $0.key < $1.key }.map { word, count in
                    Sample(Double(count), ["sink": sink.name, "outcome": word])
                }
            }
        )
        gauge(
            "podpath_sink_waiting",
            "Transitions that wait for a sink.",
            sinks.map { Sample(Double($0.waiting), ["sink": $0.name]) }
        )
        gauge(
            "podpath_sink_last_delivery_timestamp_seconds",
            "When a sink last took a message, Unix time.",
            sinks.compactMap { sink in
                sink.lastDelivery.map {
                    Sample(Double($0.milliseconds) / 1_000, ["sink": sink.name])
                }
            }
        )
    }
}
