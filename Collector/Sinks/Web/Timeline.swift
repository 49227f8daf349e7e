// SPDX-License-Identifier: Apache-2.0
import Hummingbird
import Incidents
import Routing

/// `GET /api/v1/timeline`: incidents with what happened to each, the newest first.
package struct TimelineDocument: Codable, Sendable {
    package struct Entry: Codable, Sendable {
        package var id: String
        package var kind: String
        package var severity: String
        package var state: String
        package var stage: String?
        package var subject: SubjectDocument
        package var summary: String
        package var since: String
        package var detectedAt: String
        package var firedAt: String?
        package var resolvedAt: String?
        package var events: [EventDocument]
    }

    package var incidents: [Entry]
    /// There were more.
    package var isCut: Bool
}

extension TimelineDocument.Entry {
    init(_ incident: Incident) {
        let verdict = incident.verdict
        self.init(
            id: incident.id,
            kind: verdict.kind.rawValue,
            severity: verdict.severity.rawValue,
            state: incident.state.rawValue,
            stage: verdict.kind.entry.stage?.rawValue,
            subject: SubjectDocument(verdict.subject),
            summary: incident.summary,
            since: rfc3339(incident.since),
            detectedAt: rfc3339(incident.detectedAt),
            firedAt: incident.firedAt.map(rfc3339),
            resolvedAt: incident.resolvedAt.map(rfc3339),
            events: incident.timeline.map { EventDocument(at: rfc3339($0.at), text: $0.text) }
        )
    }
}

extension WebServer {
    /// More can be neither drawn nor read.
    private static let timelineLimit = 500
    private static let day: Int64 = 86_400_000

    static func addTimeline(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ archive: Archive
    ) {
        router.on(.timeline) { query, _, _ in
            guard let state = board.state else { return starting() }
            let yesterday = Timestamp(milliseconds: board.clock().milliseconds - day)
            let since = query.moment("since") ?? yesterday
            let all = try await known(
                since: since,
                limit: timelineLimit + 1,
                state,
                archive
            )
            return answer(timeline(all, since: since))
        }
    }

    private static func timeline(_ all: [Incident], since: Timestamp) -> TimelineDocument {
        let chosen = all.filter { incident in incident.resolvedAt.map { $0 >= since } ?? true }
            .sorted { ($0.detectedAt, $0.id) > ($1.detectedAt, $1.id) }
        return TimelineDocument(
            incidents: chosen.prefix(timelineLimit).map { TimelineDocument.Entry($0) },
            isCut: chosen.count > timelineLimit
        )
    }
}
