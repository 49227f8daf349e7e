// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Verdicts

extension Silence {
    /// Of an incident that is of one node, switch or CIDR its subject decides; of one that is of several, whether
    /// all of them are meant.
    func covers(_ incident: Incident) -> Bool {
        let (subject, impact) = (incident.verdict.subject, incident.verdict.impact)
        guard !match.isEmpty else { return false }
        // Of this time, and not of the next.
        if let id = match.incident, id != incident.id || incident.detectedAt > startsAt {
            return false
        }
        if let kind = match.kind, kind != incident.verdict.kind.rawValue { return false }
        if let name = match.switch, name != subject.switchName { return false }
        if let name = match.loadBalancer, name != subject.loadBalancer { return false }
        if let node = match.node {
            let nodes = subject.node.map { [$0] } ?? impact.nodes
            guard !nodes.isEmpty, nodes.allSatisfy({ $0 == node }) else { return false }
        }
        if let prefix = match.prefix {
            let prefixes = subject.prefix.map { [$0] } ?? impact.prefixes
            guard !prefixes.isEmpty, prefixes.allSatisfy(prefix.contains) else { return false }
        }
        return true
    }
}

/// What is in force now, for one incident after the other.
struct Quiet {
    private let silences: [Silence]

    init(_ silences: Silences, at now: Timestamp) { self.silences = silences.inForce(at: now) }

    func over(_ incident: Incident) -> [Silence] {
        silences.isEmpty ? [] : silences.filter { $0.covers(incident) }
    }
}
