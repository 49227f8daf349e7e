// SPDX-License-Identifier: Apache-2.0
import Netlink
import Routing
import Support
import Testing

@Suite("Netlink decoding")
struct NetlinkDecodingTests {
    @Test(
        "a captured route is read as `ip route` prints it",
        arguments: [
            ("route-device", "10.16.0.0/24 0 unicast dev cilium_host"),
            ("route-via", "10.16.1.0/24 32 unicast via 10.1.0.2 dev cilium_net"),
            ("route-default", "0.0.0.0/0 0 unicast via 10.1.0.254 dev cilium_net"),
            (
                "route-multipath",
                "10.16.2.0/24 0 unicast via 10.1.0.3 dev cilium_net | via 10.1.0.4 dev cilium_net"
            ),
            ("route-blackhole", "10.16.3.0/24 0 blackhole "),
            ("route-via-inet6", "10.16.5.0/24 0 unicast via fd01::9 dev cilium_net"),
            ("route-ipv6", "fd00:10:1::/48 1024 unicast via fd01::2 dev cilium_net"),
            ("route-ipv6-blackhole", "fd00:10:2::/48 1024 blackhole "),
            ("route-nexthop-object", "10.16.6.0/24 0 unicast via 10.1.0.5 dev cilium_net"),
        ]
    )
    func route(name: String, expected: String) throws {
        var rig = try NetlinkRig.settled()
        let before = rig.changeCount
        try rig.event(name)
        #expect(rig.routes == [expected])
        #expect(rig.changeCount == before + 1)
        #expect(rig.request == nil)
    }

    @Test(
        "routes outside the supernets and of other tables are not kept",
        arguments: ["route-outside", "route-table-100"]
    )
    func unwatched(name: String) throws {
        var rig = try NetlinkRig.settled()
        let before = rig.changeCount
        try rig.event(name)
        #expect(rig.routes.isEmpty)
        #expect(rig.changeCount == before)
    }

    @Test("who installed a route is kept")
    func proto() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("route-via")
        let key = RouteKey(prefix: prefix("10.16.1.0/24"), metric: 32)
        #expect(rig.machine.rib.routes[key]?.proto == 12)
    }

    @Test("devices are read with state, carrier and MTU")
    func links() throws {
        let rig = try NetlinkRig.settled()
        let names = rig.machine.rib.links.values.map(\.name).sorted()
        #expect(names == ["cilium_host", "cilium_net", "lo"])
        let host = rig.machine.rib.links.values.first { $0.name == "cilium_host" }
        #expect(host?.isAdminUp == true)
        #expect(host?.hasCarrier == true)
        #expect(host?.mtu == 1450)
        #expect(rig.machine.rib.links.values.first { $0.name == "lo" }?.isAdminUp == false)
    }

    @Test("dumped tables are what `ip route show` prints")
    func dumps() throws {
        let rig = try NetlinkRig.full()
        #expect(rig.machine.rib.isComplete)
        #expect(
            rig.routes == [
                "0.0.0.0/0 0 unicast via 10.1.0.254 dev cilium_net",
                "10.16.0.0/24 0 unicast dev cilium_host",
                "10.16.1.0/24 32 unicast via 10.1.0.7 dev cilium_net",
                "10.16.2.0/24 0 unicast via 10.1.0.3 dev cilium_net | via 10.1.0.4 dev cilium_net",
                "10.16.3.0/24 0 blackhole ",
                "10.16.5.0/24 0 unicast via fd01::9 dev cilium_net",
                "fd00:10:1::/48 1024 unicast via fd01::3 dev cilium_net",
                "fd00:10:2::/48 1024 blackhole ",
            ]
        )
    }
}
