// SPDX-License-Identifier: Apache-2.0
import Routing

/// The version of the format that this code speaks (FORMAT.md).
package let wireVersion: UInt64 = 1

/// What an agent says.
package enum AgentFrame: Hashable, Sendable {
    case hello(Hello)
    /// All facts.
    case snapshot(generation: UInt64, Report)
    /// What changed since `base`; only valid on top of exactly that generation. Of what was
    /// removed only the keys cross the wire.
    case changes(base: UInt64, generation: UInt64, Report, removed: Report)
    /// Nothing changed since `generation`. `clock`: what the node's says, milliseconds of the Unix epoch.
    case heartbeat(generation: UInt64, clock: UInt64? = nil)
    /// The agent stops on purpose and expects to be back.
    case goodbye
    /// In place of a certificate: right after hello, and again before it expires.
    case token(BearerToken)

    package struct Hello: Hashable, Sendable {
        package var version: UInt64
        package var node: String
        /// Milliseconds between heartbeats.
        package var interval: UInt32
        package var agentVersion: String
        /// What the node's clock says, milliseconds of the Unix epoch.
        package var clock: UInt64?

        package init(
            version: UInt64 = wireVersion,
            node: String,
            interval: UInt32,
            agentVersion: String,
            clock: UInt64? = nil
        ) {
            self.version = version
            self.node = node
            self.interval = interval
            self.agentVersion = agentVersion
            self.clock = clock
        }
    }
}

/// What a collector says.
package enum CollectorFrame: Hashable, Sendable {
    case welcome(version: UInt64)
    /// Everything up to this generation is known.
    case acknowledge(generation: UInt64)
    /// A gap: a snapshot is needed.
    case resync
    /// Why the connection is closed now. Said only to who brought a token: earlier agents do not know it.
    case refused(reason: String)
}

enum FrameType: UInt8 {
    case hello = 1
    case snapshot = 2
    case changes = 3
    case heartbeat = 4
    case goodbye = 5
    case token = 6
    case welcome = 16
    case acknowledge = 17
    case resync = 18
    case refused = 19
}

/// Collects bytes of any split and gives whole frames: a length of 4 bytes, big endian, then that
/// many bytes, the first of which is the type.
package struct FrameReader {
    private var buffer: [UInt8] = []
    private var consumed = 0
    /// A frame longer than that is refused from its length alone.
    package var limit: Int

    package init(limit: Int) { self.limit = limit }

    package var isEmpty: Bool { consumed == buffer.count }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if consumed > 0 {
            buffer.removeFirst(consumed)
            consumed = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame's type and body, or nil until more bytes come.
    package mutating func next() throws(WireError) -> ArraySlice<UInt8>? {
        let available = buffer.count - consumed
        guard available >= 4 else { return nil }
        let length = buffer[consumed..<(consumed + 4)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= limit else { throw .tooLong(what: "frame", length: length, limit: limit) }
        guard length >= 1 else { throw .invalid(what: "frame length", at: 0) }
        guard available >= 4 + length else { return nil }
        let body = buffer[(consumed + 4)..<(consumed + 4 + length)]
        consumed += 4 + length
        return body
    }
}
