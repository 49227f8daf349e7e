// SPDX-License-Identifier: Apache-2.0
package import Routing

extension AgentFrame {
    /// The whole frame with its length. Ages are counted back from `now`, which is of the clock
    /// the facts' timestamps are of.
    package func encoded(now: Timestamp) -> [UInt8] {
        var writer = ByteWriter()
        writer.beginFrame()
        switch self {
        case .hello(let hello):
            writer.byte(FrameType.hello.rawValue)
            writer.varint(hello.version)
            writer.text(hello.node)
            writer.varint(UInt64(hello.interval))
            writer.text(hello.agentVersion)
            if let clock = hello.clock { writer.varint(clock) }
        case .snapshot(let generation, let report):
            writer.byte(FrameType.snapshot.rawValue)
            writer.varint(generation)
            var encoder = ReportEncoder(now: now)
            encoder.write(report)
            return framed(encoder.finished(after: writer))
        case .changes(let base, let generation, let updated, let removed):
            writer.byte(FrameType.changes.rawValue)
            writer.varint(base)
            writer.varint(generation)
            var encoder = ReportEncoder(now: now)
            encoder.write(updated)
            encoder.write(removed, isKeysOnly: true)
            return framed(encoder.finished(after: writer))
        case .heartbeat(let generation, let clock):
            writer.byte(FrameType.heartbeat.rawValue)
            writer.varint(generation)
            if let clock { writer.varint(clock) }
        case .goodbye:
            writer.byte(FrameType.goodbye.rawValue)
        case .token(let token):
            let bytes = token.reveal()
            writer.byte(FrameType.token.rawValue)
            writer.varint(bytes.count)
            writer.raw(bytes)
        }
        return framed(writer.bytes)
    }
}

extension CollectorFrame {
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.beginFrame()
        switch self {
        case .welcome(let version):
            writer.byte(FrameType.welcome.rawValue)
            writer.varint(version)
        case .acknowledge(let generation):
            writer.byte(FrameType.acknowledge.rawValue)
            writer.varint(generation)
        case .resync:
            writer.byte(FrameType.resync.rawValue)
        case .refused(let reason):
            writer.byte(FrameType.refused.rawValue)
            writer.text(String(decoding: reason.utf8.prefix(WireLimit.reason), as: UTF8.self))
        }
        return framed(writer.bytes)
    }
}

/// Fills in the length, for which the first four bytes were kept.
private func framed(_ bytes: consuming [UInt8]) -> [UInt8] {
    let length = UInt32(clamping: bytes.count - 4)
    for index in 0..<4 {
        bytes[index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index))
    }
    return bytes
}

extension ByteWriter {
    fileprivate mutating func beginFrame() {
        for _ in 0..<4 { byte(0) }
    }
}
