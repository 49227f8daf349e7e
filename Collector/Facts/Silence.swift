// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What an operator said beforehand, or says now, so that something is not told.
package struct Silence: Hashable, Sendable, Codable {
    package enum Form: String, Hashable, Sendable, Codable, CaseIterable {
        /// What matches is not told while it is in force.
        case silence
        /// One incident is known: no reminder of it, while all else of it is told.
        case acknowledgement
        /// A silence with a beginning, for work that is planned.
        case maintenance
    }

    /// What must agree, all that is said of it; an empty one matches nothing.
    package struct Match: Hashable, Sendable, Codable {
        package var node: String?
        package var `switch`: String?
        package var loadBalancer: String?
        /// What lies inside it matches too.
        package var prefix: Prefix?
        package var kind: String?
        /// An incident's id.
        package var incident: String?

        package init(
            node: String? = nil,
            switch: String? = nil,
            loadBalancer: String? = nil,
            prefix: Prefix? = nil,
            kind: String? = nil,
            incident: String? = nil
        ) {
            self.node = node
            self.switch = `switch`
            self.loadBalancer = loadBalancer
            self.prefix = prefix
            self.kind = kind
            self.incident = incident
        }

        package var isEmpty: Bool { self == Match() }
    }

    package var id: String
    package var form: Form
    package var match: Match
    package var author: String
    package var comment: String
    package var startsAt: Timestamp
    package var endsAt: Timestamp

    package init(
        id: String,
        form: Form,
        match: Match,
        author: String,
        comment: String,
        startsAt: Timestamp,
        endsAt: Timestamp
    ) {
        self.id = id
        self.form = form
        self.match = match
        self.author = author
        self.comment = comment
        self.startsAt = startsAt
        self.endsAt = endsAt
    }

    package func isInForce(at now: Timestamp) -> Bool { startsAt <= now && now < endsAt }
}

/// What operators change.
package enum OperatorUpdate: Hashable, Sendable, Codable {
    /// New, or another text, scope or end under an id that is known.
    case silence(Silence)
}

/// The silences of a site, those that ended lately with them.
package struct Silences: Hashable, Sendable {
    package private(set) var all: [String: Silence] = [:]

    /// As many as operators of a large site have at a time, ten times over.
    package static let limit = 1_000
    /// How long one that ended can still be looked at.
    private static let memory: Int64 = 7 * 86_400_000

    package init() {}

    package mutating func apply(_ update: OperatorUpdate, at now: Timestamp) {
        all = all.filter { now - $0.value.endsAt < Self.memory }
        switch update {
        case .silence(let silence):
            all[silence.id] = silence
            // Those that are over make room.
            let over = all.values.filter { $0.endsAt <= now }.sorted { $0.endsAt < $1.endsAt }
            for old in over.prefix(max(0, all.count - Self.limit)) { all[old.id] = nil }
        }
    }

    /// In order of their ids.
    package func inForce(at now: Timestamp) -> [Silence] {
        all.values.filter { $0.isInForce(at: now) }.sorted { $0.id < $1.id }
    }

    /// When one begins or ends.
    package func nextChange(after now: Timestamp) -> Timestamp? {
        all.values.flatMap { [$0.startsAt, $0.endsAt] }.filter { $0 > now }.min()
    }
}
