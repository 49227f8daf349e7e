// SPDX-License-Identifier: Apache-2.0
package import VendorJSON

/// Why a unit's answer cannot be believed; the place is a path in the JSON.
package enum BigIPDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    case json(JSONError)
    /// A 200 that carries an error object.
    case refused(code: Int)
    case missing(String)
    /// Pool statistics under a members path: what a short name or the all-members path gives.
    case poolLevel

    package var description: String {
        switch self {
        case .json(let error): "\(error)"
        case .refused(let code): "an error object, code \(code)"
        case .missing(let what): "\(what) is missing"
        case .poolLevel: "pool statistics where members were asked for"
        }
    }
}

extension JSONValue {
    /// An answer's root object; an error object in a 200 is an error.
    static func answer(_ bytes: [UInt8]) throws(BigIPDecodingError) -> JSONValue {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONValue(bytes)
        } catch {
            throw .json(error)
        }
        guard root.object != nil else { throw .missing("the root object") }
        if let code = root["code"]?.integer, root["kind"] == nil { throw .refused(code: code) }
        return root
    }

    /// A collection's rows; `items` is left out when there are none.
    func items() throws(BigIPDecodingError) -> [JSONValue] {
        guard let items = self["items"] else {
            guard self["kind"] != nil || self["selfLink"] != nil else { throw .missing("kind") }
            return []
        }
        guard let rows = items.array else { throw .missing("items") }
        return rows
    }

    /// The entries of a statistics answer, each with its fields. Keys are URLs that vary by
    /// version: only values count.
    func statistics() throws(BigIPDecodingError) -> [JSONValue] {
        guard let entries = self["entries"] else {
            guard self["kind"] != nil || self["selfLink"] != nil else { throw .missing("kind") }
            return []
        }
        guard let rows = entries.object else { throw .missing("entries") }
        return rows.values.compactMap { $0["nestedStats"]?["entries"] }
    }

    /// `{"description": text}` or `{"value": number}` of a statistics field.
    func field(_ name: String) -> JSONValue? {
        self[name].flatMap { $0["description"] ?? $0["value"] }
    }
}

/// What a status other than 200 means, and what may be done about it.
package struct BigIPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Action: Hashable, Sendable {
        /// The token is gone: log in once.
        case loginAgain
        case retryLater
        /// Wrong credentials: no login loop.
        case credentials
        /// Not found: an absence only while mcpd runs, and twice.
        case absentMaybe
        /// A hundred tokens are alive: wait for the oldest to expire.
        case tokenFlood
    }

    package let action: Action
    /// Holds the status and our words, nothing of the body.
    package let text: String

    package var description: String { text }
}

/// Status and body to a failure. Bodies are only searched for known words, never repeated.
package func classify(status: Int, body: [UInt8]) -> BigIPFailure {
    let text = String(decoding: body.prefix(4_096), as: UTF8.self).lowercased()
    func failure(_ action: BigIPFailure.Action, _ words: String) -> BigIPFailure {
        BigIPFailure(action: action, text: "HTTP \(status): \(words)")
    }
    switch status {
    case 401:
        if text.contains("token has expired") || text.contains("does not exist") {
            return failure(.loginAgain, "the token is no longer valid")
        }
        if text.contains("no user authentication header or token") {
            return failure(.loginAgain, "the token was not seen")
        }
        return failure(.credentials, "the credentials are refused")
    case 403: return failure(.credentials, "no permission")
    case 400 where text.contains("maximum active login tokens"):
        return failure(.tokenFlood, "too many login tokens are alive")
    case 400 where text.contains("timeoutexception"):
        return failure(.retryLater, "the unit timed out inside")
    case 404 where text.contains("not registered"):
        return failure(.retryLater, "the REST service is starting")
    case 404: return failure(.absentMaybe, "not found")
    case 500 where text.contains("mcpd"):
        return failure(.retryLater, "the connection to mcpd is lost")
    case 502, 503: return failure(.retryLater, "the unit is restarting or busy")
    default: return failure(.retryLater, "unexpected")
    }
}
