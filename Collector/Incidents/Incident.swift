// SPDX-License-Identifier: Apache-2.0
package import Routing
package import Verdicts

/// One cause over time.
package struct Incident: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        /// Seen, within its hold-down.
        case pending
        case firing
        case resolved
    }

    /// One line of the incident's story.
    package struct Event: Sendable, Hashable {
        package var at: Timestamp
        package var text: String
    }

    package let id: String
    /// The verdict's identity, which the incident follows.
    package internal(set) var identity: String
    package let cluster: String
    package internal(set) var verdict: Verdict
    package internal(set) var state: State
    /// When it really began, as far as a source tells.
    package internal(set) var since: Timestamp
    package let detectedAt: Timestamp
    package internal(set) var firedAt: Timestamp?
    package internal(set) var resolvedAt: Timestamp?
    package internal(set) var timeline: [Event]

    /// A flapping cause could fill memory; its last fifty lines tell enough.
    private static let timelineLimit = 50

    mutating func note(_ text: String, at now: Timestamp) {
        timeline.append(Event(at: now, text: text))
        if timeline.count > Self.timelineLimit { timeline.removeFirst() }
    }
}

/// What people are told: once each.
package struct IncidentTransition: Sendable, Hashable {
    package enum Change: String, Sendable, Hashable {
        case opened
        case changed
        case resolved
        case reminder
    }

    package let change: Change
    package let incident: Incident
    package let at: Timestamp
}

/// Hold-downs and reminders, from the configuration.
package struct AlertPolicy: Sendable, Hashable, Codable {
    /// Milliseconds; kinds not named have the catalogue's.
    package var holds: [Kind: Int64]
    /// Milliseconds between reminders of a firing incident.
    package var reminder: Int64

    package init(holds: [Kind: Int64] = [:], reminder: Int64 = 4 * 3_600_000) {
        self.holds = holds
        self.reminder = reminder
    }

    func hold(of verdict: Verdict) -> Int64 {
        holds[verdict.kind] ?? verdict.hold ?? verdict.kind.entry.hold
    }

    /// Before resolving: as long as before firing, but a person who mended something waits 30 s at
    /// most for the good news.
    func resolveHold(of verdict: Verdict) -> Int64 { min(hold(of: verdict), 30_000) }
}

extension IncidentTransition {
    /// A message that says it is only a test, in the shape of a real one.
    package static func test(cluster: String, at now: Timestamp) -> IncidentTransition {
        let verdict = Verdict(
            kind: .sourceUnreadable,
            severity: .info,
            identity: "test",
            subject: Subject(),
            summary: "test message, nothing is broken",
            since: nil,
            evidence: [],
            impact: Impact(),
            verify: [],
            hold: nil,
            absorbs: []
        )
        let incident = Incident(
            id: "test",
            identity: "test",
            cluster: cluster,
            verdict: verdict,
            state: .firing,
            since: now,
            detectedAt: now,
            firedAt: now,
            timeline: []
        )
        return IncidentTransition(change: .opened, incident: incident, at: now)
    }
}
