// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An address to connect to, as the kernel takes it.
package struct SocketAddress: Sendable {
    fileprivate var storage = sockaddr_storage()
    fileprivate var length: socklen_t = 0

    /// The kernel's words: AF_INET or AF_INET6.
    var family: Int32 { Int32(storage.ss_family) }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

/// One question to the resolver, which may take its time: asked by a thread of its own, that lives
/// as long as the question. The answer comes through a pipe.
///
/// Given up at any moment: the thread finds nobody reading, and ends.
package final class NameResolution {
    /// Becomes readable with the answer.
    package let descriptor: Int32

    /// More addresses than a name of a collector has.
    private static let limit = 16

    package init(host: String, port: UInt16) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        descriptor = ends[0]
        let code = Self.start(Question(host, port, answerTo: ends[1]))
        guard code == 0 else {
            close(ends[1])
            throw SystemError(call: "thread", code: code)
        }
    }

    deinit { close(descriptor) }

    /// Once readable: the addresses in the resolver's order; empty if the name has none.
    package func answer() -> [SocketAddress] {
        var addresses = [SocketAddress](repeating: SocketAddress(), count: Self.limit)
        let count = addresses.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        return Array(addresses.prefix(max(0, count) / MemoryLayout<SocketAddress>.stride))
    }

    // MARK: - The thread

    private final class Question {
        let host: String
        let port: UInt16
        let output: Int32

        init(_ host: String, _ port: UInt16, answerTo output: Int32) {
            self.host = host
            self.port = port
            self.output = output
        }

        func ask() {
            let addresses = NameResolution.addresses(host: host, port: port)
            // 16 addresses are less than PIPE_BUF: they arrive whole.
            addresses.withUnsafeBytes { _ = write(output, $0.baseAddress, $0.count) }
            close(output)
        }
    }

    private static func start(_ question: Question) -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // The resolver's buffers are 64 KB at most.
        pthread_attr_setstacksize(&attributes, 256 << 10)
        let argument = Unmanaged.passRetained(question)
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Question>.fromOpaque(argument).takeRetainedValue().ask()
                return nil
            },
            argument.toOpaque()
        )
        if code != 0 { argument.release() }
        return code
    }

    private static func addresses(host: String, port: UInt16) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry, addresses.count < limit {
            if let address = SocketAddress(current.pointee) { addresses.append(address) }
            entry = current.pointee.ai_next
        }
        return addresses
    }
}

extension SocketAddress {
    fileprivate init?(_ entry: addrinfo) {
        let size = Int(entry.ai_addrlen)
        guard let address = entry.ai_addr, size <= MemoryLayout<sockaddr_storage>.size else {
            return nil
        }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
        length = entry.ai_addrlen
    }

    /// Digits need no resolver; nil for a name.
    package init?(digits: String, port: UInt16) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(digits, String(port), &hints, &list) == 0, let first = list else {
            return nil
        }
        defer { freeaddrinfo(first) }
        self.init(first.pointee)
    }
}
