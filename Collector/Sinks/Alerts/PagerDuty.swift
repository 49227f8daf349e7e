// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents
import Routing
import Verdicts

/// PagerDuty's events API v2.
package struct PagerDuty: Sink {
    package let name: String
    private let routingKey: Credential
    private let url: String
    private let wording: Wording
    private let door: SinkDoor

    /// Characters.
    private static let summaryLimit = 1_024

    package static let standardURL = "https://events.pagerduty.com/v2/enqueue"

    package init(
        name: String,
        routingKey: Credential,
        url: String,
        wording: Wording,
        door: SinkDoor
    ) {
        self.name = name
        self.routingKey = routingKey
        self.url = url
        self.wording = wording
        self.door = door
    }

    struct Event: Encodable {
        struct Link: Encodable { var href: String, text: String }
        struct Payload: Encodable {
            var summary: String
            var source: String
            var severity: String
            var timestamp: String
            var component: String?
            var group: String
            var `class`: String
            var custom_details: [String: String]
        }
        var routing_key: String
        var event_action: String
        var dedup_key: String
        var client = "podpath"
        var client_url: String?
        var payload: Payload
        var links: [Link]?
    }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        for transition in notice.transitions {
            try await send(event(transition, notice, try routingKey.secret().reveal()))
            // So that a test is seen, and over.
            guard transition.isTest else { continue }
            var end = event(transition, notice, try routingKey.secret().reveal())
            end.event_action = "resolve"
            try await send(end)
        }
    }

    private func send(_ event: Event) async throws(SinkError) {
        var request = SinkRequest(url: url, body: json(event))
        request.hidden = [event.routing_key]
        let answer = try await door.exchange(request)
        // A key that is none is a bad request here too.
        let text = String(decoding: answer.body.prefix(4_096), as: UTF8.self).lowercased()
        if answer.status == 400, text.contains("routing_key") || text.contains("routing key") {
            throw SinkError("HTTP 400 \(answer.words)", .unauthorized)
        }
        if let refusal = refusal(byStatusOf: answer) { throw refusal }
    }

    func event(_ transition: IncidentTransition, _ notice: Notice, _ key: String) -> Event {
        let incident = transition.incident
        let message = Message(Notice([transition], key: notice.key), wording)
        let link = message.link.map {
            [Event.Link(href: $0, text: wording.language.phrases.details)]
        }
        let isOver = transition.change == .resolved
        return Event(
            routing_key: key,
            event_action: isOver ? "resolve" : "trigger",
            // Of the cause: a collector that lost its store still ends what it began, and a second says the same.
            dedup_key: "podpath/\(incident.cluster)/\(incident.id)",
            client_url: wording.link,
            payload: payload(incident, message, notice.isShort),
            links: link
        )
    }

    private func payload(
        _ incident: Incident,
        _ message: Message,
        _ isShort: Bool
    ) -> Event.Payload {
        let verdict = incident.verdict
        let subject = verdict.subject
        let source = subject.node ?? subject.switchName ?? subject.loadBalancer ?? incident.cluster
        return Event.Payload(
            summary: String(message.headline.prefix(Self.summaryLimit)),
            source: printable(source, limit: 200),
            severity: verdict.severity.rawValue,
            timestamp: rfc3339(incident.since),
            component: verdict.kind.entry.stage?.rawValue,
            group: printable(incident.cluster, limit: 200),
            class: verdict.kind.rawValue,
            custom_details: isShort ? [:] : details(message)
        )
    }

    private func details(_ message: Message) -> [String: String] {
        let phrases = wording.language.phrases
        var details: [String: String] = [:]
        for line in message.lines { details[line.label] = line.text }
        details[phrases.evidence] = message.evidence.map { "\($0.label), \($0.text)" }
            .joined(separator: "\n")
        for line in message.commands {
            details[line.label, default: ""] += "\(line.text)\(line.arrow)\n"
        }
        return details.filter { !$0.value.isEmpty }
    }
}
