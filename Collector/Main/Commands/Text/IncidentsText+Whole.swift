// SPDX-License-Identifier: Apache-2.0
import Routing
import Sinks

extension IncidentsText {
    /// Everything of one incident.
    static func whole(_ incident: IncidentDocument, now: Timestamp, _ screen: Screen) -> [Line] {
        let ink: Ink = incident.state == "resolved" ? .green : Ink(severity: incident.severity)
        return .paragraph(incident.summary, ink, screen) + [Line()]
            + facts(incident, now, screen)
            + evidence(incident, screen) + impact(incident.impact, screen)
            + verify(incident, screen) + timeline(incident, screen)
    }

    private static func facts(
        _ incident: IncidentDocument,
        _ now: Timestamp,
        _ screen: Screen
    ) -> [Line] {
        let silences = incident.silences.map { $0.joined(separator: ", ") }
        let facts: [(String, String?)] = [
            ("id", incident.id), ("kind", incident.kind), ("severity", incident.severity),
            ("state", state(incident)), ("cluster", incident.cluster), ("stage", incident.stage),
            ("subject", subject(incident.subject)),
            ("since", "\(incident.since) (\(age(incident, now)))"),
            ("detected", incident.detectedAt), ("told", incident.firedAt),
            ("resolved", incident.resolvedAt), ("silences", silences),
        ]
        return facts.flatMap { name, text in
            text.map { $0.isEmpty ? [] : .entry(name, $0, screen) } ?? []
        }
    }

    private static func evidence(_ incident: IncidentDocument, _ screen: Screen) -> [Line] {
        guard !incident.evidence.isEmpty else { return [] }
        var table = Table("SOURCE", "FACT", "AGE", "VALUE", indent: 2)
        table.rows = incident.evidence.map { item in
            [
                Span(item.source), Span(item.fact), Span(TraceText.age(item.ageSeconds)),
                Span(item.value),
            ]
        }
        return heading("EVIDENCE") + table.lines(screen)
    }

    private static func impact(_ impact: ImpactDocument, _ screen: Screen) -> [Line] {
        let left = impact.capacity.map { "\($0.virtualServer) \($0.remaining) of \($0.members)" }
        let parts: [(String, [String])] = [
            ("pod CIDRs", impact.prefixes), ("nodes", impact.nodes),
            ("members", impact.poolMembers > 0 ? ["\(impact.poolMembers)"] : []),
            ("pools", impact.pools), ("virtual servers", impact.virtualServers),
            ("members left", left), ("wide IPs", impact.wideIPs),
        ]
        var table = Table("", "", indent: 2)
        table.rows = parts.filter { !$0.1.isEmpty }.map { name, values in
            [Span(name, .dim), Span(values.joined(separator: ", "))]
        }
        guard !table.rows.isEmpty else { return [] }
        return heading("IMPACT") + table.lines(screen).dropFirst()
    }

    /// Commands are not wrapped: they are there to be copied.
    private static func verify(_ incident: IncidentDocument, _ screen: Screen) -> [Line] {
        guard !incident.verify.isEmpty else { return [] }
        return heading("VERIFY")
            + incident.verify.flatMap { item in
                [Line("  on \(item.on)", .dim), Line("    \(item.command)")]
                    + (item.shows.map { .paragraph("→ \($0)", .dim, indent: 6, screen) } ?? [])
            }
    }

    private static func timeline(_ incident: IncidentDocument, _ screen: Screen) -> [Line] {
        guard let events = incident.timeline, !events.isEmpty else { return [] }
        var table = Table("AT", "WHAT", indent: 2)
        table.rows = events.map { [Span($0.at), Span($0.text)] }
        return heading("TIMELINE") + table.lines(screen).dropFirst()
    }

    static func heading(_ text: String) -> [Line] { [Line(), Line(text, .bold)] }
}
