// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Testing

@testable import SwitchDialects

/// See Tests/Fixtures/bmp/README.md.
private func stream(_ name: String) throws -> [UInt8] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/bmp/\(name).bin")
    return [UInt8](try Data(contentsOf: file))
}

private func lines(_ answer: SwitchAnswer) -> [String] {
    answer.table.routes.values.joined().map { route in
        let hops = route.nextHops.map(\.description).joined(separator: " ")
        return "\(route.vrf) \(route.prefix) \(route.isBest) \(hops)"
    }.sorted()
}

// MARK: - Messages by hand (RFC 7854, 4271)

private func message(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
    [3] + be(UInt32(6 + body.count)) + [type] + body
}

private func peer(_ last: UInt8, flags: UInt8 = 0, kind: UInt8 = 0) -> [UInt8] {
    [kind, flags] + [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0, count: 12)
        + [10, 1, 0, last] + [UInt8](repeating: 0, count: 16)
}

private let emptyOpen = pdu(1, [])
private func initiation(_ text: String) -> [UInt8] {
    message(4, be(UInt16(1)) + be(UInt16(text.utf8.count)) + Array(text.utf8))
}
private func peerUp(_ last: UInt8) -> [UInt8] {
    message(3, peer(last) + [UInt8](repeating: 0, count: 20) + emptyOpen + emptyOpen)
}
private func routes(_ last: UInt8, flags: UInt8 = 0x40, kind: UInt8 = 0, _ update: [UInt8])
    -> [UInt8]
{
    message(0, peer(last, flags: flags, kind: kind) + update)
}

@Suite struct BMPStreams {
    private func router(_ messages: [[UInt8]], at now: Int64 = 0) throws -> BMPRouter {
        var router = BMPRouter()
        for message in messages { try router.received(message, now: Support.at(now)) }
        return router
    }

    private func hops(_ router: BMPRouter, _ text: String = "10.16.0.0/24") -> [String] {
        router.routes(prefix(text)).map { route in
            "\(route.evidence) \(route.isBest) "
                + route.nextHops.map(\.description).joined(separator: " ")
        }
    }

    private static let threeNodes = [
        "default 10.16.0.0/24 true 10.1.0.1", "default 10.16.1.0/24 true 10.1.0.2",
        "default 10.16.2.0/24 true 10.1.0.3", "default fd00:16:0:1::/64 true fd00:10:1::2",
        "default fd00:16:0:2::/64 true fd00:10:1::3", "default fd00:16::/64 true fd00:10:1::1",
    ]

    @Test(
        "three nodes, IPv4 and IPv6: all are there again at the end",
        arguments: ["frr-static-v4v6", "gobgp-all"]
    )
    func threeNodes(name: String) throws {
        let answer = decodeBMP(try stream(name))
        #expect(answer.problems == [])
        #expect(lines(answer) == Self.threeNodes)
        #expect(answer.table.neighbors.values.count(where: \.isEstablished) >= 3)
    }

    @Test("FRR that keeps nothing says withdrawals for announcements: a problem, and no route")
    func liar() throws {
        let answer = decodeBMP(try stream("frr-dynamic-noadjin"))
        #expect(!answer.isComplete)
        #expect(answer.table.routes.isEmpty)
    }

    // The peer had two paths and withdrew one, which GoBGP tells after the policy and of its own table
    // as the prefix's end; at byte 936 the peer goes.
    @Test("path identifiers are read where they are, and one path's end is not the prefix's")
    func addPath() throws {
        let whole = try stream("gobgp-addpath")
        let before = decodeBMP(Array(whole.prefix(936)))
        #expect(before.problems == [])
        #expect(lines(before) == ["default 10.16.2.0/24 true 10.1.0.3"])
        let after = decodeBMP(whole)
        #expect(after.problems == [])
        #expect(lines(after) == [])
    }

    @Test("a stream in any pieces is the same stream", arguments: ["frr-static-v4v6", "gobgp-all"])
    func pieces(name: String) throws {
        let whole = try stream(name)
        for size in [1, 2, 7, 100, 1_000] {
            var router = BMPRouter()
            for start in stride(from: 0, to: whole.count, by: size) {
                try router.received(
                    Array(whole[start..<min(start + size, whole.count)]),
                    now: at(0)
                )
            }
            var atOnce = BMPRouter()
            try atOnce.received(whole, now: at(0))
            #expect(!router.isInMessage)
            #expect(router.routes { _ in true } == atOnce.routes { _ in true })
        }
    }

