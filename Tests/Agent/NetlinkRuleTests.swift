// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@testable import Netlink

/// Rules and the tables they lead to, addresses, reverse-path filters.
@Suite("Netlink beside routes")
struct NetlinkRuleTests {
    /// The captured node of rules: every dump answered with what the kernel said.
    private func node() throws -> NetlinkRig {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links-beside")
        rig.answerDone()
        rig.answerDone()
        try rig.answer("dump-addresses")
        try rig.answer("dump-rules-ipv4")
        try rig.answer("dump-rules-ipv6")
        try rig.answer("dump-filters")
        return rig
    }

    /// The table of an RTM_GETROUTE: RTA_TABLE, or the header's byte.
    private func table(_ request: [UInt8]?) -> Int? {
        guard let request, request[4] == 26 else { return nil }
        guard request.count > 28 else { return Int(request[20]) }
        return request[32..<36].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    @Test("a rule is read with what narrows it down")
    func rules() throws {
        let rig = try node()
        func rule(
            _ priority: UInt32,
            _ table: UInt32,
            _ action: RoutingRule.Action = .lookup,
            from source: Prefix? = nil,
            to destination: Prefix? = nil,
            _ selectors: RoutingRule.Selectors = []
        ) -> RoutingRule {
            RoutingRule(
                family: .ipv4,
                priority: priority,
                action: action,
                table: table,
                source: source,
                destination: destination,
                selectors: selectors
            )
        }
        #expect(
            rig.machine.rib.rules.filter { $0.family == .ipv4 } == [
                rule(0, 255), rule(10, 2_005, .lookup, [.mark]),
                rule(20, 200, .lookup, [.inputDevice]),
                rule(30, 0, .prohibit, to: prefix("10.0.0.0/8"), [.inverted]),
                rule(40, 254, .lookup, [.other]), rule(50, 0, .other),
                rule(60, 201, .lookup, [.outputDevice, .other]),
                rule(100, 300, from: prefix("10.16.0.0/24")), rule(32_766, 254),
                rule(32_767, 253),
            ]
        )
        #expect(rig.machine.rib.rules.count { $0.family == .ipv6 } == 2)
    }

    @Test("each table that a rule leads to is read, main and local not once more")
    func tables() throws {
        var rig = try node()
        #expect(!rig.machine.rib.isComplete)
        var asked: [Int] = []
        while let table = table(rig.request) {
            asked.append(table)
            if table == 300 { try rig.answer("dump-table-300") } else { rig.answerDone(code: -2) }
        }
        #expect(asked == [200, 201, 253, 300, 2_005])
        #expect(rig.machine.rib.isComplete)
        let key = RouteKey(prefix: prefix("0.0.0.0/0"), table: 300)
        #expect(rig.machine.rib.routes.keys.contains(key))
        #expect(rig.machine.rib.routes.count == 1)
    }

    @Test("a new rule has its table read; with its last rule a table leaves the picture")
    func ruleChanges() throws {
        var rig = NetlinkRig()
        rig.take(rig.machine.start(now: .zero))
        try rig.answer("dump-links-beside")
        rig.answerRest()
        try rig.event("rule-add", at: 1)
        #expect(rig.asked == 34)
        try rig.answer("dump-rules-ipv4", at: 1)
        #expect(!rig.machine.rib.isComplete)
        while let table = table(rig.request) {
            if table == 300 {
                try rig.answer("dump-table-300", at: 1)
            } else {
                rig.answerDone(at: 1)
            }
        }
        #expect(rig.machine.rib.isComplete && rig.machine.rib.routes.count == 1)
        try rig.event("rule-add", at: 60)
        rig.answerDone(at: 60)
        #expect(rig.machine.rib.routes.isEmpty && rig.machine.rib.isComplete)
    }

    @Test("an event of a table that no rule leads to changes nothing; of one that does, it does")
    func tableEvents() throws {
        var rig = try node()
        rig.answerRest()
        try rig.event("route-table-100")
        #expect(rig.machine.rib.routes.isEmpty)
        rig.machine.scope.setTables([254, 100], .ipv4)
        try rig.event("route-table-100")
        let key = RouteKey(prefix: prefix("10.16.9.0/24"), table: 100)
        #expect(rig.machine.rib.routes.keys.contains(key))
    }

