// SPDX-License-Identifier: Apache-2.0
import Glibc

/// TCP sockets, never blocking.
package enum TCPSocket {
    /// Starts to connect; the descriptor becomes writable when it is decided (`connectError`).
    package static func connect(_ address: SocketAddress) throws(SystemError) -> Int32 {
        let descriptor = try open(address.family)
        let result = address.withPointer { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            let code = errno
            close(descriptor)
            throw SystemError(call: "connect", code: code)
        }
        return descriptor
    }

    package static func listen(host: String, port: UInt16) throws(SystemError) -> Int32 {
        try withAddress(host: host, port: port) { address throws(SystemError) in
            let descriptor = try open(address.ai_family)
            set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            // A whole fleet may reconnect at once; the kernel caps this at somaxconn.
            guard bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
                Glibc.listen(descriptor, 4096) == 0
            else {
                let code = errno
                close(descriptor)
                throw SystemError(call: "listen on \(host):\(port)", code: code)
            }
            return descriptor
        }
    }

    /// The next waiting connection, or nil.
    package static func accept(_ listener: Int32) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        prepare(descriptor)
        return descriptor
    }

    /// Nothing more will be sent: the peer reads to the end of what was.
    package static func finishSending(_ descriptor: Int32) {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Nil once connected; the reason if the connection failed.
    package static func connectError(_ descriptor: Int32) -> SystemError? {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        return code == 0 ? nil : SystemError(call: "connect", code: code)
    }

    /// The peer's address and port in digits, for a log line.
    package static func peerName(_ descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: 64)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard getpeername(descriptor, address, &size) == 0 else { return Int32(-1) }
                return getnameinfo(
                    address,
                    size,
                    &host,
                    socklen_t(host.count),
                    nil,
                    0,
                    NI_NUMERICHOST
                )
            }
        }
        guard result == 0 else { return "unknown" }
        return String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func open(_ family: Int32) throws(SystemError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
        prepare(descriptor)
        return descriptor
    }

    private static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A change must leave at once; frames are written whole.
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        // Data a dead peer never acknowledges ends the connection after 10 s, not 15 minutes.
        set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 10_000)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The first address of `host`. A name is asked of the resolver: at the start of a program only.
    private static func withAddress(
        host: String,
        port: UInt16,
        _ body: (addrinfo) throws(SystemError) -> Int32
    ) throws(SystemError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0, let first = list else {
            throw SystemError(call: "resolve \(host)", code: result == EAI_SYSTEM ? errno : ENOENT)
        }
        defer { freeaddrinfo(first) }
        return try body(first.pointee)
    }
}

/// Bounds a question to the resolver to about two seconds a server; call before the first.
package func boundNameResolution() {
    setenv("RES_OPTIONS", "timeout:1 attempts:2", 0)
}
