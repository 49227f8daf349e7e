// SPDX-License-Identifier: Apache-2.0
import Netlink
import Routing
import Support
import Testing

@Suite("Netlink against hostile bytes")
struct NetlinkHostileBytesTests {
    private static let names = [
        "link-up", "route-multipath", "route-ipv6-append", "route-via-inet6", "dump-ipv4",
        "dump-ipv6", "dump-links", "dump-no-table", "link-delete", "nexthop-delete",
        "address-add-peer", "address-add-ipv6", "rule-add", "filter-change", "dump-table-300",
        "dump-addresses", "dump-rules-ipv4", "dump-filters",
    ]

    @Test("no truncation of a good message traps", arguments: names)
    func truncated(name: String) throws {
        let rig = try NetlinkRig.full()
        for datagram in try netlinkFixture(name) {
            for count in 0..<datagram.count {
                var machine = rig.machine
                _ = machine.received(Array(datagram.prefix(count)), now: .zero)
            }
        }
    }

    @Test("no truncation of attributes inside a whole message traps", arguments: names)
    func shortened(name: String) throws {
        let rig = try NetlinkRig.full()
        for datagram in try netlinkFixture(name) {
            for count in stride(from: 16, to: min(datagram.count, 2_048), by: 1) {
                var bytes = Array(datagram.prefix(count))
                bytes.replaceSubrange(0..<2, with: [UInt8(count & 0xff), UInt8(count >> 8)])
                var machine = rig.machine
                _ = machine.received(bytes, now: .zero)
            }
        }
    }

    @Test("no flipped bytes trap", arguments: [UInt64](1...20))
    func flipped(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let datagrams = try Self.names.flatMap { try netlinkFixture($0) }
        let rig = try NetlinkRig.full()
        var machine = rig.machine
        for _ in 0..<500 {
            guard var bytes = datagrams.randomElement(using: &random) else { continue }
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = UInt8.random(in: .min ... .max, using: &random)
            }
            _ = machine.received(bytes, now: at(Int64.random(in: .min ... .max, using: &random)))
        }
    }

    @Test("no random bytes trap", arguments: [UInt64](1...20))
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var machine = try NetlinkRig.full().machine
        for _ in 0..<500 {
            let count = Int.random(in: 0...512, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if count >= 16 {
                let types: [UInt8] = [2, 3, 4, 16, 17, 20, 21, 24, 25, 32, 33, 80, 104]
                let type = types.randomElement(using: &random) ?? 24
                let head = [UInt8(count & 0xff), UInt8(count >> 8), 0, 0, type, 0]
                bytes.replaceSubrange(0..<6, with: head)
            }
            _ = machine.received(bytes, now: at(Int64.random(in: .min ... .max, using: &random)))
            _ = machine.timerFired(now: at(Int64.random(in: .min ... .max, using: &random)))
        }
    }

    @Test("a datagram that contradicts itself is counted and everything is read again")
    func malformed() throws {
        var rig = try NetlinkRig.full()
        let route = try netlinkFixture("route-via")
        rig.take(rig.machine.received(Array(route[0].dropLast(4)), now: at(500)))
        #expect(rig.machine.malformedCount == 1)
        #expect(!rig.machine.rib.isComplete)
        #expect(rig.machine.deadline == at(750))
    }
}
