// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
package import Verdicts

/// One pod CIDR's way as the API says it. Its shape is public.
package struct PathDocument: Codable, Sendable {
    package struct Stage: Codable, Sendable {
        package var stage: String
        package var at: String?
        package var state: String
        package var expected: String?
        package var found: String?
        package var reason: String?
        package var ageSeconds: Double?
    }

    package var prefix: String
    package var node: String
    package var stages: [Stage]
    /// `ok`, `unknown`, or the kind of the worst verdict.
    package var verdict: String
}

extension PathDocument {
    package init(_ trace: PathTrace, now: Timestamp) {
        prefix = trace.prefix.description
        node = trace.node
        stages = trace.stages.map { Stage($0, now: now) }
        verdict = Self.verdict(trace)
    }

    static func verdict(_ trace: PathTrace) -> String {
        if let kind = trace.verdicts.first { return kind.rawValue }
        let isUnknown = trace.stages.contains { stage in
            if case .unknown = stage.state { true } else { false }
        }
        return isUnknown ? "unknown" : "ok"
    }
}

extension PathDocument.Stage {
    init(_ result: StageResult, now: Timestamp) {
        stage = result.stage.rawValue
        at = result.at
        state = result.state.word
        found = result.detail
        ageSeconds = result.readAt.map { seconds(now - $0) }
        switch result.state {
        case .wrong(let expected, let found):
            self.expected = expected
            self.found = found
        case .unknown(let reason): self.reason = reason
        case .ok, .missing, .extra, .notChecked: break
        }
    }
}

/// One source and how well it can be read.
package struct SourceDocument: Codable, Sendable, Hashable {
    package var name: String
    package var type: String
    /// `ok`, `starting`, `unreadable`, `stale`.
    package var state: String
    package var ageSeconds: Double?
    package var lastError: String?
    package var lastDurationSeconds: Double?
    package var connected: Int?
    package var expected: Int?
    /// Of the Lease: whether this collector tells people, and who holds it.
    package var tells: Bool?
    package var holder: String?
}

extension SourceDocument {
    /// Every source, the store, and the Lease of those that share the telling.
    package static func all(in state: CollectorState, now: Timestamp) -> [SourceDocument] {
        var documents = all(in: state.snapshot, now: now)
        if let store = state.store {
            var document = SourceDocument(name: "store", type: "store", state: "ok")
            if let failure = store.failure {
                (document.state, document.lastError) = ("unreadable", failure)
            }
            documents.append(document)
        }
        if let telling = state.telling {
            var document = SourceDocument(name: "lease", type: "lease", state: "ok")
            (document.tells, document.holder) = (telling.tells, telling.holder)
            if let failure = telling.failure {
                (document.state, document.lastError) = ("unreadable", failure)
            }
            documents.append(document)
        }
        return documents
    }

    /// Every source of a snapshot, in the order of the way.
    package static func all(in snapshot: Snapshot, now: Timestamp) -> [SourceDocument] {
        var documents = [nodes(snapshot, now)]
        if snapshot.hasAgents { documents.append(agents(snapshot, now)) }
        if let cluster = snapshot.kubernetes { documents.insert(kubernetes(cluster, now), at: 0) }
        for facts in snapshot.switches.values.sorted(by: { $0.name < $1.name }) {
            for (way, view) in facts.views.sorted(by: { $0.key < $1.key }) {
                let name = facts.views.count == 1 ? facts.name : "\(facts.name) (\(way.word))"
                var document = polled(name, "switch", view.readings, now)
                if document.state == "starting", way != .polled, now - snapshot.startedAt > 60_000 {
                    document.state = "unreadable"
                    document.lastError = "it has not connected"
                }
                documents.append(document)
            }
        }
        for facts in snapshot.loadBalancers.values.sorted(by: { $0.name < $1.name }) {
            for (unit, readings) in facts.units.sorted(by: { $0.key < $1.key }) {
                let name = facts.units.count == 1 ? facts.name : "\(facts.name) \(unit)"
                documents.append(polled(name, "load-balancer", readings, now))
            }
        }
        return documents
    }

    /// The API server as one source: as old as what was heard of it last, as well as its worst collection.
    private static func kubernetes(_ cluster: ClusterFacts, _ now: Timestamp) -> SourceDocument {
        let failure = cluster.failures.first
        let heard = cluster.lastHeard
        return SourceDocument(
            name: "kubernetes",
            type: "kubernetes",
            state: failure != nil ? "unreadable" : cluster.isComplete ? "ok" : "starting",
            ageSeconds: heard.map { seconds(now - $0) },
            lastError: failure.map { "\($0.what): \($0.failure.reason)" }
        )
    }

    private static func nodes(_ snapshot: Snapshot, _ now: Timestamp) -> SourceDocument {
        polled("nodes (\(snapshot.intentSource.rawValue))", "nodes", snapshot.intent, now)
    }

    private static func agents(_ snapshot: Snapshot, _ now: Timestamp) -> SourceDocument {
        let expected = Set(snapshot.intent.latest?.value.keys.map(\.self) ?? [])
            .union(snapshot.nodes.keys)
        let fresh = snapshot.nodes.values.filter { node in
            node.connection == .connected && now - node.lastHeard <= snapshot.agentStaleAfter
        }
        let oldest = snapshot.nodes.values.map(\.lastHeard).min()
        let isStarting = snapshot.nodes.count < expected.count && now - snapshot.startedAt < 60_000
        return SourceDocument(
            name: "agents",
            type: "agents",
            state: fresh.count == expected.count ? "ok" : isStarting ? "starting" : "stale",
            ageSeconds: oldest.map { seconds(now - $0) },
            connected: fresh.count,
            expected: expected.count
        )
    }

    private static func polled<Value>(
        _ name: String,
        _ type: String,
        _ readings: Readings<Value>,
        _ now: Timestamp
    ) -> SourceDocument {
        let state =
            switch readings.freshness(at: now) {
            case .fresh: "ok"
            case .neverSeen: readings.failure == nil ? "starting" : "unreadable"
            case .stale: readings.failure == nil ? "stale" : "unreadable"
            }
        return SourceDocument(
            name: name,
            type: type,
            state: state,
            ageSeconds: readings.latest.map { seconds(now - $0.at) },
            lastError: readings.failure?.reason,
            lastDurationSeconds: readings.lastDuration.map(seconds)
        )
    }
}
