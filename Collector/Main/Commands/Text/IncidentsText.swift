// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import Sinks

/// Incidents as `status` and `incidents` print them.
enum IncidentsText {
    /// From here a line holds everything.
    private static let wideColumns = 150

    static func list(_ incidents: [IncidentDocument], now: Timestamp, _ screen: Screen) -> [Line] {
        guard !incidents.isEmpty else { return [Line("no incidents", .green)] }
        let sorted = sorted(incidents)
        guard let columns = screen.columns, columns < wideColumns else {
            return wide(sorted, now, screen)
        }
        return sorted.flatMap { narrow($0, now, screen) }
    }

    /// Open before resolved, worst first, then the newest.
    static func sorted(_ incidents: [IncidentDocument]) -> [IncidentDocument] {
        func place(_ incident: IncidentDocument) -> (Int, Int) {
            let states = ["firing": 0, "pending": 1]
            let severities = ["critical": 0, "warning": 1]
            return (states[incident.state] ?? 2, severities[incident.severity] ?? 2)
        }
        return incidents.sorted {
            place($0) == place($1)
                ? ($1.since, $0.id) < ($0.since, $1.id) : place($0) < place($1)
        }
    }

    private static func wide(
        _ incidents: [IncidentDocument],
        _ now: Timestamp,
        _ screen: Screen
    ) -> [Line] {
        var table = Table("ID", "SEVERITY", "STATE", "KIND", "SINCE", "SUBJECT", "SUMMARY")
        table.rows = incidents.map { incident in
            [
                Span(incident.id), Span(incident.severity, Ink(severity: incident.severity)),
                Span(state(incident)), Span(incident.kind), Span(age(incident, now)),
                Span(subject(incident.subject)), Span(incident.summary),
            ]
        }
        return table.lines(screen)
    }

    /// What is wrong, and below it what one needs to go on.
    static func narrow(_ incident: IncidentDocument, _ now: Timestamp, _ screen: Screen) -> [Line] {
        let word = incident.severity.padded(to: 8)
        let ink: Ink = incident.state == "resolved" ? .dim : Ink(severity: incident.severity)
        let width = screen.columns.map { $0 - 10 }
        let summary = IncidentText.printable(incident.summary)
        var lines = (width.map { summary.wrapped(to: $0) } ?? [summary]).enumerated().map {
            Line([Span($0 == 0 ? word + "  " : "          ", ink), Span($1, .bold)])
        }
        let facts = [
            "\(state(incident)) for \(age(incident, now))", incident.kind,
            subject(incident.subject),
        ]
        lines += .paragraph(
            facts.filter { !$0.isEmpty }.joined(separator: ", "),
            .dim,
            indent: 10,
            screen
        )
        return lines + .paragraph(incident.id, .dim, indent: 10, screen)
    }

    /// `firing`, and whether people are kept from hearing of it.
    static func state(_ incident: IncidentDocument) -> String {
        incident.state + (incident.silences?.isEmpty ?? true ? "" : " (silenced)")
    }

    /// How long it lasts, or lasted.
    static func age(_ incident: IncidentDocument, _ now: Timestamp) -> String {
        guard let since = moment(incident.since) else { return "" }
        let end = incident.resolvedAt.flatMap { moment($0) } ?? now
        return IncidentText.duration(end - since)
    }

    static func subject(_ subject: SubjectDocument) -> String {
        [
            subject.node, subject.prefix, subject.uplink.map { "uplink \($0)" },
            subject.switch.map { "switch \($0)" }, subject.loadBalancer, subject.pool,
            subject.virtualServer,
        ].compactMap(\.self).joined(separator: " ")
    }
}
