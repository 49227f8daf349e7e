// SPDX-License-Identifier: Apache-2.0
package import Incidents

/// Somewhere people are told.
package protocol Sink: Sendable {
    var name: String { get }
    /// How fast it may be told; nil where nobody counts.
    var pace: Pace? { get }
    var bundling: Bundling { get }
    /// What several collectors tell it comes to the same as what one does.
    var isToldByAll: Bool { get }

    /// Throws if it was not taken; what then follows is the outbox's to decide.
    func deliver(_ notice: Notice) async throws(SinkError)

    /// What it does of its own accord besides, until cancelled; tells after each time how it went.
    func run(_ report: @escaping @Sendable (SinkError?) -> Void) async
}

extension Sink {
    package var pace: Pace? { nil }
    package var bundling: Bundling { .each }
    package var isToldByAll: Bool { false }
    package func run(_ report: @escaping @Sendable (SinkError?) -> Void) async {}
}

/// What becomes of transitions that wait.
package enum Bundling: Sendable {
    /// Each is sent, in order.
    case each
    /// When they come faster than the sink may be told, they go together as one message.
    case digest
    /// Only the last word of each incident matters.
    case latest
}

/// What is sent at once: one transition, or what gathered while the sink could not be told more.
package struct Notice: Sendable, Hashable {
    /// In order; never empty.
    package let transitions: [IncidentTransition]
    /// The same whenever the same is sent again, and nothing else's: a receiver can know by it what it has.
    package let key: String
    /// The message as it should be was refused; what matters of it may still pass.
    package var isShort = false

    package init(_ transitions: [IncidentTransition], key: String) {
        self.transitions = transitions
        self.key = key
    }
}

/// Why a sink did not take a message. Never holds a webhook's address.
package struct SinkError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Class: String, Sendable, Hashable, CaseIterable {
        /// No answer, or one of a server in trouble: the same again, later.
        case unavailable
        /// Told too fast.
        case limited
        /// Nothing passes before a person mends something: a key, a signature, a keyword, a page to log in at.
        case unauthorized
        /// This one message is not acceptable.
        case rejected
    }

    package let `class`: Class
    package let description: String
    /// Milliseconds that the receiver asks for.
    package let retryAfter: Int64?

    package init(_ description: String, _ class: Class = .unavailable, retryAfter: Int64? = nil) {
        self.class = `class`
        self.description = description
        self.retryAfter = retryAfter
    }
}
