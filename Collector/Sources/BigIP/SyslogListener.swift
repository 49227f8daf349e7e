// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
package import Routing

/// A port, UDP and TCP, to which BIG-IPs send their log. Only configured addresses are heard.
package struct SyslogListener: Sendable {
    private let host: String
    private let port: Int
    /// Load balancers by the addresses that their units send from.
    private let origins: [IPAddress: String]

    /// A handful of units and a few that are half gone; more is none of ours.
    private static let mostConnections = 64

    package init(host: String, port: UInt16, origins: [IPAddress: String]) {
        self.host = host
        self.port = Int(port)
        self.origins = origins
    }

    /// Listens until cancelled; `hear` gets the load balancer and what is worth a look.
    package func run(
        isListening: @Sendable () -> Void,
        hear: @escaping @Sendable (String, SyslogHint) -> Void
    ) async throws {
        let datagrams = try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, Never>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
        let server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
        do {
            server = try await connections()
        } catch {
            try? await datagrams.channel.close()
            throw error
        }
        isListening()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receive(datagrams, hear) }
            group.addTask { try await accept(server, hear) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func connections() async throws
        -> NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
    {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 16)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
    }

    private func receive(
        _ datagrams: NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, Never>,
        _ hear: @Sendable (String, SyslogHint) -> Void
    ) async throws {
        try await datagrams.executeThenClose { inbound in
            for try await datagram in inbound {
                guard let name = origin(datagram.remoteAddress) else { continue }
                if let hint = syslogHint(datagram.data.readableBytesView) { hear(name, hint) }
            }
        }
    }

    private func accept(
        _ server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>,
        _ hear: @escaping @Sendable (String, SyslogHint) -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            let open = OpenCount(most: Self.mostConnections)
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    guard let name = origin(connection.channel.remoteAddress), await open.enter()
                    else {
                        try? await connection.executeThenClose { _, _ in }
                        continue
                    }
                    group.addTask {
                        await follow(connection, name, hear)
                        await open.leave()
                    }
                }
            }
        }
    }

    private func follow(
        _ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ name: String,
        _ hear: @Sendable (String, SyslogHint) -> Void
    ) async {
        var framing = SyslogFraming()
        try? await connection.executeThenClose { inbound, _ in
            for try await buffer in inbound {
                for line in framing.take(buffer.readableBytesView) {
                    if let hint = syslogHint(line) { hear(name, hint) }
                }
            }
        }
    }

    private func origin(_ address: SocketAddress?) -> String? {
        IPAddress(address?.ipAddress ?? "").flatMap { origins[$0.unmapped] }
    }
}

private actor OpenCount {
    private let most: Int
    private var count = 0

    init(most: Int) { self.most = most }

    func enter() -> Bool {
        guard count < most else { return false }
        count += 1
        return true
    }

    func leave() { count -= 1 }
}