    @Test("announced, accepted, refused by the policy, chosen: each is told apart")
    func levels() throws {
        let begin = [initiation("test"), peerUp(1), peerUp(2)]
        let announced = routes(1, flags: 0, update(nextHop: 1, cidr))
        #expect(hops(try router(begin + [announced])) == ["accepted true 10.1.0.1"])
        let other = routes(1, update(nextHop: 1, [24, 10, 16, 9]))
        let diverted = routes(1, update(nextHop: 9, cidr))
        #expect(hops(try router(begin + [announced, diverted])) == ["accepted true 10.1.0.9"])
        #expect(hops(try router(begin + [announced, other])) == ["announced false 10.1.0.1"])
        let accepted = routes(1, update(nextHop: 1, cidr))
        #expect(hops(try router(begin + [announced, accepted])) == ["accepted true 10.1.0.1"])
        let second = routes(2, update(nextHop: 2, cidr))
        let chosen = routes(0, flags: 0, kind: 3, update(nextHop: 2, cidr))
        #expect(
            hops(try router(begin + [announced, accepted, second, chosen])) == [
                "best true 10.1.0.2", "accepted false 10.1.0.1",
            ]
        )
    }

    @Test("Peer Down takes all of the peer's tables, with or without withdrawals before it")
    func peerDown() throws {
        let accepted = routes(1, update(nextHop: 1, cidr))
        let down = message(2, peer(1) + [4])
        #expect(hops(try router([initiation("t"), peerUp(1), accepted, down])) == [])
        #expect(hops(try router([initiation("t"), peerUp(1), accepted, peerUp(1)])) == [])
    }

    @Test("a prefix withdrawn and announced in one message is announced")
    func both() throws {
        let one = routes(1, update(withdrawn: cidr, nextHop: 1, cidr))
        #expect(hops(try router([initiation("t"), peerUp(1), one])) == ["accepted true 10.1.0.1"])
    }

    @Test(
        "complete once by End-of-RIB or silence for each peer, and it stays so; nothing proves nothing"
    )
    func settled() throws {
        let accepted = routes(1, update(nextHop: 1, cidr))
        func settles(_ messages: [[UInt8]], _ times: Int64...) throws -> [Bool] {
            var router = try router([initiation("FRRouting 10.3")] + messages, at: 1_000)
            return times.map { router.untold([.ipv4], at: at($0)) == [] }
        }
        #expect(try settles([peerUp(1), accepted], 1_001, 6_000) == [false, true])
        #expect(try settles([peerUp(1), accepted, routes(1, update())], 1_001) == [true])
        // A router that sends no routes at all, or whose peers are all down, proves no absence.
        #expect(try settles([peerUp(1)], 100_000) == [false])
        #expect(try settles([message(2, peer(1) + [4])], 100_000) == [false])
        let gone = [peerUp(1), accepted, message(2, peer(1) + [4])]
        #expect(try settles(gone, 100_000, 181_000) == [false, true])
        var late = try router([initiation("FRRouting 10.3"), peerUp(1), accepted], at: 1_000)
        let isSettled = late.untold([.ipv4], at: at(6_000)) == []
        #expect(isSettled)
        try late.received(routes(1, update(withdrawn: cidr)), now: at(7_000))
        let isStillSettled = late.untold([.ipv4], at: at(7_001)) == []
        #expect(isStillSettled)
    }

    @Test("what is no BMP ends the stream with its place")
    func damage() throws {
        var router = BMPRouter()
        #expect(throws: BGPError.invalid(what: "BMP version 71", at: 0)) {
            try router.received(Array("GET / HTTP/1.1\r\n".utf8), now: at(0))
        }
        #expect(decodeBMP([]).isComplete == false)
        #expect(decodeBMP(peerUp(1)).isComplete == false)
        var masked = message(0, peer(1) + update(nextHop: 1, cidr))
        masked[60] = 0
        for (bytes, what) in [
            (masked, "a broken marker"),
            (message(0, peer(1) + update(nextHop: 1, cidr) + [0]), "bytes behind the UPDATE"),
            (
                message(0, peer(1) + update(nextHop: 1, [33, 10, 16, 0, 0, 0])),
                "a prefix of 33 bits"
            ),
            (message(0, peer(1) + update([24, 10, 16, 0])), "a route without a next hop"),
            (message(0, peer(1) + Array(update(nextHop: 1, cidr).dropLast(2))), "a cut UPDATE"),
            ([3] + be(UInt32.max) + [0], "a length of four gigabytes"),
            ([3, 0, 0, 0, 5, 0], "of five bytes"),
            (message(0, peer(1, kind: 9)), "a kind of peer that is none"),
        ] {
            #expect(throws: BGPError.self, "\(what)") {
                var router = BMPRouter()
                try router.received(bytes, now: at(0))
            }
        }
    }

    @Test(
        "no damage to a recorded stream traps",
        arguments: ["frr-static-v4v6", "gobgp-all", "gobgp-addpath"]
    )
    func noTrap(name: String) throws {
        let whole = try stream(name)
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                    in: 0...255,
                    using: &generator
                )
            }
            _ = decodeBMP(bytes)
            _ = decodeBMP(Array(whole.prefix(.random(in: 0..<whole.count, using: &generator))))
        }
    }
}

