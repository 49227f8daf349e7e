// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a frame. Offsets count from the frame's type byte.
package enum WireError: Error, Hashable, Sendable, CustomStringConvertible {
    case truncated(at: Int, needed: Int)
    case tooLong(what: String, length: Int, limit: Int)
    case invalid(what: String, at: Int)
    case unknownFrame(UInt8)

    package var description: String {
        switch self {
        case .truncated(let at, let needed): "cut off at byte \(at), \(needed) more needed"
        case .tooLong(let what, let length, let limit): "\(what) of \(length), limit \(limit)"
        case .invalid(let what, let at): "invalid \(what) at byte \(at)"
        case .unknownFrame(let type): "unknown frame type \(type)"
        }
    }
}

/// Bounds of the format: nothing is allocated beyond them (FORMAT.md, Limits).
package enum WireLimit {
    /// A Calico node of a 15,000-node cluster reports about 150 KB; twenty times that.
    package static let frame = 4 << 20
    /// An agent reports 32,768 routes at most, each with a device of its own, and 2,048 sessions.
    package static let strings = 65_536
    package static let string = 512
    package static let nextHops = 65_536
    package static let nextHopsOfRoute = 256
    package static let facts = 131_072
    package static let channels = 16
    /// Six times the kinds of facts there are.
    package static let sections = 64
    /// What the collector may send: acknowledgements, or why it does not want to hear more.
    package static let reply = 512
    package static let reason = 200
    /// Of somebody who has not proved who he is: hello, or a token.
    package static let greeting = BearerToken.limit + 64
}
