// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing

/// What is wrong with a request, in one sentence for who sent it.
struct QueryError: Error {
    let reason: String
}

/// A parameter of a query: what clients are told it may be, and what it is held to.
struct QueryParameter: Sendable {
    enum Form: Sendable {
        case number(ClosedRange<Int>)
        /// Unicode scalars.
        case text(ClosedRange<Int>)
        /// What an earlier answer gave to go on with, and the pattern that it has.
        case continuation(String)
        case moment
        case prefix
        /// One or more of these, separated by commas.
        case words([String])
    }

    let name: String
    let form: Form
    /// For people who read the description.
    let about: String

    init(_ name: String, _ form: Form, _ about: String) {
        self.name = name
        self.form = form
        self.about = about
    }

    /// Why a value is none of this parameter; nil if it is one.
    func refusal(of value: String) -> String? {
        switch form {
        case .number(let range):
            let isNumber = value.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumber, let number = Int(value), range.contains(number) else {
                return "\(name) is a number, \(range.lowerBound) to \(range.upperBound)"
            }
        case .text(let range):
            guard range.contains(value.unicodeScalars.count) else {
                return "\(name) has \(range.lowerBound) to \(range.upperBound) characters"
            }
        case .continuation(let pattern):
            guard value.range(of: pattern, options: .regularExpression) != nil else {
                return "\(name) is what the answer before gave, unchanged"
            }
        case .moment: if moment(value) == nil { return "\(name) is an RFC 3339 time" }
        case .prefix:
            if Prefix(lenient: value) == nil {
                return "\(name) is a prefix or an address, such as 10.16.2.0/24"
            }
        case .words(let words):
            let asked = value.split(separator: ",", omittingEmptySubsequences: false)
            guard asked.count <= words.count, asked.allSatisfy({ words.contains(String($0)) })
            else { return "\(name) is a comma-separated list of \(words.joined(separator: ", "))" }
        }
        return nil
    }
}

/// A request's query, every part of which is known and within its bounds.
struct Query: Sendable {
    private var values: [String: String] = [:]

    init(_ text: String?, _ parameters: [QueryParameter]) throws(QueryError) {
        for part in (text ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(pair[0]),
                let value = Self.decoded(pair.count > 1 ? pair[1] : "")
            else { throw QueryError(reason: "the query is not percent-encoded UTF-8") }
            try take(name, value, parameters)
        }
    }

    private mutating func take(
        _ name: String,
        _ value: String,
        _ parameters: [QueryParameter]
    ) throws(QueryError) {
        guard let parameter = parameters.first(where: { $0.name == name }) else {
            let word = IncidentText.printable(String(name.prefix(60)))
            let known = parameters.map(\.name).joined(separator: ", ")
            let hint = known.isEmpty ? "it takes none" : "there are: \(known)"
            throw QueryError(reason: "no such parameter: \(word); \(hint)")
        }
        guard values[name] == nil else { throw QueryError(reason: "\(name) stands twice") }
        if let reason = parameter.refusal(of: value) { throw QueryError(reason: reason) }
        values[name] = value
    }

    private static func decoded(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }

    subscript(name: String) -> String? { values[name] }

    func number(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

    func moment(_ name: String) -> Timestamp? { values[name].flatMap { Sinks.moment($0) } }

    func prefix(_ name: String) -> Prefix? { values[name].flatMap { Prefix(lenient: $0) } }

    func words(_ name: String) -> [String]? {
        values[name]?.split(separator: ",").map(String.init)
    }
}
