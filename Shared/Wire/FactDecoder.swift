// SPDX-License-Identifier: Apache-2.0
import Routing

/// Facts and keys of one frame, with the frame's string and next-hop tables at hand.
struct FactDecoder {
    private let now: Timestamp
    private var strings: [String] = []
    private var nextHops: [NextHop] = []

    /// Reads the two tables that stand before the facts.
    init(_ reader: inout ByteReader, now: Timestamp) throws(WireError) {
        self.now = now
        for _ in 0..<(try reader.count("string table", atMost: WireLimit.strings)) {
            strings.append(try reader.text())
        }
        for _ in 0..<(try reader.count("next-hop table", atMost: WireLimit.nextHops)) {
            nextHops.append(try nextHop(&reader))
        }
    }

    mutating func facts(
        _ reader: inout ByteReader,
        _ skipped: inout SkippedContent
    ) throws(WireError) -> [Fact] {
        var facts: [Fact] = []
        for _ in 0..<(try reader.count("facts", atMost: WireLimit.facts)) {
            let type = try reader.byte()
            var section = try reader.section(try reader.count("fact", atMost: WireLimit.frame))
            guard let fact = try fact(type, &section) else {
                skipped.facts += 1
                continue
            }
            if section.remaining > 0 { skipped.fields += 1 }
            facts.append(fact)
        }
        return facts
    }

    mutating func keys(
        _ reader: inout ByteReader,
        _ skipped: inout SkippedContent
    ) throws(WireError) -> [FactKey] {
        var keys: [FactKey] = []
        for _ in 0..<(try reader.count("keys", atMost: WireLimit.facts)) {
            let type = try reader.byte()
            var section = try reader.section(try reader.count("key", atMost: WireLimit.frame))
            guard let key = try key(type, &section) else {
                skipped.facts += 1
                continue
            }
            keys.append(key)
        }
        return keys
    }

    private func key(_ type: UInt8, _ reader: inout ByteReader) throws(WireError) -> FactKey? {
        switch type {
        case 1: return .kernel
        case 2: return .link(name: try string(&reader))
        case 3:
            let prefix = try reader.prefix()
            let table = try reader.optional("table") ?? 254
            return .kernelRoute(prefix: prefix, table: table, metric: try reader.uint32("metric"))
        case 4: return .bird(daemon: try string(&reader))
        case 5:
            let daemon = try string(&reader)
            return .session(daemon: daemon, name: try string(&reader))
        case 6:
            let (daemon, name) = (try string(&reader), try string(&reader))
            return .birdStatic(daemon: daemon, name: name, prefix: try reader.prefix())
        case 7:
            let (daemon, table) = (try string(&reader), try string(&reader))
            let name = try string(&reader)
            return .birdRoute(
                daemon: daemon,
                table: table,
                name: name,
                prefix: try reader.prefix()
            )
        case 8:
            let (daemon, uplink) = (try string(&reader), try string(&reader))
            let key = ExportKey(uplink: uplink, prefix: try reader.prefix())
            return .export(daemon: daemon, key)
        default: return nil
        }
    }

    private func fact(_ type: UInt8, _ reader: inout ByteReader) throws(WireError) -> Fact? {
        guard let key = try key(type, &reader) else { return nil }
        switch key {
        case .kernel: return .kernel(isComplete: try reader.byte() & 1 == 1)
        case .link(let name): return .link(try link(name, &reader))
        case .kernelRoute(let prefix, let table, let metric):
            let destination = Destination(rawValue: try reader.byte()) ?? .other
            let proto = try reader.byte()
            return .kernelRoute(
                KernelRoute(
                    prefix: prefix,
                    table: table,
                    metric: metric,
                    destination: destination,
                    proto: proto,
                    nextHops: try hops(&reader)
                )
            )
        case .bird(let daemon): return .bird(daemon: daemon, try status(&reader))
        case .session(let daemon, let name):
            return .session(daemon: daemon, try session(name, &reader))
        case .birdStatic(let daemon, let name, let prefix):
            let flags = try reader.byte()
            let device = flags & 2 != 0 ? try string(&reader) : nil
            return .birdStatic(
                daemon: daemon,
                BIRDStatic(
                    prefix: prefix,
                    protocolName: name,
                    isDormant: flags & 1 != 0,
                    device: device
                )
            )
        case .birdRoute(let daemon, let table, let name, let prefix):
            let destination = Destination(rawValue: try reader.byte()) ?? .other
            let isBest = try reader.byte() & 1 == 1
            return .birdRoute(
                daemon: daemon,
                BIRDRoute(
                    prefix: prefix,
                    table: table,
                    protocolName: name,
                    destination: destination,
                    isBest: isBest,
                    nextHops: try hops(&reader)
                )
            )
        case .export(let daemon, let key):
            return .export(daemon: daemon, key, try answer(&reader))
        }
    }

