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
    /// An answer of another kind than was asked for: a single object is no empty collection.
    case unexpected(kind: String)
    case repeatedKey(String)
    case tooMany(String)

    package var description: String {
        switch self {
        case .json(let error): "\(error)"
        case .refused(let code): "an error object, code \(code)"
        case .missing(let what): "\(what) is missing"
        case .poolLevel: "pool statistics where members were asked for"
        case .unexpected(let kind): "an answer of kind \(kind)"
        case .repeatedKey(let key): "the key \(key) stands twice"
        case .tooMany(let what): "too many \(what)"
        }
    }
}

/// What a status other than 200 means, and what may be done about it.
package struct BigIPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Action: Hashable, Sendable {
        /// The token is gone: log in once.
        case loginAgain
        /// The header was overlooked, which happens: once more with the same token.
        case retryOnce
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
            return failure(.retryOnce, "the token was not seen")
        }
        return failure(.credentials, "the credentials are refused")
    case 403: return failure(.credentials, "no permission")
    case 400 where text.contains("maximum active login tokens"):
        return failure(.tokenFlood, "too many login tokens are alive")
    case 400 where text.contains("timeoutexception"):
        return failure(.retryLater, "the unit timed out inside")
    case 404 where text.contains("not registered") || hasNoMessage(text):
        return failure(.retryLater, "the REST service is starting")
    case 404: return failure(.absentMaybe, "not found")
    case 500 where text.contains("mcpd"):
        return failure(.retryLater, "the connection to mcpd is lost")
    case 500 where text.contains("asynccontext timeout"):
        return failure(.retryLater, "the unit timed out inside")
    case 502, 503: return failure(.retryLater, "the unit is restarting or busy")
    default: return failure(.retryLater, "unexpected")
    }
}

/// A worker that is not loaded yet answers 404 with an empty message.
private func hasNoMessage(_ text: String) -> Bool {
    let dense = text.filter { !$0.isWhitespace }
    return dense.isEmpty || dense.contains(#""message":"""#)
}
