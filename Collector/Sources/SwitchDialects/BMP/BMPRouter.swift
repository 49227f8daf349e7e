// SPDX-License-Identifier: Apache-2.0
package import Routing

/// One connection of a router that speaks BMP (RFC 7854), as a machine: bytes and time in, tables kept.
///
/// There is nothing to find a message's begin by but the length of the one before: the first that makes
/// no sense ends the connection, and what was held is no longer believed.
package struct BMPRouter: Sendable {
    /// A full table of the Internet with both policies; a router of pods has thousands.
    static let routeLimit = 2_000_000
    static let peerLimit = 8_192
    /// A router whose peers are all gone may have restarted itself: they have this long to come back.
    static let restartTime: Int64 = 180_000

    private(set) var sender = BMPSender()
    private(set) var peers: [BMPPeerKey: BMPPeer] = [:]
    /// What of the last bytes was no whole message, and how many bytes make it whole.
    private var pending: [UInt8] = []
    private var needed = 0
    /// Of all tables.
    package private(set) var routeCount = 0
    private var taken = 0
    private(set) var messageCount = 0
    private(set) var initiatedAt: Timestamp?
    private(set) var heartbeat = BMPHeartbeat()
    /// Whether routes are monitored at all: a router may send nothing but statistics.
    private var hasRoutes = false
    private(set) var doubts: Set<BMPDoubt> = []
    /// Prefixes whose routes may be others than when `takeChanges` was last called.
    private var changes = PrefixChanges()

    package init() {}

    /// Any part of the stream. Throws at the first message that is none; `at` counts its own bytes.
    package mutating func received(_ bytes: [UInt8], now: Timestamp) throws(BGPError) {
        guard !pending.isEmpty else { return pending = Array(bytes[try consume(bytes, now)...]) }
        pending += bytes
        guard pending.count >= needed else { return }
        var joined: [UInt8] = []
        swap(&joined, &pending)
        let end = try consume(joined, now)
        joined.removeFirst(end)
        pending = joined
    }

    /// Whole messages; how many bytes they were.
    private mutating func consume(_ array: [UInt8], _ now: Timestamp) throws(BGPError) -> Int {
        let bytes = array.span
        var start = 0
        needed = BMPMessage.headerSize
        while bytes.count - start >= BMPMessage.headerSize {
            guard bytes[start] == BMPMessage.version else {
                throw .invalid(what: "BMP version \(bytes[start])", at: taken + start)
            }
            var header = BGPReader(start + 1..<bytes.count)
            let size = Int(try header.number(bytes, "length", as: UInt32.self))
            guard size >= BMPMessage.headerSize, size <= BMPMessage.sizeLimit else {
                throw .invalid(what: "message length \(size)", at: taken + start + 1)
            }
            needed = size
            guard bytes.count - start >= size else { break }
            try take(BMPMessage(BGPReader(start..<start + size), bytes), bytes, now)
            messageCount += 1
            start += size
            needed = BMPMessage.headerSize
        }
        taken += start
        return start
    }

    /// True in the middle of a message: a stream that ends here was cut off.
    package var isInMessage: Bool { !pending.isEmpty }

    // MARK: - Messages

    private mutating func take(
        _ message: BMPMessage,
        _ bytes: Span<UInt8>,
        _ now: Timestamp
    ) throws(BGPError) {
        switch message {
        case .routes(let header, let update): try takeRoutes(header, update, bytes, now)
        case .peerUp(let header, let sent, let received, let tableName):
            peerUp(header.key, sent, received, tableName, now)
        case .peerDown(let header, _): peerDown(header.key)
        case .initiation(let description, let name):
            sender = BMPSender(description, name: name)
            initiatedAt = now
        case .mirroring(let isLossy): if isLossy { doubts.insert(.lostMessages) }
        case .statistics: heartbeat.beat(now: now)
        case .termination, .other: break
        }
    }

    /// A second Peer Up without a Peer Down is a new session too.
    private mutating func peerUp(
        _ key: BMPPeerKey,
        _ sent: BGPOpen,
        _ received: BGPOpen,
        _ tableName: String?,
        _ now: Timestamp
    ) {
        guard peers[key] != nil || peers.count < Self.peerLimit else {
            return _ = doubts.insert(.tooMuch)
        }
        // GoBGP's routes of a table may come before the table's own Peer Up: they are of this session.
        if let known = peers[key], !known.isProvisional { flush(key) }
        peers[key, default: BMPPeer()].isUp = true
        peers[key]?.isProvisional = false
        peers[key]?.tableName = tableName
        peers[key]?.addPath = BGPOpen.addPath(from: received, to: sent)
        peers[key]?.lastRoutes = now
    }

    /// All tables of the peer go: senders differ on whether withdrawals come before.
    private mutating func peerDown(_ key: BMPPeerKey) {
        flush(key)
        guard peers[key] != nil || peers.count < Self.peerLimit else { return }
        peers[key, default: BMPPeer()].isUp = false
        peers[key]?.isProvisional = false
    }

    private mutating func flush(_ key: BMPPeerKey) {
        guard let peer = peers[key] else { return }
        for table in peer.tables.values {
            routeCount -= table.count
            changes.add(table.prefixes)
        }
        peers[key]?.flush()
    }

    private mutating func takeRoutes(
        _ header: BMPPeerHeader,
        _ update: BGPUpdate,
        _ bytes: Span<UInt8>,
        _ now: Timestamp
    ) throws(BGPError) {
        let kind = header.table
        // What the router tells others is not what it has.
        guard kind != .preOut, kind != .postOut else { return }
        guard peers[header.key] != nil || peers.count < Self.peerLimit else {
            return _ = doubts.insert(.tooMuch)
        }
        hasRoutes = true
        let addPath = addPath(header.key, kind, update, bytes)
        // Taken out while it is written to, so that it is not copied.
        var table =
            peers[header.key, default: BMPPeer()].tables.removeValue(forKey: kind) ?? PeerTable()
        let before = table.count
        var isFull = false
        var changed = changes
        changes = PrefixChanges()
        defer {
            routeCount += table.count - before
            if isFull { doubts.insert(.tooMuch) }
            changes = changed
            peers[header.key]?.tables[kind] = table
            peers[header.key]?.lastRoutes = now
        }
        if let family = update.endOfRIB { return table.complete(family) }
        let limit = max(0, Self.routeLimit - routeCount + before)
        try update.forEachWithdrawn(bytes, addPath) { prefix, path in
            table.withdraw(prefix, path: path)
            changed.add(prefix)
        }
        try update.forEachAnnounced(bytes, addPath) { prefix, path, hop in
            if !table.announce(prefix, path: path, by: hop, limit: limit) { isFull = true }
            changed.add(prefix)
        }
    }

    /// Whether this table's routes have path identifiers: by what was negotiated and by what is known of
    /// the sender, unless that cannot be read.
    private mutating func addPath(
        _ key: BMPPeerKey,
        _ kind: BMPTableKind,
        _ update: BGPUpdate,
        _ bytes: Span<UInt8>
    ) -> AddPath {
        guard let peer = peers[key] else { return AddPath() }
        let expected =
            peer.addPathOverrides[kind] ?? sender.addPath(peer.addPath, in: kind)
        guard expected != AddPath(), !update.isReadable(bytes, expected),
            update.isReadable(bytes, AddPath())
        else { return expected }
        peers[key]?.addPathOverrides[kind] = AddPath()
        // What was read the wrong way goes.
        if let misread = peers[key]?.tables.removeValue(forKey: kind) {
            routeCount -= misread.count
            changes.add(misread.prefixes)
        }
        return AddPath()
    }

    /// What may have changed, once; nil if everything may have.
    package mutating func takeChanges() -> Set<Prefix>? {
        defer { changes = .none }
        return changes.prefixes
    }

    // MARK: - Completeness

    /// Which peers have not told all they have, at least once for their session: by End-of-RIB of each
    /// table for every family in question, or by routes and then silence. Nil: the router monitors nothing,
    /// or all its peers are down since it began, which proves nothing yet.
    package mutating func untold(
        _ families: Set<AddressFamily>,
        at now: Timestamp
    ) -> Set<IPAddress>? {
        guard let initiatedAt, hasRoutes else { return nil }
        let present = peers.filter { $0.value.isUp || $0.value.isProvisional }
        guard !present.isEmpty else { return now - initiatedAt >= Self.restartTime ? [] : nil }
        var untold: Set<IPAddress> = []
        for (key, peer) in present where !peer.isTold {
            let isComplete =
                !peer.tables.isEmpty
                && peer.tables.values.allSatisfy { families.isSubset(of: $0.completeFamilies) }
            let isTold = isComplete || now - peer.lastRoutes >= sender.quietTime
            peers[key]?.isTold = isTold
            if !isTold { untold.insert(key.address) }
        }
        return untold
    }
}

/// Why what a router does not tell proves nothing.
enum BMPDoubt: Hashable, Sendable {
    case lostMessages
    case tooMuch

    var words: String {
        switch self {
        case .lostMessages: "the router says that it lost messages"
        case .tooMuch: "more peers or routes than are kept"
        }
    }
}
