// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Incidents
package import Verdicts

/// Which incidents a sink is told (`only:`); what is empty means all.
package struct SinkFilter: Sendable, Hashable {
    package var severities: Set<Severity>
    package var kinds: Set<Kind>
    /// Shell patterns: `rack1-*`.
    package var nodes: [String] = []
    package var switches: [String] = []
    package var clusters: [String] = []

    package init(severities: Set<Severity> = [], kinds: Set<Kind> = []) {
        self.severities = severities
        self.kinds = kinds
    }

    package func passes(_ incident: Incident) -> Bool {
        let verdict = incident.verdict
        let subject = verdict.subject
        return (severities.isEmpty || severities.contains(verdict.severity))
            && (kinds.isEmpty || kinds.contains(verdict.kind))
            && agree(clusters, [incident.cluster])
            && agree(switches, [subject.switchName].compactMap(\.self))
            && agree(nodes, [subject.node].compactMap(\.self) + verdict.impact.nodes)
    }

    /// Whether one of the names fits one of the patterns.
    private func agree(_ patterns: [String], _ names: [String]) -> Bool {
        patterns.isEmpty
            || names.contains { name in patterns.contains { fnmatch($0, name, 0) == 0 } }
    }
}
