// SPDX-License-Identifier: Apache-2.0
package import Facts
import NIOCore
import NIOPosix
package import Routing
package import SwitchDialects
import Synchronization

/// A port that switches come to by themselves, with BMP (RFC 7854 section 3.2) or BGP: moves bytes between
/// each connection and its feed. Only configured addresses are let in; a newer connection of one takes the
/// place of the older.
package struct FeedListener<Feed: SwitchFeed>: Sendable {
    private let way: SwitchWay
    private let what: String
    private let host: String
    private let port: Int
    private let switches: [IPAddress: FeedingSwitch]
    private let strangers = Strangers()
    private let makeFeed: @Sendable (FeedingSwitch) -> Feed

    package init(
        _ way: SwitchWay,
        host: String,
        port: UInt16,
        switches: [FeedingSwitch],
        makeFeed: @escaping @Sendable (FeedingSwitch) -> Feed
    ) {
        self.way = way
        what = way.word
        self.host = host
        self.port = Int(port)
        self.switches = Dictionary(switches.map { ($0.address, $0) }, uniquingKeysWith: { $1 })
        self.makeFeed = makeFeed
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Listens until cancelled. `isListening` is called once the port is had.
    package func run(_ outlet: FeedOutlet, isListening: @Sendable () -> Void) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 64)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(wrappingChannelSynchronously: channel)
                }
            }
        isListening()
        let claims = Claims()
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    guard let origin = origin(of: connection.channel, outlet) else {
                        // Whoever it is, it must be taken over to be closed.
                        try? await connection.executeThenClose { _, _ in }
                        continue
                    }
                    group.addTask { await serve(connection, origin, claims, outlet) }
                }
            }
        }
    }

    private func origin(of channel: any Channel, _ outlet: FeedOutlet) -> FeedingSwitch? {
        let written = channel.remoteAddress?.ipAddress ?? ""
        guard let address = IPAddress(written)?.unmapped, let found = switches[address] else {
            if strangers.isNews(written, at: outlet.clock()) {
                outlet.log("\(what): \(written.prefix(64)) is no configured switch: not let in")
            }
            return nil
        }
        return found
    }

    private func serve(
        _ connection: Connection,
        _ origin: FeedingSwitch,
        _ claims: Claims,
        _ outlet: FeedOutlet
    ) async {
        let ticket = await claims.claim(origin.address, connection.channel)
        outlet.log("\(what): \(origin.name) is connected")
        let line = FeedLine(makeFeed(origin), origin, way, outlet, connection.channel)
        await line.opened()
        // The next bytes are read once these are taken in.
        try? await connection.executeThenClose { inbound, _ in
            for try await buffer in inbound {
                await line.received(Array(buffer.readableBytesView))
            }
        }
        await line.closed(isNewest: await claims.release(ticket, origin.address))
    }
}

/// A switch that comes by itself.
package struct FeedingSwitch: Sendable {
    package var name: String
    package var address: IPAddress
    /// Where its pod CIDRs should be.
    package var vrf: String

    package init(name: String, address: IPAddress, vrf: String) {
        self.name = name
        self.address = address
        self.vrf = vrf
    }
}

/// Where a listener tells what came, from any task.
package struct FeedOutlet: Sendable {
    let clock: @Sendable () -> Timestamp
    let deliver: @Sendable (FactUpdate) -> Void
    /// The named switch moved.
    let moved: @Sendable (String) -> Void
    let log: @Sendable (String) -> Void

    package init(
        clock: @escaping @Sendable () -> Timestamp,
        deliver: @escaping @Sendable (FactUpdate) -> Void,
        moved: @escaping @Sendable (String) -> Void,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.clock = clock
        self.deliver = deliver
        self.moved = moved
        self.log = log
    }
}

/// One connection: its feed, and the clock that the feed asks for.
private actor FeedLine<Feed: SwitchFeed> {
    private var feed: Feed
    private let origin: FeedingSwitch
    private let way: SwitchWay
    private let outlet: FeedOutlet
    private let channel: any Channel
    private var timer: (task: Task<Void, Never>, at: Timestamp)?

    init(
        _ feed: Feed,
        _ origin: FeedingSwitch,
        _ way: SwitchWay,
        _ outlet: FeedOutlet,
        _ channel: any Channel
    ) {
        self.feed = feed
        self.origin = origin
        self.way = way
        self.outlet = outlet
        self.channel = channel
    }

    func opened() {
        perform(feed.opened(now: outlet.clock()))
        arm()
    }

    func received(_ bytes: [UInt8]) {
        perform(feed.received(bytes, now: outlet.clock()))
        arm()
    }

    /// A connection that a newer one took the place of has nothing more to tell.
    func closed(isNewest: Bool) {
        timer?.task.cancel()
        timer = nil
        let actions = feed.closed(now: outlet.clock())
        if isNewest { perform(actions) }
    }

    private func fired() {
        timer = nil
        perform(feed.timerFired(now: outlet.clock()))
        arm()
    }

    private func arm() {
        guard let deadline = feed.deadline else { return }
        if let timer {
            guard deadline < timer.at else { return }
            timer.task.cancel()
        }
        let wait = max(1, deadline - outlet.clock())
        let task = Task {
            try? await Task.sleep(for: .milliseconds(wait))
            if !Task.isCancelled { fired() }
        }
        timer = (task, deadline)
    }

    private func perform(_ actions: [FeedAction]) {
        for action in actions {
            switch action {
            case .read(let table): deliver(.read(table))
            case .failed(let reason):
                outlet.log("\(origin.name): \(reason)")
                deliver(.failed(reason))
            case .moved: outlet.moved(origin.name)
            case .send(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            // What was just sent still goes.
            case .close: channel.eventLoop.execute { [channel] in channel.close(promise: nil) }
            }
        }
    }

    private func deliver(_ result: ReadResult<SwitchTable>) {
        outlet.deliver(.switchRead(name: origin.name, by: way, result, took: 0))
    }
}

/// Who was not let in lately: a router that is not configured comes back each second.
private final class Strangers: Sendable {
    private let lastTold = Mutex<[String: Timestamp]>([:])

    private static let pause: Int64 = 600_000
    private static let limit = 100

    func isNews(_ address: String, at now: Timestamp) -> Bool {
        lastTold.withLock { told in
            told = told.filter { now - $0.value < Self.pause }
            guard told[address] == nil, told.count < Self.limit else { return false }
            told[address] = now
            return true
        }
    }
}

/// Which connection speaks for a switch: the newest.
private actor Claims {
    private var tickets: [IPAddress: Int] = [:]
    private var channels: [IPAddress: any Channel] = [:]
    private var last = 0

    func claim(_ address: IPAddress, _ channel: any Channel) -> Int {
        channels[address]?.close(promise: nil)
        last += 1
        tickets[address] = last
        channels[address] = channel
        return last
    }

    /// False if a newer one has it.
    func release(_ ticket: Int, _ address: IPAddress) -> Bool {
        guard tickets[address] == ticket else { return false }
        tickets[address] = nil
        channels[address] = nil
        return true
    }
}
