// SPDX-License-Identifier: Apache-2.0
package import Routing

extension AgentFrame {
    /// Decodes a frame's body as `FrameReader` gives it. Ages become moments before `now`.
    package init(
        decoding body: ArraySlice<UInt8>,
        now: Timestamp,
        skipped: inout SkippedContent
    ) throws(WireError) {
        let bytes = body.span
        var reader = ByteReader(0..<bytes.count)
        let type = try reader.byte(bytes)
        switch FrameType(rawValue: type) {
        case .hello: self = .hello(try reader.hello(bytes))
        case .snapshot:
            let generation = try reader.varint(bytes)
            var decoder = try ReportDecoder(bytes, &reader, now: now, skipped: skipped)
            self = .snapshot(generation: generation, try decoder.report(bytes, &reader))
            skipped = decoder.skipped
        case .changes:
            let base = try reader.varint(bytes)
            let generation = try reader.varint(bytes)
            var decoder = try ReportDecoder(bytes, &reader, now: now, skipped: skipped)
            let updated = try decoder.report(bytes, &reader)
            let removed = try decoder.report(bytes, &reader)
            self = .changes(base: base, generation: generation, updated, removed: removed)
            skipped = decoder.skipped
        case .heartbeat:
            let generation = try reader.varint(bytes)
            self = .heartbeat(generation: generation, clock: try reader.clock(bytes))
        case .goodbye: self = .goodbye
        case .token: self = .token(try reader.token(bytes))
        default: throw .unknownFrame(type)
        }
        // A later version may say more at the end of a frame.
        if reader.remaining > 0 { skipped.fields += 1 }
    }
}

extension CollectorFrame {
    package init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        let bytes = body.span
        var reader = ByteReader(0..<bytes.count)
        let type = try reader.byte(bytes)
        switch FrameType(rawValue: type) {
        case .welcome: self = .welcome(version: try reader.varint(bytes))
        case .acknowledge: self = .acknowledge(generation: try reader.varint(bytes))
        case .resync: self = .resync
        case .refused: self = .refused(reason: try reader.text(bytes))
        default: throw .unknownFrame(type)
        }
    }
}

extension ByteReader {
    fileprivate mutating func hello(
        _ bytes: Span<UInt8>
    ) throws(WireError) -> AgentFrame.Hello {
        let version = try varint(bytes)
        let node = try text(bytes)
        guard let interval = UInt32(exactly: try varint(bytes)) else {
            throw .invalid(what: "interval", at: offset)
        }
        return AgentFrame.Hello(
            version: version,
            node: node,
            interval: interval,
            agentVersion: try text(bytes),
            clock: try clock(bytes)
        )
    }

    fileprivate mutating func token(_ bytes: Span<UInt8>) throws(WireError) -> BearerToken {
        let count = try count(bytes, "token", atMost: BearerToken.limit)
        let part = try section(count)
        // Of what is no token nothing is said but where it stood.
        guard part.end <= bytes.count,
            let token = BearerToken((part.offset..<part.end).map { bytes[$0] })
        else { throw .invalid(what: "token", at: part.offset) }
        return token
    }

    /// Earlier versions end before it; 0 is nothing.
    fileprivate mutating func clock(_ bytes: Span<UInt8>) throws(WireError) -> UInt64? {
        guard remaining > 0 else { return nil }
        let clock = try varint(bytes)
        return clock == 0 ? nil : clock
    }
}
