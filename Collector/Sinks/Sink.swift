// SPDX-License-Identifier: Apache-2.0
package import Incidents
package import Verdicts

/// Somewhere people are told. One transition at a time, in order.
package protocol Sink: Sendable {
    var name: String { get }

    /// Throws if it was not taken; it will be tried again.
    func deliver(_ transition: IncidentTransition) async throws(SinkError)
}

/// Why a sink did not take a message. Never holds a webhook's address.
package struct SinkError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// False where trying again cannot help: the message itself was refused.
    package let isWorthRetrying: Bool

    package init(_ description: String, isWorthRetrying: Bool = true) {
        self.description = description
        self.isWorthRetrying = isWorthRetrying
    }
}

/// Which incidents a sink is told (`only:`); empty sets mean all.
package struct SinkFilter: Sendable, Hashable {
    package var severities: Set<Severity>
    package var kinds: Set<Kind>

    package init(severities: Set<Severity> = [], kinds: Set<Kind> = []) {
        self.severities = severities
        self.kinds = kinds
    }

    package func passes(_ incident: Incident) -> Bool {
        let verdict = incident.verdict
        return (severities.isEmpty || severities.contains(verdict.severity))
            && (kinds.isEmpty || kinds.contains(verdict.kind))
    }
}
