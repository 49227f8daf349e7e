// SPDX-License-Identifier: Apache-2.0
import CMNL
import Glibc

/// Hears when a TCP connection of BGP ends, 0.2 ms after it did, whatever BIRD's version: the
/// kernel's sock_diag tells of every TCP socket it destroys (linux/sock_diag.h). Linux 6.18 lets
/// anybody listen; where a kernel does not, CAP_NET_ADMIN helps.
///
/// Only a hint: it says nothing about which session it was, and BIRD is asked.
package final class ConnectionWatch {
    private let handle: MNLHandle

    private static let groups: [Int32] = [
        Int32(SKNLGRP_INET_TCP_DESTROY.rawValue), Int32(SKNLGRP_INET6_TCP_DESTROY.rawValue),
    ]
    /// `struct nlmsghdr`, then `struct inet_diag_msg`: four bytes, then the two ports.
    private static let portOffset: UInt32 = 16 + 4
    private static let bgp: UInt32 = 179

    /// Throws EPERM where the kernel wants the capability.
    package init() throws(NetlinkSocketError) {
        let handle = try MNLHandle(NETLINK_SOCK_DIAG)
        guard mnl_socket_bind(handle.pointer, 0, 0) == 0 else {
            throw NetlinkSocketError(call: "bind", code: errno)
        }
        let descriptor = mnl_socket_get_fd(handle.pointer)
        try Self.passOnlyBGP(descriptor)
        for var group in Self.groups {
            let size = socklen_t(MemoryLayout<Int32>.size)
            guard setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, size) == 0
            else { throw NetlinkSocketError(call: "sock_diag", code: errno) }
        }
        self.handle = handle
    }

    package var descriptor: Int32 { mnl_socket_get_fd(handle.pointer) }

    /// True if a connection of BGP ended since the last call, or so many did that some were lost.
    package func drain() -> Bool {
        var hasEnded = false
        var byte: UInt8 = 0
        // What passed the filter is of BGP; nobody closes 256 of its connections between two turns.
        for _ in 0..<256 {
            let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC))
            guard count >= 0 || errno == ENOBUFS || errno == EINTR else { break }
            hasEnded = true
        }
        return hasEnded
    }

    /// A busy node ends ten thousand connections a second: the kernel drops all but those with port
    /// 179 at either end, so that the agent sleeps (classic BPF, linux/filter.h).
    private static func passOnlyBGP(_ descriptor: Int32) throws(NetlinkSocketError) {
        var program = [
            statement(BPF_LD | BPF_H | BPF_ABS, portOffset),
            jump(ifEqual: bgp, 2),
            statement(BPF_LD | BPF_H | BPF_ABS, portOffset + 2),
            jump(ifEqual: bgp, 0, else: 1),
            statement(BPF_RET | BPF_K, .max),
            statement(BPF_RET | BPF_K, 0),
        ]
        let result = program.withUnsafeMutableBufferPointer { instructions in
            var filter = sock_fprog(
                len: UInt16(instructions.count),
                filter: instructions.baseAddress
            )
            let size = socklen_t(MemoryLayout<sock_fprog>.size)
            return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, size)
        }
        guard result == 0 else { throw NetlinkSocketError(call: "filter", code: errno) }
    }

    private static func statement(_ code: Int32, _ operand: UInt32) -> sock_filter {
        sock_filter(code: UInt16(code), jt: 0, jf: 0, k: operand)
    }

    private static func jump(
        ifEqual value: UInt32,
        _ then: UInt8,
        else otherwise: UInt8 = 0
    ) -> sock_filter {
        sock_filter(
            code: UInt16(BPF_JMP | BPF_JEQ | BPF_K),
            jt: then,
            jf: otherwise,
            k: value
        )
    }
}
