// SPDX-License-Identifier: Apache-2.0
package import Routing
package import Verdicts

/// One cause over time.
package struct Incident: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
        /// Seen, within its hold-down.
        case pending
        case firing
        case resolved
    }

    /// One line of the incident's story.
    package struct Event: Sendable, Hashable, Codable {
        package var at: Timestamp
        package var text: String
    }

    /// Of the cluster and the cause alone: whoever sees it names it so, and when it comes again it has the same
    /// name. What happened when is told by `detectedAt`.
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
    /// How often it has been opened within an hour, this time included.
    package internal(set) var openings: Int
    /// Ids of the silences for which it is not told, or not reminded of, now.
    package internal(set) var silences: [String]
    package internal(set) var timeline: [Event]

    /// A flapping cause could fill memory; its last fifty lines tell enough.
    private static let timelineLimit = 50

    init(id: String, cluster: String, verdict: Verdict, openings: Int, at now: Timestamp) {
        self.id = id
        self.cluster = cluster
        self.verdict = verdict
        self.openings = openings
        identity = verdict.identity
        state = .pending
        since = verdict.since.map { min($0, now) } ?? now
        detectedAt = now
        silences = []
        timeline = []
    }

    mutating func note(_ text: String, at now: Timestamp) {
        timeline.append(Event(at: now, text: text))
        if timeline.count > Self.timelineLimit { timeline.removeFirst() }
    }

    /// The verdict's sentence, and how often it came lately where that is often.
    package var summary: String {
        isFlapping
            ? "\(verdict.summary) (comes and goes, \(openings) times within an hour)"
            : verdict.summary
    }

    /// It comes and goes: it is told as over after a longer calm only.
    package var isFlapping: Bool { openings >= Self.flapCount }

    /// As of sessions and routes.
    private static let flapCount = 3

    /// Which of the incidents of this id it is.
    package var key: IncidentKey { IncidentKey(id: id, detectedAt: detectedAt) }
}

package struct IncidentKey: Sendable, Hashable, Codable {
    package let id: String
    package let detectedAt: Timestamp

    package init(id: String, detectedAt: Timestamp) {
        self.id = id
        self.detectedAt = detectedAt
    }
}

/// What people are told: once each.
package struct IncidentTransition: Sendable, Hashable, Codable {
    package enum Change: String, Sendable, Hashable, Codable {
        case opened
        case changed
        case resolved
        case reminder
    }

    package let change: Change
    package let incident: Incident
    package let at: Timestamp
}

extension IncidentTransition {
    package var isTest: Bool { incident.identity == Self.testIdentity }
    private static let testIdentity = "test"

    /// A message that says it is only a test, in the shape of a real one.
    package static func test(cluster: String, at now: Timestamp) -> IncidentTransition {
        let verdict = Verdict(
            kind: .sourceUnreadable,
            severity: .info,
            identity: testIdentity,
            subject: Subject(),
            summary: "a test message, nothing is broken",
            since: nil,
            evidence: [],
            impact: Impact(),
            verify: [],
            hold: nil,
            absorbs: []
        )
        var incident = Incident(
            id: "test",
            cluster: cluster,
            verdict: verdict,
            openings: 1,
            at: now
        )
        incident.state = .firing
        incident.firedAt = now
        return IncidentTransition(change: .opened, incident: incident, at: now)
    }
}
