// SPDX-License-Identifier: Apache-2.0
import Netlink
import Routing
import Support
import Testing

@Suite("Netlink machine")
struct NetlinkMachineTests {
    private static let interrupted: UInt8 = 0x10

    @Test("devices, main's routes, addresses, rules and filters are dumped one after another")
    func order() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        #expect(rig.asked == 18)
        try rig.answer("dump-links")
        #expect(rig.asked == 2)
        // IPv4 and IPv6 of RTM_GETROUTE, RTM_GETADDR, twice RTM_GETRULE, RTM_GETNETCONF.
        for next: UInt8 in [10, 22, 34, 34, 82] {
            rig.answerDone()
            #expect(rig.asked == next)
            // Filters prove nothing: without them the picture is whole.
            #expect(rig.machine.rib.isComplete == (next == 82))
        }
        rig.answerDone()
        #expect(rig.request == nil)
    }

    @Test("a dump torn by a change is asked again, and its routes are not believed")
    func torn() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links")
        try rig.answer("dump-ipv4", flags: Self.interrupted)
        #expect(rig.routes.isEmpty)
        #expect(rig.asked == 2)
        try rig.answer("dump-ipv4")
        #expect(rig.routes.count == 6)
    }

    @Test("a dump that stays torn is asked at growing distances")
    func tornAgain() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links", flags: Self.interrupted)
        try rig.answer("dump-links", flags: Self.interrupted)
        // Meanwhile the rest is read; devices come again after the pause.
        #expect(rig.asked == 2)
        rig.answerRest()
        #expect(rig.machine.deadline == at(250))
        #expect(!rig.machine.rib.isComplete)
        rig.take(rig.machine.timerFired(now: at(250)))
        #expect(rig.asked == 18)
    }

    @Test("a namespace without a table main has no routes, which is complete")
    func noTable() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links")
        try rig.answer("dump-no-table")
        rig.answerDone(code: -95)
        rig.answerRest()
        #expect(rig.machine.rib.isComplete)
    }

    @Test("a refused dump is asked again, not taken for an empty table")
    func refused() throws {
        var rig = try NetlinkRig.full()
        rig.take(rig.machine.timerFired(now: at(60_000)))
        try rig.answer("dump-links", at: 60_000)
        #expect(rig.asked == 2)
        rig.answerDone(code: -16, at: 60_000)
        #expect(rig.machine.rib.routes.count == 8)
        #expect(rig.asked == 2)
    }

    @Test("a dump without an answer for five seconds is asked again")
    func silence() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        #expect(rig.machine.deadline == at(5_000))
        rig.take(rig.machine.timerFired(now: at(4_999)))
        #expect(rig.requestCount == 1)
        rig.take(rig.machine.timerFired(now: at(5_000)))
        #expect(rig.requestCount == 2)
        #expect(rig.asked == 18)
    }

    @Test("the answer to a dump given up is passed by")
    func late() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        let first = rig.request
        rig.take(rig.machine.timerFired(now: at(5_000)))
        rig.request = first
        try rig.answer("dump-links", at: 5_001)
        #expect(rig.machine.rib.links.isEmpty)
    }

    @Test("a change during a dump outlives the dump")
    func changeDuringDump() throws {
        var rig = try NetlinkRig.full()
        rig.take(rig.machine.timerFired(now: at(60_000)))
        try rig.answer("dump-links", at: 60_000)
        try rig.event("route-nexthop-object", at: 60_001)
        try rig.event("route-replace", at: 60_001)
        try rig.answer("dump-ipv4", at: 60_002)
        #expect(rig.routes.contains("10.16.6.0/24 0 unicast via 10.1.0.5 dev cilium_net"))
        #expect(rig.routes.contains("10.16.1.0/24 32 unicast via 10.1.0.7 dev cilium_net"))
    }

    @Test("an overflow voids completeness, keeps belief, and reads everything after a pause")
    func overflow() throws {
        var rig = try NetlinkRig.full()
        rig.take(rig.machine.overflowed(now: at(1_000)))
        #expect(!rig.machine.rib.isComplete)
        #expect(rig.routes.count == 8)
        #expect(rig.request == nil)
        #expect(rig.machine.deadline == at(1_250))
        rig.take(rig.machine.overflowed(now: at(1_100)))
        #expect(rig.machine.deadline == at(1_250))
        rig.take(rig.machine.timerFired(now: at(1_250)))
        try rig.answer("dump-links", at: 1_250)
        rig.take(rig.machine.overflowed(now: at(1_260)))
        #expect(rig.machine.deadline == at(1_760))
        rig.take(rig.machine.timerFired(now: at(1_760)))
        try rig.answer("dump-links", at: 1_760)
        rig.answerRest(at: 1_760)
        #expect(rig.machine.rib.isComplete)
        #expect(rig.routes.isEmpty)
        rig.take(rig.machine.overflowed(now: at(9_000)))
        #expect(rig.machine.deadline == at(9_250))
    }

    @Test("overflow after overflow is retried no more often than every five seconds")
    func overflowing() throws {
        var rig = try NetlinkRig.full()
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<8 {
            rig.take(rig.machine.overflowed(now: at(now)))
            let deadline = try #require(rig.machine.deadline)
            pauses.append(deadline - at(now))
            now = deadline.milliseconds
            rig.take(rig.machine.timerFired(now: deadline))
        }
        #expect(pauses == [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000])
    }
}
