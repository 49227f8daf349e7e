// SPDX-License-Identifier: Apache-2.0
import Foundation
import Netlink
import Routing
import Support

/// The datagrams of `Tests/Fixtures/netlink/NAME.hex`; blank lines stand between them.
func netlinkFixture(_ name: String) throws -> [[UInt8]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let file = folder.appending(path: "../Fixtures/netlink/\(name).hex")
    let lines = try String(contentsOf: file, encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false)
    let datagrams = lines.drop { $0.hasPrefix("#") }.split(separator: "")
    return datagrams.map { $0.flatMap { bytes(hex: $0.filter { $0 != " " }) } }
}

private func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
}

/// A machine fed with captured bytes, in place of the kernel.
struct NetlinkRig {
    var machine = KernelMachine(supernets: [prefix("10.16.0.0/16"), prefix("fd00:10::/32")])
    /// What the machine asked last, if that was not answered.
    var request: [UInt8]?
    var requestCount = 0
    var changeCount = 0

    /// The type of the request; of an RTM_GETROUTE (26) the family it asks for.
    var asked: UInt8? { request.map { $0[4] == 26 ? $0[16] : $0[4] } }

    mutating func take(_ actions: [KernelMachine.Action]) {
        for action in actions {
            switch action {
            case .changed: changeCount += 1
            case .send(let bytes):
                request = bytes
                requestCount += 1
            }
        }
    }

    mutating func event(_ name: String, at now: Int64 = 0) throws {
        for datagram in try netlinkFixture(name) {
            take(machine.received(datagram, now: Support.at(now)))
        }
    }

    /// Answers the request under way with a captured dump; `flags` are added to each message.
    mutating func answer(_ name: String, flags: UInt8 = 0, at now: Int64 = 0) throws {
        let asked = request ?? []
        request = nil
        for datagram in try netlinkFixture(name) {
            let answer = resequenced(datagram, like: asked, flags: flags)
            take(machine.received(answer, now: Support.at(now)))
        }
    }

    /// Answers with NLMSG_DONE alone, or with NLMSG_DONE and an error.
    mutating func answerDone(code: Int32 = 0, at now: Int64 = 0) {
        let asked = request ?? []
        request = nil
        let code = withUnsafeBytes(of: code) { Array($0) }
        let done: [UInt8] = [20, 0, 0, 0, 3, 0, 2, 0] + asked[8..<12] + [0, 0, 0, 0] + code
        take(machine.received(done, now: Support.at(now)))
    }

    /// All that is asked now has nothing in it.
    mutating func answerRest(at now: Int64 = 0) {
        while request != nil { answerDone(at: now) }
    }

    private func resequenced(_ datagram: [UInt8], like request: [UInt8], flags: UInt8) -> [UInt8] {
        var bytes = datagram
        var offset = 0
        while offset < bytes.count {
            bytes.replaceSubrange(offset + 8..<offset + 12, with: request[8..<12])
            bytes[offset + 6] |= flags
            offset += (Int(bytes[offset]) + Int(bytes[offset + 1]) << 8 + 3) & ~3
        }
        return bytes
    }

    /// The captured devices and no routes: everything was read.
    static func settled() throws -> NetlinkRig {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links")
        rig.answerRest()
        return rig
    }

    /// The captured devices and both captured tables.
    static func full() throws -> NetlinkRig {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links")
        try rig.answer("dump-ipv4")
        try rig.answer("dump-ipv6")
        rig.answerRest()
        return rig
    }

    /// `PREFIX metric N KIND via … dev … | …`, sorted.
    var routes: [String] {
        machine.rib.routes.values.map { route in
            let hops = route.nextHops.map(\.description).joined(separator: " | ")
            return "\(route.prefix) \(route.metric) \(route.destination.name) \(hops)"
        }.sorted()
    }
}
