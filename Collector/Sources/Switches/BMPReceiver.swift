// SPDX-License-Identifier: Apache-2.0
package import Facts
import NIOCore
import NIOPosix
package import Routing
import SwitchDialects

/// The port that routers bring their BMP to (RFC 7854 section 3.2: the router connects, and nothing is
/// ever sent to it). Only configured addresses are let in; a newer connection of one takes the place of
/// the older.
package struct BMPReceiver: Sendable {
    package struct Router: Sendable {
        package var name: String
        package var address: IPAddress
        /// Whether its tables are the switch's read; else they only hasten other reads.
        package var isRead: Bool

        package init(name: String, address: IPAddress, isRead: Bool) {
            self.name = name
            self.address = address
            self.isRead = isRead
        }
    }

    private let host: String
    private let port: Int
    private let routers: [IPAddress: Router]
    private let supernets: [Prefix]

    package init(host: String, port: Int, routers: [Router], supernets: [Prefix]) {
        self.host = host
        self.port = port
        self.routers = Dictionary(routers.map { ($0.address, $0) }, uniquingKeysWith: { $1 })
        self.supernets = supernets
    }

    /// What a receiver tells, from any task.
    package struct Outlet: Sendable {
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

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Listens until cancelled.
    package func run(_ outlet: Outlet) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 64)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(wrappingChannelSynchronously: channel)
                }
            }
        let claims = Claims()
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    guard let router = router(of: connection.channel, outlet) else {
                        try? await connection.channel.close()
                        continue
                    }
                    group.addTask { await serve(connection, router, claims, outlet) }
                }
            }
        }
    }

    private func router(of channel: any Channel, _ outlet: Outlet) -> Router? {
        let written = channel.remoteAddress?.ipAddress ?? ""
        guard let address = IPAddress(written)?.unmapped, let router = routers[address] else {
            outlet.log("BMP: \(written.prefix(64)) is no configured router: not let in")
            return nil
        }
        return router
    }

    private func serve(
        _ connection: Connection,
        _ router: Router,
        _ claims: Claims,
        _ outlet: Outlet
    ) async {
        let ticket = await claims.claim(router.address, connection.channel)
        outlet.log("BMP: \(router.name) is connected")
        let line = BMPLine(BMPFeed(supernets: supernets), router, outlet, connection.channel)
        await line.opened()
        // The next bytes are read once these are taken in.
        try? await connection.executeThenClose { inbound, _ in
            for try await buffer in inbound {
                await line.received(Array(buffer.readableBytesView))
            }
        }
        await line.closed(isNewest: await claims.release(ticket, router.address))
    }
}

/// One connection: its feed, and the clock that the feed asks for.
private actor BMPLine {
    private var feed: BMPFeed
    private let router: BMPReceiver.Router
    private let outlet: BMPReceiver.Outlet
    private let channel: any Channel
    private var timer: (task: Task<Void, Never>, at: Timestamp)?

    init(
        _ feed: BMPFeed,
        _ router: BMPReceiver.Router,
        _ outlet: BMPReceiver.Outlet,
        _ channel: any Channel
    ) {
        self.feed = feed
        self.router = router
        self.outlet = outlet
        self.channel = channel
    }

    func opened() {
        feed.opened(now: outlet.clock())
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

    private func perform(_ actions: [BMPFeed.Action]) {
        for action in actions {
            switch action {
            case .read(let table): deliver(.read(table))
            case .failed(let reason):
                outlet.log("\(router.name): \(reason)")
                deliver(.failed(reason))
            case .moved: outlet.moved(router.name)
            case .close: channel.close(promise: nil)
            }
        }
    }

    private func deliver(_ result: ReadResult<SwitchTable>) {
        guard router.isRead else { return }
        outlet.deliver(.switchRead(name: router.name, result, took: 0))
    }
}

/// Which connection speaks for a router: the newest.
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
