// SPDX-License-Identifier: Apache-2.0
import Routing

/// Bodies of facts and keys. Strings and next hops go to the frame's tables, times become ages.
struct FactEncoder {
    let now: Timestamp
    var strings = Interner<String>()
    var nextHops = Interner<NextHop>()

    init(now: Timestamp) { self.now = now }

    /// A key is a fact's beginning: the same fields in the same order.
    mutating func body(of key: FactKey) -> [UInt8] {
        var writer = ByteWriter()
        write(key, &writer)
        return writer.bytes
    }

    mutating func body(of fact: Fact) -> [UInt8] {
        var writer = ByteWriter()
        write(fact.key, &writer)
        switch fact {
        case .kernel(let isComplete): writer.byte(isComplete ? 1 : 0)
        case .link(let link): write(link, &writer)
        case .kernelRoute(let route):
            writer.byte(route.destination.rawValue)
            writer.byte(route.proto)
            write(route.nextHops, &writer)
        case .bird(_, let status): write(status, &writer)
        case .session(_, let session): write(session, &writer)
        case .birdStatic(_, let route):
            writer.byte((route.isDormant ? 1 : 0) | (route.device == nil ? 0 : 2))
            if let device = route.device { string(device, &writer) }
        case .birdRoute(_, let route):
            writer.byte(route.destination.rawValue)
            writer.byte(route.isBest ? 1 : 0)
            write(route.nextHops, &writer)
        case .export(_, _, let answer): write(answer, &writer)
        }
        return writer.bytes
    }

    private mutating func write(_ key: FactKey, _ writer: inout ByteWriter) {
        switch key {
        case .kernel: return
        case .link(let name): string(name, &writer)
        case .kernelRoute(let prefix, let table, let metric):
            writer.prefix(prefix)
            // Main is by far the commonest: 0 stands for 254, n for n otherwise shifted by one.
            writer.varint(table == 254 ? 0 : UInt64(table) + 1)
            writer.varint(UInt64(metric))
        case .bird(let daemon): string(daemon, &writer)
        case .session(let daemon, let name):
            string(daemon, &writer)
            string(name, &writer)
        case .birdStatic(let daemon, let name, let prefix):
            string(daemon, &writer)
            string(name, &writer)
            writer.prefix(prefix)
        case .birdRoute(let daemon, let table, let name, let prefix):
            string(daemon, &writer)
            string(table, &writer)
            string(name, &writer)
            writer.prefix(prefix)
        case .export(let daemon, let key):
            string(daemon, &writer)
            string(key.uplink, &writer)
            writer.prefix(key.prefix)
        }
    }

    private func write(_ link: Link, _ writer: inout ByteWriter) {
        writer.varint(UInt64(link.index))
        writer.byte((link.isAdminUp ? 1 : 0) | (link.hasCarrier ? 2 : 0))
        writer.varint(UInt64(link.mtu))
    }

    private mutating func write(_ status: BIRDStatus, _ writer: inout ByteWriter) {
        condition(status.condition, &writer)
        age(status.since, &writer)
        string(status.version, &writer)
        string(status.lastReboot, &writer)
        writer.byte((status.isReconfiguring ? 1 : 0) | (status.isRecovering ? 2 : 0))
        writer.byte(status.routerID == nil ? 0 : 1)
        if let id = status.routerID { writer.address(id) }
    }

    private mutating func write(_ session: BGPSession, _ writer: inout ByteWriter) {
        writer.byte(session.protocolState.rawValue)
        writer.byte(session.state.rawValue)
        writer.byte(
            (session.neighbor == nil ? 0 : 1) | (session.since == nil ? 0 : 2)
                | (session.isDisabled ? 4 : 0)
        )
        if let neighbor = session.neighbor { writer.address(neighbor) }
        if let since = session.since { age(since, &writer) }
        writer.optional(session.neighborAS)
        writer.optional(session.localAS)
        string(session.lastError, &writer)
        string(session.message, &writer)
        let channels = session.channels.prefix(WireLimit.channels)
        writer.varint(channels.count)
        for channel in channels { write(channel, &writer) }
    }

    private mutating func write(_ channel: BGPChannel, _ writer: inout ByteWriter) {
        string(channel.name, &writer)
        writer.byte(channel.state.rawValue)
        writer.byte(channel.limitHit ? 1 : 0)
        writer.optional(channel.imported)
        writer.optional(channel.filtered)
        writer.optional(channel.exported)
        writer.optional(channel.preferred)
    }

    private mutating func write(_ answer: ExportAnswer, _ writer: inout ByteWriter) {
        switch answer {
        case .sent: writer.byte(1)
        case .accepted: writer.byte(2)
        case .rejectedByFilter: writer.byte(3)
        case .notSent: writer.byte(4)
        case .notInTable: writer.byte(5)
        case .channelDown: writer.byte(6)
        case .unknown(let reason):
            writer.byte(0)
            string(reason, &writer)
        }
    }

    private mutating func condition(_ condition: BIRDCondition, _ writer: inout ByteWriter) {
        writer.byte(condition.code)
        if case .malformed(let reason) = condition { string(reason, &writer) }
    }

    private mutating func write(_ hops: [NextHop], _ writer: inout ByteWriter) {
        let hops = hops.prefix(WireLimit.nextHopsOfRoute)
        writer.varint(hops.count)
        for hop in hops { writer.varint(nextHops.index(of: hop)) }
    }

    private mutating func string(_ text: String, _ writer: inout ByteWriter) {
        writer.varint(strings.index(of: text))
    }

    private func age(_ moment: Timestamp, _ writer: inout ByteWriter) {
        writer.varint(UInt64(clamping: now - moment))
    }
}

extension BIRDCondition {
    fileprivate var code: UInt8 {
        switch self {
        case .readable: 0
        case .noSocket: 1
        case .refused: 2
        case .forbidden: 3
        case .noAnswer: 4
        case .closed: 5
        case .shuttingDown: 6
        case .malformed: 7
        case .starting: 8
        case .noDirectory: 9
        case .backlogFull: 10
        case .noGreeting: 11
        case .reconfiguring: 12
        case .unrestricted: 13
        }
    }
}
