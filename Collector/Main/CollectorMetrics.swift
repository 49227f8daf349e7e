// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Election
import Incidents
import Journal
import Release
import Sinks

/// Everything at `/metrics`.
struct CollectorMetrics: Sendable {
    let board: StateBoard
    let listener: AgentListener
    let outboxes: [Outbox]
    let telling: SharedTelling?
    let journal: JournalWriter?

    func exposition(_ format: ExpositionFormat) -> String {
        var exposition = Exposition(format)
        exposition.gauge(
            "podpath_build_info",
            "Version and source revision of the collector.",
            [.init(1, ["version": version, "revision": revision])]
        )
        let state = board.state
        if let state { exposition.add(state, now: board.clock()) }
        exposition.addJudging(state?.judgeDurations)
        exposition.add(listener.counters)
        exposition.add(outboxes.map(SinkTally.init))
        if let telling { exposition.add(telling.elector.standing, telling.labels) }
        if let journal { exposition.add(journal.counters) }
        exposition.addProcess()
        return exposition.text
    }
}

extension SinkTally {
    init(_ outbox: Outbox) {
        let counters = outbox.counters
        self.init(name: outbox.name)
        waiting = counters.waiting
        elsewhere = counters.elsewhere
        delivered = counters.delivered
        for reason in SinkError.Class.allCases {
            failed[reason.rawValue] = counters.failed[reason] ?? 0
        }
        for outcome in [Delivery.Outcome.refused, .dropped] {
            lost[outcome.rawValue] = counters.lost[outcome] ?? 0
        }
        lastDelivery = counters.lastDelivery
    }
}

extension Exposition {
    fileprivate mutating func add(
        _ standing: Election.Standing,
        _ labels: KeyValuePairs<String, String>
    ) {
        gauge(
            "podpath_telling",
            "1 while this collector, of those that share a Lease, is the one that tells people.",
            [.init(standing.speaks ? 1 : 0, labels)]
        )
        gauge(
            "podpath_lease_failing",
            "1 while the Lease cannot be read or written.",
            [.init(standing.failure == nil ? 0 : 1, labels)]
        )
    }

    fileprivate mutating func add(_ agents: AgentListenerCounters) {
        gauge(
            "podpath_agent_connections",
            "Open connections at the agents' port.",
            Double(agents.connections)
        )
        counter(
            "podpath_agent_connections_accepted",
            "Connections accepted at the agents' port.",
            Double(agents.accepted)
        )
        counter("podpath_agent_frames", "Frames that agents sent.", Double(agents.frames))
        counter(
            "podpath_agent_skipped",
            "Content of reports in a later version of the format, passed over.",
            [
                .init(Double(agents.skippedFacts), ["content": "facts"]),
                .init(Double(agents.skippedFields), ["content": "fields"]),
            ]
        )
        counter(
            "podpath_agent_refused",
            "Connections ended at the agents' port, by reason.",
            agents.refused.sorted { $0.key < $1.key }.map { .init(Double($1), ["reason": $0]) }
        )
    }

    fileprivate mutating func add(_ journal: JournalWriter.Counters) {
        gauge(
            "podpath_journal_failing",
            "1 while the journal cannot be written.",
            journal.isFailing ? 1 : 0
        )
        counter(
            "podpath_journal_recorded",
            "Updates that are in the journal.",
            Double(journal.recorded)
        )
        counter(
            "podpath_journal_lost",
            "Updates that are missing from the journal.",
            Double(journal.lost)
        )
    }
}