@Suite struct BMPFeeds {
    private func feed(_ now: Int64) -> BMPFeed {
        var feed = BMPFeed(supernets: [prefix("10.16.0.0/12")])
        #expect(feed.opened(now: at(now)) == [])
        return feed
    }

    private func told(_ actions: [FeedAction]) -> [String]? {
        for case .read(let table) in actions {
            return table.routes.keys.map(\.description).sorted()
        }
        return nil
    }

    @Test("nothing is told before all was told; then at once, again to confirm, and now and then")
    func life() {
        var feed = feed(0)
        let begin = initiation("FRRouting 10.3") + peerUp(1) + routes(1, update(nextHop: 1, cidr))
        #expect(feed.received(begin, now: at(10)) == [])
        #expect(feed.timerFired(now: at(500)) == [])
        #expect(feed.received(routes(1, update()), now: at(600)) == [])
        #expect(told(feed.timerFired(now: at(620))) == ["10.16.0.0/24"])
        #expect(told(feed.timerFired(now: at(5_000))) == nil)
        #expect(told(feed.timerFired(now: at(5_620))) == ["10.16.0.0/24"])
        #expect(told(feed.timerFired(now: at(20_620))) == ["10.16.0.0/24"])
    }

    @Test("a withdrawal is a hint at once and told 20 ms later; what is none of ours is neither")
    func withdrawal() {
        var feed = feed(0)
        let begin =
            initiation("t") + peerUp(1) + routes(1, update(nextHop: 1, cidr)) + routes(1, update())
        _ = feed.received(begin, now: at(10))
        #expect(told(feed.timerFired(now: at(30))) != nil)
        #expect(
            feed.received(routes(1, update(nextHop: 1, [24, 192, 0, 2])), now: at(1_000)) == []
        )
        #expect(feed.received(routes(1, update(withdrawn: cidr)), now: at(2_000)) == [.moved])
        #expect(told(feed.timerFired(now: at(2_010))) == nil)
        #expect(told(feed.timerFired(now: at(2_020))) == [])
    }

    @Test("garbage and ninety seconds of silence end the connection, a lost one is told")
    func ends() {
        var garbled = feed(0)
        #expect(
            garbled.received(Array("SSH-2.0".utf8), now: at(1)) == [
                .failed("BMP: BMP version 83 is wrong at byte 0"), .close,
            ]
        )
        #expect(garbled.deadline == nil)
        var silent = feed(0)
        _ = silent.received(initiation("t"), now: at(0))
        _ = silent.received([3], now: at(80_000))
        #expect(silent.timerFired(now: at(90_000)).last == .close)
        var lost = feed(0)
        #expect(lost.closed(now: at(5)) == [.failed("the router's BMP connection ended")])
        #expect(lost.closed(now: at(6)) == [])
    }

    @Test("a router that hides what it has is not believed")
    func liar() {
        var feed = feed(0)
        let begin =
            initiation("FRRouting 8.4.4") + peerUp(1) + routes(1, flags: 0, update(withdrawn: cidr))
        _ = feed.received(begin, now: at(10))
        guard case .failed(let reason) = feed.timerFired(now: at(6_000)).first else {
            return #expect(Bool(false))
        }
        #expect(reason.contains("soft-reconfiguration inbound"))
    }
}
