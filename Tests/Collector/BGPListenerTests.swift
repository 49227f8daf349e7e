// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing

@testable import SwitchDialects

// Messages by hand (RFC 4271, 5492, 6793, 7911).

private func open(asn: UInt32 = 64_512, hold: UInt16 = 180, more: [UInt8] = []) -> [UInt8] {
    let capabilities: [UInt8] = [1, 4, 0, 1, 0, 1, 65, 4] + be(asn) + more
    return pdu(
        1,
        [4] + be(UInt16(clamping: asn)) + be(hold) + [10, 2, 0, 254]
            + [UInt8(capabilities.count + 2), 2, UInt8(capabilities.count)] + capabilities
    )
}

private let keepalive = pdu(4)

@Suite struct BGPListening {
    private func feed() -> BGPListenerFeed {
        BGPListenerFeed(
            identity: .init(asn: 64_512, routerID: address("192.168.100.1")),
            supernets: [prefix("10.16.0.0/12")]
        )
    }

    private func established(_ first: [UInt8] = open()) -> BGPListenerFeed {
        var feed = feed()
        _ = feed.opened(now: at(0))
        #expect(feed.received(first, now: at(1)) == [.send(keepalive)])
        #expect(feed.received(keepalive, now: at(2)) == [])
        return feed
    }

    private func told(_ actions: [FeedAction]) -> [String]? {
        for case .read(let table) in actions {
            return table.routes.values.joined().map { route in
                "\(route.prefix) " + route.nextHops.map(\.description).joined(separator: " ")
            }.sorted()
        }
        return nil
    }

    private func reason(_ actions: [FeedAction]) -> String? {
        for case .failed(let reason) in actions { return reason }
        return nil
    }

    @Test("the OPEN offers what is read, and nothing that could announce")
    func opening() throws {
        var feed = feed()
        let actions = feed.opened(now: at(0))
        guard case .send(let bytes) = try #require(actions.first) else {
            return #expect(Bool(false))
        }
        let message = try #require(try BGPMessage(bytes, from: 0))
        #expect(message.kind == .open)
        let read = try BGPOpen(message.part, bytes.span)
        #expect(read.asn == 64_512 && read.holdTime == 90)
        #expect(read.takesPaths == AddPath(ipv4: true, ipv6: true))
        #expect(read.sendsPaths == AddPath())
    }

    @Test(
        "complete by End-of-RIB: routes are told, changes at once, keepalives by a third of the hold time"
    )
    func life() {
        var feed = established()
        #expect(feed.received(update(nextHop: 1, cidr), now: at(10)) == [])
        #expect(told(feed.timerFired(now: at(40))) == nil)
        _ = feed.received(update(), now: at(50))
        #expect(told(feed.timerFired(now: at(70))) == ["10.16.0.0/24 10.1.0.1"])
        #expect(feed.received(update(withdrawn: cidr), now: at(1_000)) == [.moved])
        #expect(told(feed.timerFired(now: at(1_020))) == [])
        #expect(feed.timerFired(now: at(30_001)).contains(.send(keepalive)))
    }

    @Test("several paths of one prefix are all seen")
    func addPath() {
        var feed = established(open(more: [69, 4, 0, 1, 1, 2]))
        let paths: [UInt8] = [0, 0, 0, 1] + cidr
        let others: [UInt8] = [0, 0, 0, 2] + cidr
        _ = feed.received(
            update(nextHop: 1, paths) + update(nextHop: 2, others) + update(),
            now: at(10)
        )
        #expect(told(feed.timerFired(now: at(30))) == ["10.16.0.0/24 10.1.0.1 10.1.0.2"])
        _ = feed.received(update(withdrawn: paths), now: at(100))
        #expect(told(feed.timerFired(now: at(280))) == ["10.16.0.0/24 10.1.0.2"])
    }

    @Test("another AS, garbage, a message out of turn and silence end the session with its reason")
    func ends() {
        var stranger = feed()
        _ = stranger.opened(now: at(0))
        #expect(
            reason(stranger.received(open(asn: 65_001), now: at(1)))
                == "BGP: the switch is in AS 65001, not 64512"
        )
        var garbled = feed()
        _ = garbled.opened(now: at(0))
        let actions = garbled.received(Array("GET / HTTP/1.1 with more".utf8), now: at(1))
        #expect(actions.first == .send(pdu(3, [1, 0])) && actions.last == .close)
        var hasty = feed()
        _ = hasty.opened(now: at(0))
        #expect(reason(hasty.received(update(), now: at(1))) == "BGP: a message out of turn")
        var silent = established()
        let end = silent.timerFired(now: at(90_002))
        #expect(end.first == .send(pdu(3, [4, 0])) && end.last == .close)
        var told = established()
        #expect(
            reason(told.received(pdu(3, [6, 2]), now: at(9)))
                == "BGP: the switch ended the session (NOTIFICATION 6/2)"
        )
        #expect(told.closed(now: at(10)) == [])
    }

    @Test("a stream in any pieces is the same stream; nothing random traps")
    func pieces() {
        let stream = open() + keepalive + update(nextHop: 1, cidr) + update()
        for size in 1...40 {
            var feed = feed()
            _ = feed.opened(now: at(0))
            for start in stride(from: 0, to: stream.count, by: size) {
                _ = feed.received(
                    Array(stream[start..<min(start + size, stream.count)]),
                    now: at(1)
                )
            }
            #expect(told(feed.timerFired(now: at(30))) == ["10.16.0.0/24 10.1.0.1"])
        }
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            var bytes = stream
            for _ in 0..<3 {
                bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(
                    in: 0...255,
                    using: &generator
                )
            }
            var feed = feed()
            _ = feed.opened(now: at(0))
            _ = feed.received(bytes, now: at(1))
            _ = feed.timerFired(now: at(10_000))
        }
    }
}
