// SPDX-License-Identifier: Apache-2.0
import Routing

/// One transition for one sink: what an outbox sends, and a store keeps until it is sent.
package struct Delivery: Sendable, Hashable, Codable {
    /// How it ended.
    package enum Outcome: String, Sendable, Hashable, Codable {
        /// The sink took it.
        case delivered
        /// The sink will never take it.
        case refused
        /// It waited behind too many others.
        case dropped
        /// Another collector told it.
        case elsewhere
    }

    /// Rises with each delivery of a collector and its successors.
    package let sequence: Int64
    package let sink: String
    package let transition: IncidentTransition

    package init(sequence: Int64, sink: String, transition: IncidentTransition) {
        self.sequence = sequence
        self.sink = sink
        self.transition = transition
    }
}
