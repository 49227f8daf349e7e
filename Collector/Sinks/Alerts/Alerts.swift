// SPDX-License-Identifier: Apache-2.0
import Incidents
import Routing
import Verdicts

/// What an Alertmanager is told at each repetition: all that fires, and for some minutes what is over.
struct Alerts: Sendable {
    /// As API v2 wants it.
    struct Body: Encodable, Sendable, Hashable {
        var labels: [String: String]
        var annotations: [String: String]
        var startsAt: String
        /// For what fires: when it is over unless it is said again.
        var endsAt: String
        var generatorURL: String?
    }

    private struct Told: Sendable {
        var incident: Incident
        /// Nil while it fires.
        var endedAt: Timestamp?
        /// Before that it is not said again: nobody has seen it yet since this collector began.
        var silentUntil: Timestamp?
    }

    /// By labels: what has others is another alert.
    private var told: [[String: String]: Told] = [:]
    private let link: String?
    private let every: Int64

    /// An instance that was away for a quarter of an hour still hears that something is over.
    private static let afterglow: Int64 = 900_000
    /// Three repetitions may be lost before an alert ends by itself.
    private static let lives: Int64 = 4
    /// As many of them may be lost to a collector that has just begun. It may be over, and another collector have
    /// said so: to say it again would raise it from the dead.
    private static let livesUnseen: Int64 = 2

    /// `firing` is what an earlier collector had told.
    init(_ firing: [Incident], link: String?, every: Int64, at now: Timestamp) {
        self.link = link
        self.every = every
        for incident in firing {
            told[Self.labels(of: incident)] = Told(
                incident: incident,
                silentUntil: now + every * Self.livesUnseen
            )
        }
    }

    mutating func take(_ transition: IncidentTransition) {
        let incident = transition.incident
        let labels = Self.labels(of: incident)
        // Another severity or root makes other labels; the alert under the old ones is over.
        for (old, item) in told where item.incident.id == incident.id && old != labels {
            if item.endedAt == nil { told[old]?.endedAt = transition.at }
            // That it is over is known, though nobody has seen it since this collector began.
            told[old]?.silentUntil = nil
        }
        // A test fires for a minute, so that it is seen.
        let end = transition.isTest ? transition.at + Int64(60_000) : transition.at
        let isOver = transition.change == .resolved || transition.isTest
        told[labels] = Told(incident: incident, endedAt: isOver ? end : nil)
    }

    /// In order of their labels; `shift` is added to all times.
    mutating func current(at now: Timestamp, shift: Int64 = 0) -> [Body] {
        told = told.filter { _, item in
            item.endedAt.map { now - $0 < Self.afterglow } ?? true
        }
        return told.filter { $0.value.silentUntil.map { $0 <= now } ?? true }
            .map { labels, item in body(labels, item, now, shift) }
            .sorted {
                ($0.labels["incident"] ?? "", $0.startsAt) < (
                    $1.labels["incident"] ?? "", $1.startsAt
                )
            }
    }

    private func body(
        _ labels: [String: String],
        _ item: Told,
        _ now: Timestamp,
        _ shift: Int64
    ) -> Body {
        let ends = item.endedAt ?? now + every * Self.lives
        return Body(
            labels: labels,
            annotations: annotations(of: item.incident),
            startsAt: rfc3339((item.incident.firedAt ?? item.incident.detectedAt) + shift),
            endsAt: rfc3339(ends + shift),
            generatorURL: link.map { "\($0)/#incident=\(item.incident.id)" }
        )
    }

    /// What stays the same as long as the incident does: nothing that moves, or it would be another alert.
    private static func labels(of incident: Incident) -> [String: String] {
        let verdict = incident.verdict
        let subject = verdict.subject
        let labels: [String: String?] = [
            "alertname": verdict.kind.alertName,
            "kind": verdict.kind.rawValue,
            "severity": verdict.severity.rawValue,
            "cluster": incident.cluster,
            "incident": incident.id,
            "node": subject.node,
            "switch": subject.switchName,
            "load_balancer": subject.loadBalancer,
        ]
        return labels.compactMapValues { $0.map { printable($0, limit: 200) } }
            .filter { !$0.value.isEmpty }
    }

    private func annotations(of incident: Incident) -> [String: String] {
        let verdict = incident.verdict
        let commands = verdict.verify.map { "\($0.on): \($0.command)" }
        let evidence = verdict.evidence.prefix(10).map { "\($0.source), \($0.fact): \($0.value)" }
        let texts = [
            "summary": incident.summary,
            "evidence": evidence.joined(separator: "; "),
            "verify": commands.joined(separator: "; "),
            "since": rfc3339(incident.since),
            "virtual_servers": verdict.impact.virtualServers.prefix(10).joined(separator: ", "),
            "pool_members": verdict.impact.poolMembers == 0 ? "" : "\(verdict.impact.poolMembers)",
        ]
        return texts.mapValues { printable($0, limit: 2_000) }.filter { !$0.value.isEmpty }
    }
}

extension Kind {
    /// `PodpathKernelRouteMissing`: as Prometheus' users name alerts.
    var alertName: String {
        "Podpath"
            + rawValue.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }
            .joined()
    }
}
