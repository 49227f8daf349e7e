// SPDX-License-Identifier: Apache-2.0
package import Foundation
package import Incidents
package import Routing
import Verdicts

/// An incident as the API and every JSON sink say it. Its shape is public.
package struct IncidentDocument: Codable, Sendable {
    package var id: String
    package var kind: String
    package var severity: String
    package var state: String
    package var cluster: String
    package var subject: SubjectDocument
    package var stage: String?
    package var summary: String
    package var since: String
    package var detectedAt: String
    package var firedAt: String?
    package var resolvedAt: String?
    /// Ids of what operators said of it, while that is in force.
    package var silences: [String]?
    package var evidence: [EvidenceDocument]
    package var impact: ImpactDocument
    package var verify: [VerificationDocument]
    /// Only in what sinks are sent.
    package var transition: String?
    /// Only in the answer for one incident.
    package var timeline: [EventDocument]?
}

package struct SubjectDocument: Codable, Sendable {
    package var node: String?
    package var prefix: String?
    package var uplink: String?
    package var `switch`: String?
    package var loadBalancer: String?
    package var pool: String?
    package var virtualServer: String?
}

package struct EvidenceDocument: Codable, Sendable {
    package var source: String
    package var fact: String
    package var value: String
    package var ageSeconds: Double?
}

package struct ImpactDocument: Codable, Sendable {
    package var prefixes: [String]
    package var nodes: [String]
    package var poolMembers: Int
    package var pools: [String]
    package var virtualServers: [String]
    package var wideIPs: [String]
    package var capacity: [CapacityDocument]
}

package struct CapacityDocument: Codable, Sendable {
    package var virtualServer: String
    package var remaining: Int
    package var members: Int
}

package struct VerificationDocument: Codable, Sendable {
    package var on: String
    package var command: String
    /// What it shows while this is what is wrong.
    package var shows: String?

    init(_ verification: Verification) {
        on = verification.on
        command = verification.command
        shows = verification.shows
    }
}

package struct EventDocument: Codable, Sendable {
    package var at: String
    package var text: String
}

extension IncidentDocument {
    /// Ages are counted back from `now`.
    package init(_ incident: Incident, now: Timestamp) {
        let verdict = incident.verdict
        id = incident.id
        kind = verdict.kind.rawValue
        severity = verdict.severity.rawValue
        state = incident.state.rawValue
        cluster = incident.cluster
        subject = SubjectDocument(verdict.subject)
        stage = verdict.kind.entry.stage?.rawValue
        summary = incident.summary
        since = rfc3339(incident.since)
        detectedAt = rfc3339(incident.detectedAt)
        firedAt = incident.firedAt.map(rfc3339)
        resolvedAt = incident.resolvedAt.map(rfc3339)
        silences = incident.silences.isEmpty ? nil : incident.silences
        evidence = verdict.evidence.map { EvidenceDocument($0, now: now) }
        impact = ImpactDocument(verdict.impact)
        verify = verdict.verify.map { VerificationDocument($0) }
    }

    package init(_ transition: IncidentTransition) {
        self.init(transition.incident, now: transition.at)
        self.transition = transition.change.rawValue
    }
}

extension SubjectDocument {
    init(_ subject: Subject) {
        node = subject.node
        prefix = subject.prefix?.description
        uplink = subject.uplink
        `switch` = subject.switchName
        loadBalancer = subject.loadBalancer
        pool = subject.pool
        virtualServer = subject.virtualServer
    }
}

extension EvidenceDocument {
    init(_ evidence: Evidence, now: Timestamp) {
        source = evidence.source
        fact = evidence.fact
        value = evidence.value
        ageSeconds = evidence.at.map { seconds(now - $0) }
    }
}

extension ImpactDocument {
    init(_ impact: Impact) {
        prefixes = impact.prefixes.map(\.description)
        nodes = impact.nodes
        poolMembers = impact.poolMembers
        pools = impact.pools
        virtualServers = impact.virtualServers
        wideIPs = impact.wideIPs
        capacity = impact.capacity.map {
            CapacityDocument(
                virtualServer: $0.virtualServer,
                remaining: $0.remaining,
                members: $0.members
            )
        }
    }
}

/// Milliseconds as seconds, never negative.
func seconds(_ milliseconds: Int64) -> Double { Double(max(0, milliseconds)) / 1000 }

/// UTC with milliseconds.
package func rfc3339(_ moment: Timestamp) -> String {
    let seconds = moment.milliseconds.quotientAndRemainder(dividingBy: 1000)
    let date = Date(timeIntervalSince1970: TimeInterval(seconds.quotient))
    let whole = date.formatted(.iso8601)
    let fraction = String(abs(seconds.remainder) + 1000).dropFirst()
    return whole.dropLast() + "." + fraction + "Z"
}

/// The one encoder: keys sorted, so that equal things read equal.
package func json(_ value: some Encodable, pretty: Bool = false) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    // Only non-finite numbers could fail, and there are none.
    return (try? encoder.encode(value)) ?? Data("{}".utf8)
}
