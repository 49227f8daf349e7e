// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What a decoder passed over because a newer agent said it: counted, never an error.
package struct SkippedContent: Hashable, Sendable {
    package var facts = 0
    package var fields = 0

    package init() {}
}

extension AgentFrame {
    /// Decodes a frame's body as `FrameReader` gives it. Ages become moments before `now`.
    package init(
        decoding body: ArraySlice<UInt8>,
        now: Timestamp,
        skipped: inout SkippedContent
    ) throws(WireError) {
        var reader = ByteReader(body)
        let type = try reader.byte()
        switch FrameType(rawValue: type) {
        case .hello: self = .hello(try reader.hello())
        case .snapshot:
            let generation = try reader.varint()
            var decoder = try FactDecoder(&reader, now: now)
            let facts = try decoder.facts(&reader, &skipped)
            self = .snapshot(generation: generation, facts)
        case .changes:
            let base = try reader.varint()
            let generation = try reader.varint()
            var decoder = try FactDecoder(&reader, now: now)
            let facts = try decoder.facts(&reader, &skipped)
            let removed = try decoder.keys(&reader, &skipped)
            self = .changes(base: base, generation: generation, facts, removed: removed)
        case .heartbeat: self = .heartbeat(generation: try reader.varint())
        case .goodbye: self = .goodbye
        default: throw .unknownFrame(type)
        }
        // A later version may say more at the end of a frame.
        if reader.remaining > 0 { skipped.fields += 1 }
    }
}

extension CollectorFrame {
    package init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(body)
        let type = try reader.byte()
        switch FrameType(rawValue: type) {
        case .welcome: self = .welcome(version: try reader.varint())
        case .acknowledge: self = .acknowledge(generation: try reader.varint())
        case .resync: self = .resync
        default: throw .unknownFrame(type)
        }
    }
}

extension ByteReader {
    fileprivate mutating func hello() throws(WireError) -> AgentFrame.Hello {
        let version = try varint()
        let node = try text()
        let interval = try uint32("interval")
        return AgentFrame.Hello(
            version: version,
            node: node,
            interval: interval,
            agentVersion: try text()
        )
    }
}
