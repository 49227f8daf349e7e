// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Sinks

/// Everything at `/metrics`.
func exposition(
    _ board: StateBoard,
    _ listener: AgentListener,
    _ outboxes: [Outbox]
) -> String {
    var exposition = Exposition()
    if let state = board.state { exposition.add(state, version: version, now: board.clock()) }
    let agents = listener.counters
    exposition.add(
        "agent_connections",
        "gauge",
        "Open connections at the agents' port.",
        Double(agents.connections)
    )
    exposition.add(
        "agent_connections_total",
        "counter",
        "Connections accepted at the agents' port.",
        Double(agents.accepted)
    )
    exposition.add(
        "agent_frames_total",
        "counter",
        "Frames that agents sent.",
        Double(agents.frames)
    )
    exposition.add(
        "agent_skipped_total",
        "counter",
        "Content of reports in a later version of the format, passed over.",
        [
            ([("content", "facts")], Double(agents.skippedFacts)),
            ([("content", "fields")], Double(agents.skippedFields)),
        ]
    )
    exposition.add(
        "agent_refused_total",
        "counter",
        "Connections ended at the agents' port, by reason.",
        agents.refused.sorted { $0.key < $1.key }.map { ([("reason", $0.key)], Double($0.value)) }
    )
    let counters = outboxes.map { ($0.name, $0.counters) }
    exposition.add(
        "sink_delivered_total",
        "counter",
        "Messages a sink took.",
        counters.map { ([("sink", $0.0)], Double($0.1.delivered)) }
    )
    exposition.add(
        "sink_failures_total",
        "counter",
        "Attempts a sink did not take, by class of failure.",
        counters.flatMap { name, counters in
            SinkError.Class.allCases.map { reason in
                (
                    [("sink", name), ("class", reason.rawValue)],
                    Double(counters.failed[reason] ?? 0)
                )
            }
        }
    )
    exposition.add(
        "sink_waiting",
        "gauge",
        "Messages waiting for a sink.",
        counters.map { ([("sink", $0.0)], Double($0.1.waiting)) }
    )
    return exposition.text
}
