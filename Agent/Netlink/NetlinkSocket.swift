// SPDX-License-Identifier: Apache-2.0
import CMNL
import Glibc

/// The only place of this module that touches the kernel: opens, sends, receives.
///
/// Needs no capability. With CAP_NET_ADMIN the receive buffer may pass `net.core.rmem_max`.
package struct NetlinkSocket: ~Copyable {
    package enum Reception: Hashable, Sendable {
        /// This many bytes of the buffer hold one whole datagram.
        case datagram(Int)
        /// Nothing waits.
        case empty
        /// ENOBUFS: the kernel dropped messages; what is queued can still be read.
        case overflow
        /// EMSGSIZE if a datagram did not fit the buffer.
        case failed(Int32)
    }

    /// Kernel datagrams never exceed 32 KiB (netlink_recvmsg caps `max_recvmsg_len`).
    package static let bufferSize = 32_768

    private let handle: MNLHandle

    /// Opens and subscribes; a dump asked for afterwards misses no change.
    package init() throws(NetlinkSocketError) {
        let handle = try MNLHandle(NETLINK_ROUTE)
        try handle.configure()
        self.handle = handle
    }

    package var descriptor: Int32 { mnl_socket_get_fd(handle.pointer) }

    /// Bytes of changes that the kernel holds for us, and whether they are as many as were wanted.
    package var receiveBuffer: (bytes: Int, isFull: Bool) {
        var size: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length) == 0 else {
            return (0, false)
        }
        // The kernel doubles what it is asked for, for its own part (socket(7)).
        return (Int(size / 2), size / 2 >= MNLHandle.wantedBuffer)
    }

    /// False if the kernel did not take the whole request; the machine asks again by itself.
    package func send(_ request: [UInt8]) -> Bool {
        request.withUnsafeBytes {
            mnl_socket_sendto(handle.pointer, $0.baseAddress, $0.count) == $0.count
        }
    }

    /// One datagram from the kernel, never waiting.
    ///
    /// Not `mnl_socket_recvfrom`: it does not tell who sent, and it hides the length cut off.
    package func receive(into buffer: inout [UInt8]) -> Reception {
        // Only CAP_NET_ADMIN can send here from user space; eight strangers in a row are enough.
        for _ in 0..<8 {
            var sender = sockaddr_nl()
            let count = receive(into: &buffer, sender: &sender)
            if count < 0 {
                if errno == EINTR { continue }
                return Self.reception(of: errno)
            }
            guard sender.nl_pid == 0 else { continue }
            return count > buffer.count ? .failed(EMSGSIZE) : .datagram(count)
        }
        return .empty
    }

    /// The real length of the datagram, even if it is longer than the buffer: MSG_TRUNC.
    private func receive(into buffer: inout [UInt8], sender: inout sockaddr_nl) -> Int {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC)
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        return withUnsafeMutableBytes(of: &sender) { address in
            let address = address.assumingMemoryBound(to: sockaddr.self).baseAddress
            return buffer.withUnsafeMutableBytes {
                recvfrom(descriptor, $0.baseAddress, $0.count, flags, address, &length)
            }
        }
    }

    private static func reception(of code: Int32) -> Reception {
        switch code {
        case EAGAIN: .empty
        case ENOBUFS: .overflow
        default: .failed(code)
        }
    }
}

/// Which call the kernel refused, and why.
package struct NetlinkSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    package let call: String
    /// errno.
    package let code: Int32

    package var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Owns libmnl's socket, so that a failing set-up closes it.
struct MNLHandle: ~Copyable {
    let pointer: OpaquePointer

    init(_ bus: Int32) throws(NetlinkSocketError) {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard let pointer = mnl_socket_open2(bus, flags) else {
            throw NetlinkSocketError(call: "socket", code: errno)
        }
        self.pointer = pointer
    }

    deinit { mnl_socket_close(pointer) }

    func configure() throws(NetlinkSocketError) {
        growReceiveBuffer()
        // Lets the kernel filter a dump by table (Linux 4.20); without it the decoder does.
        var enabled: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = mnl_socket_setsockopt(pointer, NETLINK_GET_STRICT_CHK, &enabled, size)
        guard mnl_socket_bind(pointer, Self.groups, 0) == 0 else {
            throw NetlinkSocketError(call: "bind", code: errno)
        }
    }

    /// 8 MiB hold 20,000 changes; the memory is used only while they wait.
    static var wantedBuffer: Int32 { 8 << 20 }

    private func growReceiveBuffer() {
        var size = Self.wantedBuffer
        let length = socklen_t(MemoryLayout<Int32>.size)
        let descriptor = mnl_socket_get_fd(pointer)
        if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
            _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length)
        }
    }

    /// Addresses and next-hop objects too: their end removes IPv4 routes without RTM_DELROUTE.
    private static var groups: UInt32 {
        let groups = [
            RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR,
            RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF,
            RTNLGRP_NEXTHOP,
        ]
        return groups.reduce(0) { $0 | 1 << ($1.rawValue - 1) }
    }
}