    private func link(_ name: String, _ reader: inout ByteReader) throws(WireError) -> Link {
        let index = try reader.uint32("link index")
        let flags = try reader.byte()
        return Link(
            name: name,
            index: index,
            isAdminUp: flags & 1 != 0,
            hasCarrier: flags & 2 != 0,
            mtu: try reader.uint32("mtu")
        )
    }

    private func status(_ reader: inout ByteReader) throws(WireError) -> BIRDStatus {
        let condition = try condition(&reader)
        let since = try moment(&reader)
        let (version, reboot) = (try string(&reader), try string(&reader))
        let flags = try reader.byte()
        let hasID = try reader.byte() & 1 == 1
        return BIRDStatus(
            condition: condition,
            since: since,
            version: version,
            routerID: hasID ? try reader.address() : nil,
            lastReboot: reboot,
            isReconfiguring: flags & 1 != 0,
            isRecovering: flags & 2 != 0
        )
    }

    private func session(
        _ name: String,
        _ reader: inout ByteReader
    ) throws(WireError) -> BGPSession {
        let protocolState = ProtocolState(rawValue: try reader.byte()) ?? .unknown
        let state = BGPState(rawValue: try reader.byte()) ?? .unknown
        let flags = try reader.byte()
        let neighbor = flags & 1 != 0 ? try reader.address() : nil
        let since = flags & 2 != 0 ? try moment(&reader) : nil
        let (neighborAS, localAS) = (try reader.optional("AS"), try reader.optional("AS"))
        let (lastError, message) = (try string(&reader), try string(&reader))
        return BGPSession(
            name: name,
            protocolState: protocolState,
            state: state,
            neighbor: neighbor,
            neighborAS: neighborAS,
            localAS: localAS,
            since: since,
            lastError: lastError,
            message: message,
            isDisabled: flags & 4 != 0,
            channels: try channels(&reader)
        )
    }

    private func channels(_ reader: inout ByteReader) throws(WireError) -> [BGPChannel] {
        var channels: [BGPChannel] = []
        for _ in 0..<(try reader.count("channels", atMost: WireLimit.channels)) {
            let name = try string(&reader)
            let state = BGPChannel.State(rawValue: try reader.byte()) ?? .unknown
            let limitHit = try reader.byte() & 1 == 1
            let (imported, filtered) = (
                try reader.optional("imported"), try reader.optional("filtered")
            )
            let exported = try reader.optional("exported")
            channels.append(
                BGPChannel(
                    name: name,
                    state: state,
                    imported: imported,
                    filtered: filtered,
                    exported: exported,
                    preferred: try reader.optional("preferred"),
                    limitHit: limitHit
                )
            )
        }
        return channels
    }

    private func answer(_ reader: inout ByteReader) throws(WireError) -> ExportAnswer {
        let code = try reader.byte()
        return switch code {
        case 0: .unknown(try string(&reader))
        case 1: .sent
        case 2: .accepted
        case 3: .rejectedByFilter
        case 4: .notSent
        case 5: .notInTable
        case 6: .channelDown
        default: .unknown("answer \(code) of a newer agent")
        }
    }

    private func condition(_ reader: inout ByteReader) throws(WireError) -> BIRDCondition {
        let code = try reader.byte()
        return switch code {
        case 0: .readable
        case 1: .noSocket
        case 2: .refused
        case 3: .forbidden
        case 4: .noAnswer
        case 5: .closed
        case 6: .shuttingDown
        case 7: .malformed(try string(&reader))
        case 8: .starting
        case 9: .noDirectory
        case 10: .backlogFull
        case 11: .noGreeting
        case 12: .reconfiguring
        case 13: .unrestricted
        default: .malformed("condition \(code) of a newer agent")
        }
    }

    private func hops(_ reader: inout ByteReader) throws(WireError) -> [NextHop] {
        var hops: [NextHop] = []
        for _ in 0..<(try reader.count("next hops", atMost: WireLimit.nextHopsOfRoute)) {
            let index = try reader.varint()
            guard index < UInt64(nextHops.count) else {
                throw .invalid(what: "next hop index", at: reader.position)
            }
            hops.append(nextHops[Int(index)])
        }
        return hops
    }

    private func nextHop(_ reader: inout ByteReader) throws(WireError) -> NextHop {
        let flags = try reader.byte()
        let gateway = flags & 1 != 0 ? try reader.address() : nil
        let device = flags & 2 != 0 ? try string(&reader) : nil
        return NextHop(gateway: gateway, device: device, isDead: flags & 4 != 0)
    }

    private func string(_ reader: inout ByteReader) throws(WireError) -> String {
        let index = try reader.varint()
        guard index < UInt64(strings.count) else {
            throw .invalid(what: "string index", at: reader.position)
        }
        return strings[Int(index)]
    }

    private func moment(_ reader: inout ByteReader) throws(WireError) -> Timestamp {
        now - Int64(clamping: try reader.varint())
    }
}
