// SPDX-License-Identifier: Apache-2.0
import Netlink
import Routing
import Support
import Testing

@Suite("Netlink changes")
struct NetlinkChangeTests {
    private let hostRoute = "10.16.0.0/24 0 unicast dev cilium_host"

    @Test("a device that goes down takes its IPv4 routes along at once, and asks for a dump")
    func linkDown() throws {
        var rig = try NetlinkRig.full()
        #expect(rig.routes.contains(hostRoute))
        try rig.event("link-down")
        #expect(!rig.routes.contains(hostRoute))
        #expect(rig.asked == 2)
        #expect(rig.machine.rib.isComplete)
    }

    @Test("a dump that still shows routes over a fallen device is not believed for them")
    func staleDump() throws {
        var rig = try NetlinkRig.full()
        try rig.event("link-down")
        try rig.answer("dump-ipv4")
        #expect(!rig.routes.contains(hostRoute))
        #expect(rig.routes.contains("10.16.3.0/24 0 blackhole "))
    }

    @Test("what a device's fall set off is looked at twice")
    func confirmation() throws {
        var rig = try NetlinkRig.full()
        try rig.event("link-down", at: 100)
        // One dump ran already when the peer lost its carrier: one more is pending.
        while rig.request != nil { rig.answerDone(at: 100) }
        #expect(rig.machine.deadline == at(350))
        rig.take(rig.machine.timerFired(now: at(350)))
        #expect(rig.asked == 2)
    }

    @Test("a deleted device is gone with its routes")
    func linkDeleted() throws {
        var rig = try NetlinkRig.full()
        try rig.event("link-delete")
        #expect(rig.machine.rib.links.values.map(\.name) == ["lo"])
        #expect(rig.routes == ["10.16.3.0/24 0 blackhole ", "fd00:10:2::/48 1024 blackhole "])
    }

    @Test("a renamed device is named anew in its routes")
    func rename() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("link-rename")
        try rig.event("route-device")
        #expect(rig.routes == ["10.16.0.0/24 0 unicast dev cilium_old"])
        try rig.event("link-up")
        #expect(rig.routes == [hostRoute])
    }

    @Test("a route over a device not yet known carries its number")
    func unknownDevice() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.event("route-device")
        #expect(rig.routes == ["10.16.0.0/24 0 unicast dev if3"])
        try rig.answer("dump-links")
        #expect(rig.routes == [hostRoute])
    }

    @Test("a port that leaves its bridge is not a device that is gone")
    func bridgePort() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("bridge-port-leaves")
        #expect(rig.machine.rib.links[3]?.name == "cilium_old")
    }

    @Test("IPv6 hops are added and taken away one by one")
    func ipv6Hops() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("route-ipv6")
        try rig.event("route-ipv6-append")
        let hops = "via fd01::2 dev cilium_net | via fd01::3 dev cilium_net"
        #expect(rig.routes == ["fd00:10:1::/48 1024 unicast \(hops)"])
        try rig.event("route-ipv6-delete-hop")
        #expect(rig.routes == ["fd00:10:1::/48 1024 unicast via fd01::3 dev cilium_net"])
        #expect(rig.request == nil)
    }

    @Test("a replaced route has only its new hop; an appended one asks the kernel which is used")
    func replaceAndAppend() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("route-via")
        try rig.event("route-replace")
        let replaced = ["10.16.1.0/24 32 unicast via 10.1.0.7 dev cilium_net"]
        #expect(rig.routes == replaced)
        try rig.event("route-append")
        #expect(rig.routes == replaced)
        #expect(rig.asked == 2)
    }

    @Test("replacing one of two IPv6 routes of a key asks the kernel what is left")
    func replaceShared() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links")
        rig.answerDone()
        try rig.answer("dump-ipv6-beside")
        rig.answerRest()
        let hops = "dev cilium_host | via fd01::4 dev cilium_net"
        #expect(rig.routes.contains("fd00:10:3::/48 1024 unicast \(hops)"))
        try rig.event("route-ipv6-replace-one")
        #expect(rig.asked == 10)
    }

    @Test("deleting one of two IPv4 routes of a key asks the kernel what is left")
    func deleteShared() throws {
        var rig = try NetlinkRig.full()
        let held = "10.16.1.0/24 32 unicast via 10.1.0.7 dev cilium_net"
        try rig.event("route-delete")
        #expect(rig.routes.contains(held))
        #expect(rig.asked == 2)
    }

    @Test("a deleted route is gone, and what it replaced in belief is not asked for")
    func delete() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("route-via")
        try rig.event("route-replace")
        try rig.event("route-delete")
        #expect(rig.routes.isEmpty)
        #expect(rig.request == nil)
    }

    @Test(
        "an address or a next-hop object that goes may take routes along: they are read again",
        arguments: ["address-delete", "nexthop-delete"]
    )
    func silentRemoval(name: String) throws {
        var rig = try NetlinkRig.full()
        try rig.event(name)
        #expect(rig.asked == 2)
    }
}
