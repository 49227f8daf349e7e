// SPDX-License-Identifier: Apache-2.0
package import Routing

/// How one of those whom the collector tells does.
package enum SinkHealth: Hashable, Sendable, Codable {
    /// It took what it was sent last, or nothing waits for it.
    case well
    case failing(String)

    package var isWell: Bool { self == .well }
}

/// What is known of a sink, and since when it fails, or does not.
package struct SinkFacts: Hashable, Sendable {
    package let health: SinkHealth
    package let since: Timestamp

    package init(_ health: SinkHealth, since: Timestamp) {
        self.health = health
        self.since = since
    }
}
