// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Incidents
package import Routing
package import Verdicts

/// What the web server cannot have from the board: the past, and what operators say.
package struct Archive: Sendable {
    package typealias Paths = @Sendable (Timestamp, Prefix?) async throws -> PastPaths
    package typealias Incidents = @Sendable (PastIncidents) async throws -> [Incident]
    package typealias OneIncident = @Sendable (String) async throws -> Incident?
    package typealias Operators = @Sendable (OperatorUpdate) async -> Void

    /// Nil without a store.
    package var paths: Paths?
    package var incidents: Incidents?
    package var incident: OneIncident?
    /// Nil where nobody may write.
    package var operators: Operators?
    /// Where the page may stand, as a browser says it, besides at the collector's own address.
    package var origins: Set<String>

    package init(
        paths: Paths? = nil,
        incidents: Incidents? = nil,
        incident: OneIncident? = nil,
        operators: Operators? = nil,
        origins: Set<String> = []
    ) {
        self.paths = paths
        self.incidents = incidents
        self.incident = incident
        self.operators = operators
        self.origins = origins
    }
}
