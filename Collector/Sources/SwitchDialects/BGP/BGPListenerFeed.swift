// SPDX-License-Identifier: Apache-2.0
import Facts
package import Routing

/// A session with a switch whose reflector client we are: it passes on what BGP chose, and hears nothing
/// but OPEN, KEEPALIVE and NOTIFICATION from us. There is no code here that could announce a route.
///
///     opened ──OPEN──► confirming ──KEEPALIVE──► established ──End-of-RIB──► complete
///
/// RFC 4271 section 8, of which a speaker that waits and never announces needs this much.
package struct BGPListenerFeed: SwitchFeed {
    package struct Identity: Sendable, Equatable {
        package var asn: UInt32
        package var routerID: IPAddress

        package init(asn: UInt32, routerID: IPAddress) {
            self.asn = asn
            self.routerID = routerID
        }
    }

    private enum Phase { case none, opened, confirming, established }

    private let identity: Identity
    private let supernets: [Prefix]
    private let vrf: String
    private let families: Set<AddressFamily>
    private var phase = Phase.none
    private var pending: [UInt8] = []
    private var table = PeerTable()
    private var addPath = AddPath()
    private var pace = FeedPace()
    private var holdTime: Int64 = 0
    private var lastHeard = Timestamp.zero
    private var nextKeepalive = Timestamp.zero
    private var lastRoutes = Timestamp.zero
    /// All that the switch has was told once; from then on the table is kept up.
    private var isTold = false

    /// A switch that says no End-of-RIB tells all it has in one go.
    private static let quietTime: Int64 = 5_000
    /// The usual proposal of vendors is 180; a third of the lesser one is how often keepalives go.
    private static let proposedHold: UInt16 = 90
    /// RFC 4271 section 8.2.2: a large hold time until the other's OPEN has come.
    private static let openingHold: Int64 = 30_000
    /// A switch of pods has thousands of routes.
    private static let routeLimit = 1_000_000

    /// `vrf` is the one in which the switch has the session: what it passes on stands there.
    package init(identity: Identity, supernets: [Prefix], vrf: String = "default") {
        self.identity = identity
        self.supernets = supernets
        self.vrf = vrf
        families = Set(supernets.map(\.family))
    }

    package var deadline: Timestamp? {
        switch phase {
        case .none: nil
        case .opened, .confirming: lastHeard + Self.openingHold
        case .established:
            holdTime == 0 ? pace.next : min(pace.next, nextKeepalive, lastHeard + holdTime)
        }
    }

    package mutating func opened(now: Timestamp) -> [FeedAction] {
        phase = .opened
        pending = []
        table = PeerTable()
        addPath = AddPath()
        lastHeard = now
        isTold = false
        pace.begin(now: now, firstAfter: 1_000)
        return [.send(BGPMessage.open(identity, holdTime: Self.proposedHold))]
    }

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [FeedAction] {
        guard phase != .none else { return [] }
        var stream: [UInt8] = []
        swap(&stream, &pending)
        stream += bytes
        var actions: [FeedAction] = []
        var start = 0
        do throws(BGPError) {
            while phase != .none, let message = try BGPMessage(stream, from: start) {
                start = message.part.end
                lastHeard = now
                actions += try take(message, stream, now)
            }
        } catch {
            // Bad message length, or what stands in it: code 1 and 3 of RFC 4271 section 4.5.
            let isHeader = start == 0 || phase != .established
            return actions + end("BGP: \(error)", code: isHeader ? 1 : 3)
        }
        stream.removeFirst(min(start, stream.count))
        pending = stream
        return actions
    }

    package mutating func timerFired(now: Timestamp) -> [FeedAction] {
        guard let deadline, now >= deadline else { return [] }
        let limit = phase == .established ? holdTime : Self.openingHold
        if limit > 0, now - lastHeard >= limit { return end("BGP: hold timer expired", code: 4) }
        var actions: [FeedAction] = []
        if holdTime > 0, now >= nextKeepalive {
            nextKeepalive = now + holdTime / 3
            actions.append(.send(BGPMessage.keepalive))
        }
        return now >= pace.next ? actions + tell(now) : actions
    }

    package mutating func closed(now: Timestamp) -> [FeedAction] {
        guard phase != .none else { return [] }
        phase = .none
        return [.failed("the switch's BGP session ended")]
    }

    // MARK: - Messages

    private mutating func take(
        _ message: BGPMessage,
        _ stream: [UInt8],
        _ now: Timestamp
    ) throws(BGPError) -> [FeedAction] {
        switch (message.kind, phase) {
        case (.open, .opened): return try takeOpen(message, stream, now)
        case (.keepalive, .confirming):
            phase = .established
            lastRoutes = now
            return []
        case (.keepalive, .established), (.routeRefresh, .established): return []
        case (.update, .established): return try takeUpdate(message, stream, now)
        case (.notification, _):
            phase = .none
            return [
                .failed("BGP: the switch ended the session (\(try message.notification(stream)))"),
                .close,
            ]
        default: return end("BGP: a message out of turn", code: 5)
        }
    }

    private mutating func takeOpen(
        _ message: BGPMessage,
        _ stream: [UInt8],
        _ now: Timestamp
    ) throws(BGPError) -> [FeedAction] {
        let open = try BGPOpen(message.part, stream.span)
        guard open.asn == identity.asn else {
            // Bad peer AS: code 2, subcode 2.
            return end("BGP: the switch is in AS \(open.asn), not \(identity.asn)", code: 2, 2)
        }
        guard open.holdTime == 0 || open.holdTime >= 3 else {
            return end("BGP: a hold time of \(open.holdTime) s", code: 2, 6)
        }
        holdTime = Int64(min(open.holdTime, Self.proposedHold)) * 1_000
        nextKeepalive = now + holdTime / 3
        addPath = BGPMessage.addPath(from: open)
        phase = .confirming
        return [.send(BGPMessage.keepalive)]
    }

    private mutating func takeUpdate(
        _ message: BGPMessage,
        _ stream: [UInt8],
        _ now: Timestamp
    ) throws(BGPError) -> [FeedAction] {
        let bytes = stream.span
        let update = try BGPUpdate(message.part, bytes)
        lastRoutes = now
        if let family = update.endOfRIB {
            table.complete(family)
            pace.changed(now: now)
            return []
        }
        var changes = PrefixChanges.none
        var routes = table
        table = PeerTable()
        defer { table = routes }
        try update.forEachWithdrawn(bytes, addPath) { prefix, path in
            routes.withdraw(prefix, path: path)
            changes.add(prefix)
        }
        var isFull = false
        try update.forEachAnnounced(bytes, addPath) { prefix, path, hop in
            if !routes.announce(prefix, path: path, by: hop, limit: Self.routeLimit) {
                isFull = true
            }
            changes.add(prefix)
        }
        if isFull { return end("BGP: more routes than are kept", code: 6, 1) }
        guard changes.prefixes?.contains(where: supernets.concern) ?? true else { return [] }
        pace.changed(now: now)
        return pace.isLive ? [.moved] : []
    }

    /// `code` and `subcode` of the NOTIFICATION that goes first.
    private mutating func end(_ reason: String, code: UInt8, _ subcode: UInt8 = 0) -> [FeedAction] {
        phase = .none
        return [.send(BGPMessage.notification(code, subcode)), .failed(reason), .close]
    }

    // MARK: - Telling

    private mutating func tell(_ now: Timestamp) -> [FeedAction] {
        isTold =
            isTold || families.isSubset(of: table.completeFamilies)
            || table.hasAnnounced && now - lastRoutes >= Self.quietTime
        guard phase == .established, isTold else {
            pace.notYet(now: now)
            return []
        }
        pace.told(now: now)
        var read = SwitchTable(hasSummary: true)
        read.covered = Set(table.toldFamilies.map { TableScope(vrf: vrf, family: $0) })
        table.forEachPrefix { prefix, hops in
            guard supernets.concern(prefix) else { return }
            read.routes[prefix] = [
                SwitchRoute(
                    prefix: prefix,
                    vrf: vrf,
                    nextHops: Set(hops).sorted(),
                    protocolName: "bgp",
                    isBest: true,
                    evidence: .best
                )
            ]
        }
        guard read.routes.count <= feedRouteLimit else {
            return [.failed("BGP: more than \(feedRouteLimit) routes of pods")]
        }
        return [.read(read)]
    }
}
