// SPDX-License-Identifier: Apache-2.0
package import Routing

extension AgentFrame {
    /// The whole frame with its length. Ages are counted back from `now`, which is of the clock
    /// the facts' timestamps are of.
    package func encoded(now: Timestamp) -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .hello(let hello):
            writer.byte(FrameType.hello.rawValue)
            writer.varint(hello.version)
            writer.text(hello.node)
            writer.varint(UInt64(hello.interval))
            writer.text(hello.agentVersion)
        case .snapshot(let generation, let facts):
            writer.byte(FrameType.snapshot.rawValue)
            writer.varint(generation)
            writer.facts(facts, removed: nil, now: now)
        case .changes(let base, let generation, let facts, let removed):
            writer.byte(FrameType.changes.rawValue)
            writer.varint(base)
            writer.varint(generation)
            writer.facts(facts, removed: removed, now: now)
        case .heartbeat(let generation):
            writer.byte(FrameType.heartbeat.rawValue)
            writer.varint(generation)
        case .goodbye:
            writer.byte(FrameType.goodbye.rawValue)
        }
        return framed(writer.bytes)
    }
}

extension CollectorFrame {
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .welcome(let version):
            writer.byte(FrameType.welcome.rawValue)
            writer.varint(version)
        case .acknowledge(let generation):
            writer.byte(FrameType.acknowledge.rawValue)
            writer.varint(generation)
        case .resync:
            writer.byte(FrameType.resync.rawValue)
        }
        return framed(writer.bytes)
    }
}

private func framed(_ body: [UInt8]) -> [UInt8] {
    let length = UInt32(clamping: body.count)
    return (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * $0)) } + body
}

extension ByteWriter {
    /// String table, next-hop table, facts, and in a change the removed keys.
    fileprivate mutating func facts(_ facts: [Fact], removed: [FactKey]?, now: Timestamp) {
        var encoder = FactEncoder(now: now)
        let bodies = facts.map { ($0.key.type, encoder.body(of: $0)) }
        let keys = removed?.map { ($0.type, encoder.body(of: $0)) }
        tables(&encoder)
        sections(bodies)
        if let keys { sections(keys) }
    }

    private mutating func tables(_ encoder: inout FactEncoder) {
        // Next hops name devices: encode them first, so that their strings are in the table.
        var hops = ByteWriter()
        for hop in encoder.nextHops.elements { hops.nextHop(hop, &encoder.strings) }
        varint(encoder.strings.elements.count)
        for string in encoder.strings.elements { text(string) }
        varint(encoder.nextHops.elements.count)
        raw(hops.bytes)
    }

    private mutating func sections(_ bodies: [(UInt8, [UInt8])]) {
        varint(bodies.count)
        for (type, body) in bodies {
            byte(type)
            varint(body.count)
            raw(body)
        }
    }

    /// Flags: 1 gateway follows, 2 device follows, 4 dead.
    private mutating func nextHop(_ hop: NextHop, _ strings: inout Interner<String>) {
        byte((hop.gateway == nil ? 0 : 1) | (hop.device == nil ? 0 : 2) | (hop.isDead ? 4 : 0))
        if let gateway = hop.gateway { address(gateway) }
        if let device = hop.device { varint(strings.index(of: device)) }
    }
}
