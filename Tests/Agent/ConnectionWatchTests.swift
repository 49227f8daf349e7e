// SPDX-License-Identifier: Apache-2.0
import Glibc
import Netlink
import Testing

/// Against the running kernel: it tells of every TCP socket that is destroyed.
@Suite("Connection watch")
struct ConnectionWatchTests {
    /// A listener and a connection to it over 127.0.0.1, both closed when the test is done.
    private func connect(port: UInt16) throws -> [Int32] {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var reuse: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, 4)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_00b3).bigEndian
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let results = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                [
                    bind(listener, address, size), listen(listener, 4),
                    Glibc.connect(client, address, size),
                ]
            }
        }
        try #require(
            results == [0, 0, 0],
            "127.0.0.179:\(port): \(String(cString: strerror(errno)))"
        )
        return [client, accept(listener, nil, nil), listener]
    }

    private func hears(_ watch: ConnectionWatch, endOf port: UInt16) throws -> Bool {
        for descriptor in try connect(port: port) { close(descriptor) }
        var poll = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
        // The kernel tells from a work queue; where it says nothing this is what is waited.
        Glibc.poll(&poll, 1, 500)
        return watch.drain()
    }

    @Test(
        "the end of a BGP connection is heard, that of another is not",
        .enabled(if: geteuid() == 0, "port 179 is root's")
    )
    func ends() throws {
        let watch = try ConnectionWatch()
        #expect(try !hears(watch, endOf: 40_179))
        #expect(try hears(watch, endOf: 179))
        // The connection had two ends, each of which is told by itself.
        var poll = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
        while Glibc.poll(&poll, 1, 500) > 0 { _ = watch.drain() }
        #expect(!watch.drain())
    }
}
