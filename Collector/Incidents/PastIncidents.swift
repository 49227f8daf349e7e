// SPDX-License-Identifier: Apache-2.0
package import Routing

/// Incidents of the past that ended within a range, a page of them.
package struct PastIncidents: Sendable, Hashable {
    package var since: Timestamp
    package var until: Timestamp
    /// The last of the page before; nil: from the newest on.
    package var after: IncidentKey?
    package var limit: Int

    package init(since: Timestamp, until: Timestamp, after: IncidentKey? = nil, limit: Int) {
        self.since = since
        self.until = until
        self.after = after
        self.limit = limit
    }
}