    @Test("more rules or tables than are read make the picture incomplete, not wrong")
    func bounds() throws {
        var rib = KernelRIB()
        for kind in DumpKind.first { rib.finish(kind) }
        #expect(rib.isComplete)
        var session = DumpSession(.rules(.ipv4), sequence: 1, now: .zero)
        for table in 1_000..<2_000 {
            session.add(RoutingRule(family: .ipv4, priority: 1, table: UInt32(table)))
        }
        session.settle(&rib)
        #expect(!rib.isComplete && rib.rules.isEmpty)
        session = DumpSession(.rules(.ipv4), sequence: 2, now: .zero)
        for priority in 0..<5_000 {
            session.add(RoutingRule(family: .ipv4, priority: UInt32(priority), table: 254))
        }
        session.settle(&rib)
        #expect(!rib.isComplete && rib.rules.count == KernelRIB.ruleBound)
    }

    @Test("addresses are read as `ip addr` prints them, a peer's not as ours")
    func addresses() throws {
        let rig = try node()
        let all: Set = ["cilium_host", "cilium_net"]
        func texts(_ rib: KernelRIB) -> [String] {
            rib.addresses(of: all).map { "\($0.device) \($0.address)/\($0.length)" }
        }
        #expect(
            texts(rig.machine.rib) == [
                "cilium_host 10.16.0.1/32", "cilium_net 10.1.0.1/24", "cilium_net fd01::1/64",
            ]
        )
        var fresh = try NetlinkRig.settled()
        for name in ["address-add", "address-add-peer", "address-add-ipv6"] {
            try fresh.event(name)
        }
        #expect(fresh.machine.rib.addresses.count == 3)
        #expect(fresh.request == nil)
    }

    @Test("an address that goes takes IPv4 routes along: they are asked for; a device takes both")
    func addressGoes() throws {
        var rig = try NetlinkRig.full()
        try rig.event("address-delete")
        #expect(rig.asked == 2)
        var other = try node()
        let index = try #require(
            other.machine.rib.links.values.first { $0.name == "cilium_net" }?.index
        )
        #expect(other.machine.rib.addresses.contains { $0.link == index })
        other.machine.rib.setLink(index, nil)
        #expect(!other.machine.rib.addresses.contains { $0.link == index })
    }

    @Test("the filter in force is the greater of the device's and of all")
    func filters() throws {
        var rig = try node()
        func filter(_ name: String) -> ReversePathFilter? {
            rig.machine.rib.links.values.first { $0.name == name }?.reversePathFilter
        }
        // all.rp_filter is 2 when it was dumped.
        #expect(filter("cilium_host") == .loose && filter("cilium_net") == .loose)
        rig.machine.rib.replaceFilters(with: [-1: 0, -2: 1])
        #expect(filter("cilium_host") == nil)
        try rig.event("filter-change")
        #expect(filter("cilium_host") == .strict && filter("cilium_net") == nil)
    }

    @Test("without the dump of `all` no filter is claimed")
    func unknownFilter() throws {
        var rig = try NetlinkRig.settled()
        try rig.event("filter-change")
        #expect(rig.machine.rib.links.values.allSatisfy { $0.reversePathFilter == nil })
    }

    @Test("what ends on this node is told from what goes to another by a gateway")
    func localPrefixes() throws {
        var rig = try NetlinkRig.settled()
        for event in ["route-device", "route-via", "route-blackhole", "route-default"] {
            try rig.event(event)
        }
        var rib = rig.machine.rib
        #expect(rib.localPrefixes == [prefix("10.16.0.0/24"), prefix("10.16.3.0/24")])
        // Cilium's way: the gateway is an address of the node.
        let gateway = try #require(IPAddress("10.1.0.2"))
        rib.set(AddressEntry(link: 2, address: gateway, length: 32), isThere: true)
        #expect(rib.localPrefixes.contains(prefix("10.16.1.0/24")))
    }
}
