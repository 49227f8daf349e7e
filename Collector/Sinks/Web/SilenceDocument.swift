// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
package import Routing
import Verdicts

/// A silence as the API says it, and as it is asked for.
package struct SilenceDocument: Codable, Sendable {
    package var id: String?
    package var form: String?
    package var match: [String: String]
    package var author: String
    package var comment: String
    package var startsAt: String?
    package var endsAt: String
    /// `pending`, `active` or `expired`; only in answers.
    package var state: String?

    package init(
        form: String? = nil,
        match: [String: String],
        author: String,
        comment: String,
        startsAt: String? = nil,
        endsAt: String
    ) {
        self.form = form
        self.match = match
        self.author = author
        self.comment = comment
        self.startsAt = startsAt
        self.endsAt = endsAt
    }

    package init(_ silence: Silence, now: Timestamp) {
        id = silence.id
        form = silence.form.rawValue
        match = silence.match.document
        author = silence.author
        comment = silence.comment
        startsAt = rfc3339(silence.startsAt)
        endsAt = rfc3339(silence.endsAt)
        state =
            silence.isInForce(at: now) ? "active" : now < silence.startsAt ? "pending" : "expired"
    }
}

/// `GET /api/v1/silences`.
package struct SilencesDocument: Codable, Sendable {
    package var silences: [SilenceDocument]
    /// Whether a page of the origin that was asked for may set some.
    package var mayWrite: Bool?
}

/// Why a silence is not taken.
struct SilenceRefusal: Error {
    let reason: String
}

extension Silence {
    /// Longer is a decision for the configuration.
    private static let longest: Int64 = 366 * 86_400_000
    private static let keys: Set<String> = [
        "id", "form", "match", "author", "comment", "startsAt", "endsAt", "state",
    ]

    /// From a request's body. A key that nobody knows is refused: what it was to narrow would be wider than meant.
    init(body: Data, id fresh: String, now: Timestamp) throws(SilenceRefusal) {
        guard let object = try? JSONSerialization.jsonObject(with: body) as? [String: Any],
            let document = try? JSONDecoder().decode(SilenceDocument.self, from: body)
        else {
            throw SilenceRefusal(
                reason: "JSON with match, author, comment and endsAt is expected"
            )
        }
        if let key = object.keys.filter({ !Self.keys.contains($0) }).min() {
            throw SilenceRefusal(reason: "no such key: \(printable(key))")
        }
        let form = try Self.form(document.form)
        let match = try Match(document.match)
        guard (form == .acknowledgement) == (match.incident != nil) else {
            throw SilenceRefusal(reason: "an acknowledgement, and nothing else, is of an incident")
        }
        let (startsAt, endsAt) = try Self.times(document, now: now)
        self.init(
            id: document.id ?? fresh,
            form: form,
            match: match,
            author: try Self.text(document.author, "author", atMost: 100),
            comment: try Self.text(document.comment, "comment", atMost: 1_000),
            startsAt: startsAt,
            endsAt: endsAt
        )
    }

    private static func form(_ word: String?) throws(SilenceRefusal) -> Form {
        guard let word else { return .silence }
        guard let form = Form(rawValue: word) else {
            throw SilenceRefusal(reason: "form is silence, acknowledgement or maintenance")
        }
        return form
    }

    private static func times(
        _ document: SilenceDocument,
        now: Timestamp
    ) throws(SilenceRefusal) -> (Timestamp, Timestamp) {
        guard let endsAt = moment(document.endsAt) else {
            throw SilenceRefusal(reason: "endsAt is an RFC 3339 time")
        }
        var startsAt: Timestamp? = now
        if let text = document.startsAt { startsAt = moment(text) }
        guard let startsAt else { throw SilenceRefusal(reason: "startsAt is an RFC 3339 time") }
        guard endsAt > now, endsAt > startsAt, endsAt - now <= longest else {
            throw SilenceRefusal(
                reason: "it must end after now and after its beginning, within a year"
            )
        }
        return (startsAt, endsAt)
    }

    private static func text(
        _ text: String,
        _ name: String,
        atMost limit: Int
    ) throws(SilenceRefusal) -> String {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...limit).contains(trimmed.utf8.count) else {
            throw SilenceRefusal(reason: "\(name) is missing, or longer than \(limit) bytes")
        }
        return IncidentText.printable(trimmed)
    }
}

extension Silence.Match {
    init(_ document: [String: String]) throws(SilenceRefusal) {
        self.init()
        for (key, value) in document.sorted(by: { $0.key < $1.key }) {
            guard (1...253).contains(value.utf8.count), value == IncidentText.printable(value)
            else {
                throw SilenceRefusal(
                    reason:
                        "match.\(printable(key)) is empty, too long, or holds control characters"
                )
            }
            switch key {
            case "node": node = value
            case "switch": `switch` = value
            case "loadBalancer": loadBalancer = value
            case "incident": incident = value
            case "kind":
                guard Kind(rawValue: value) != nil else {
                    throw SilenceRefusal(reason: "no such kind: \(printable(value))")
                }
                kind = value
            case "prefix":
                prefix = Prefix(value)
                guard prefix != nil else {
                    throw SilenceRefusal(reason: "match.prefix is no prefix: \(printable(value))")
                }
            default: throw SilenceRefusal(reason: "no such key in match: \(printable(key))")
            }
        }
        guard !isEmpty else {
            throw SilenceRefusal(reason: "match is empty: it would match nothing")
        }
    }

    fileprivate var document: [String: String] {
        var document: [String: String] = [:]
        document["node"] = node
        document["switch"] = `switch`
        document["loadBalancer"] = loadBalancer
        document["prefix"] = prefix?.description
        document["kind"] = kind
        document["incident"] = incident
        return document
    }
}

private func printable(_ text: String) -> String {
    IncidentText.printable(String(text.prefix(300)))
}
