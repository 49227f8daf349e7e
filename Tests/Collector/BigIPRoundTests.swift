// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Synchronization
import Testing

@testable import BigIPSource

/// Rounds of one unit with a script for a unit.
@Suite struct BigIPRounds {
    private final class Clock: Sendable {
        private let time = Atomic<Int64>(1_000)
        func now() -> Timestamp { at(time.load(ordering: .relaxed)) }
        func pass(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
    }

    private let clock = Clock()

    private func unit(pools count: Int) -> ScriptedUnit {
        var content = ScriptedUnit.Content()
        for number in 0..<count {
            let name = "/K8S/p\(10_000 + number)"
            let host = "10.16.\(number / 200).\(number % 200 + 10)"
            content.pools[name] = ScriptedUnit.Pool(members: ["\(host):80", "\(host):81"])
            content.virtuals[name] = name
        }
        return ScriptedUnit(content)
    }

    private func state(every period: Int64 = 60_000) -> UnitState {
        UnitState(ReadScope(partitions: ["K8S"]), period: period)
    }

    private func round(
        _ state: inout UnitState,
        _ unit: ScriptedUnit
    ) async throws -> LoadBalancerTable {
        defer { clock.pass(60_000) }
        return try await state.round(unit.reader) { clock.now() }
    }

    private func first(_ number: Int) -> String { "/K8S/p\(10_000 + number)" }

    @Test("of many pools a unit is asked a request a second on average, once all are known")
    func budget() async throws {
        let unit = unit(pools: 1_500)
        var state = state()
        #expect(try await round(&state, unit).members.count == 3_000)
        _ = unit.asked()
        var counts: [Int] = []
        for _ in 0..<10 {
            let table = try await round(&state, unit)
            #expect(table.members.count == 3_000)
            #expect(table.virtualServers.count == 1_500)
            counts.append(unit.asked().count)
        }
        #expect(counts.reduce(0, +) <= 10 * 62)
        // And no pool is left out for ever: what is not asked in one round is in another.
        #expect(counts.allSatisfy { $0 > 30 })
    }

    @Test(
        "a pool, a virtual server or a count that is another is seen in the next round all the same"
    )
    func changes() async throws {
        let unit = unit(pools: 120)
        var state = state()
        for _ in 0..<2 { _ = try await round(&state, unit) }
        unit.change { content in
            content.pools["/K8S/new"] = ScriptedUnit.Pool(members: ["10.16.9.9:80"])
            content.virtuals["/K8S/new"] = "/K8S/new"
            content.pools[first(7)]?.members = ["10.16.9.8:80", "10.16.9.9:80", "10.16.9.9:81"]
            content.pools[first(8)] = nil
            content.virtuals[first(8)] = nil
        }
        let table = try await round(&state, unit)
        #expect(table.pools["/K8S/new"]?.members.count == 1)
        #expect(table.pools[first(7)]?.members.count == 3)
        #expect(table.pools[first(8)] == nil)
        #expect(
            table.virtualServers.contains {
                $0.name == "/K8S/new" && $0.availability == "available"
            }
        )
        #expect(!table.virtualServers.contains { $0.name == first(8) })
    }

    @Test("a virtual server that leads to another pool is seen within five rounds")
    func redirected() async throws {
        let unit = unit(pools: 120)
        var state = state()
        for _ in 0..<2 { _ = try await round(&state, unit) }
        unit.change { $0.virtuals[first(0)] = first(1) }
        var pools: [String?] = []
        for _ in 0..<Inventory.rounds {
            let table = try await round(&state, unit)
            pools.append(table.virtualServers.first { $0.name == first(0) }?.pool)
        }
        #expect(pools.last == first(1))
    }

    @Test("a list that lacks what is there proves nothing")
    func hiding() async throws {
        let unit = unit(pools: 3)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { $0.hidden = [first(1)] }
        for _ in 0..<3 {
            await #expect(throws: BigIPRequestError.self) { try await round(&state, unit) }
        }
        unit.change { $0.hidden = [] }
        #expect(try await round(&state, unit).pools.count == 3)
    }

    @Test("one pool that is not found, round after round, concerns itself alone")
    func oneUnread() async throws {
        let unit = unit(pools: 3)
        var state = state()
        _ = try await round(&state, unit)
        let path = "ltm/pool/~K8S~p10001/members/stats"
        unit.change { $0.refusals[path] = 404 }
        for _ in 0..<12 {
            let table = try await round(&state, unit)
            #expect(table.unreadPools.keys.sorted() == [first(1)])
            #expect(table.pools[first(1)]?.members.count == 2)
            #expect(table.pools[first(2)]?.members.count == 2)
        }
        unit.change { $0.refusals = [:] }
        #expect(try await round(&state, unit).unreadPools.isEmpty)
    }

    @Test("three pools in a row that cannot be read are the unit's trouble")
    func unwell() async throws {
        let unit = unit(pools: 5)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { content in
            for number in 1...3 {
                content.refusals["ltm/pool/~K8S~p1000\(number)/members/stats"] = 503
            }
        }
        await #expect(throws: BigIPRequestError.self) { try await round(&state, unit) }
    }

    @Test("a pool that lost a member is believed when its count says so too, else not")
    func shrunken() async throws {
        let unit = unit(pools: 2)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { content in
            content.pools[first(0)]?.members.removeLast()
            content.pools[first(0)]?.count = 2
        }
        // The configuration has what statistics have: the count holds something that is no member.
        #expect(try await round(&state, unit).pools[first(0)]?.members.count == 1)
        let seen = unit.asked().filter { $0.contains("p10000") }
        #expect(
            seen.suffix(3).map { $0.split(separator: "/").suffix(1).joined() } == [
                "stats", "stats", "members",
            ]
        )
        unit.change { $0.pools[first(0)]?.members = [] }
        #expect(try await round(&state, unit).pools[first(0)]?.members == [])
    }

    @Test("a template that is counted and no member is found out once, not in every round")
    func template() async throws {
        let unit = unit(pools: 2)
        unit.change { $0.pools[first(0)]?.count = 3 }
        var state = state()
        #expect(try await round(&state, unit).pools[first(0)]?.members.count == 2)
        _ = unit.asked()
        for _ in 0..<3 { _ = try await round(&state, unit) }
        #expect(!unit.asked().contains("ltm/pool/~K8S~p10000/members"))
        unit.change { content in
            content.pools[first(0)]?.members.removeLast()
            content.pools[first(0)]?.count = 2
        }
        #expect(try await round(&state, unit).pools[first(0)]?.members.count == 1)
    }

    @Test("a partition that is empty all at once is believed to be once it is proven")
    func emptied() async throws {
        let unit = unit(pools: 2)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { content in content.pools = [:] }
        let doubted = try await round(&state, unit)
        #expect(doubted.unreadPools.count == 2)
        #expect(doubted.pools.count == 2)
        #expect(try await round(&state, unit).pools.isEmpty)
    }

    @Test("pools of a partition that is not there any more are not called gone for ten rounds")
    func withoutPartition() async throws {
        let unit = unit(pools: 2)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { content in
            content.pools = [:]
            content.partitions = ["Common"]
        }
        for _ in 0..<10 { #expect(try await round(&state, unit).pools.count == 2) }
        #expect(try await round(&state, unit).pools.isEmpty)
    }

    @Test("a unit that restarts within a round takes nothing from what was known")
    func restart() async throws {
        let unit = unit(pools: 2)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { content in
            content.before = { place, content in
                guard place == "ltm/pool" else { return }
                content.pools = content.pools.mapValues { _ in ScriptedUnit.Pool() }
                content.refusals["sys/mcp-state"] = 503
            }
        }
        await #expect(throws: BigIPRequestError.self) { try await round(&state, unit) }
        unit.change { content in (content.before, content.refusals) = (nil, [:]) }
        unit.change { content in
            content.pools = content.pools.mapValues { _ in
                ScriptedUnit.Pool(members: ["10.16.0.1:80", "10.16.0.2:80"])
            }
        }
        #expect(try await round(&state, unit).members.count == 4)
    }

    @Test("a role that is another at the end makes the round none")
    func failover() async throws {
        let unit = unit(pools: 2)
        var state = state()
        _ = try await round(&state, unit)
        unit.change { content in
            content.before = { place, content in
                if place == "ltm/virtual" { content.role = "standby" }
            }
        }
        await #expect(throws: BigIPRoleChange.self) { try await round(&state, unit) }
        #expect(try await round(&state, unit).role == .standby)
    }

    private func address(_ settings: String) -> String {
        #"{"fullPath":"/K8S/a","address":"10.50.0.1",\#(settings)}"#
    }

    @Test("of several traffic groups the one that the addresses are of tells the unit's role")
    func trafficGroups() async throws {
        let unit = unit(pools: 2)
        unit.change { content in
            content.groups = [
                "/Common/traffic-group-1": "active", "/Common/traffic-group-2": "standby",
                "/Common/traffic-group-local-only": "active",
            ]
            content.addresses = [address(#""trafficGroup":"/Common/traffic-group-2""#)]
        }
        var state = state()
        #expect(try await round(&state, unit).role == .standby)
        unit.change { $0.groups["/Common/traffic-group-2"] = "active" }
        #expect(try await round(&state, unit).role == .active)
        // What the account may not see decides nothing.
        unit.change { content in
            content.groups["/Common/traffic-group-2"] = "standby"
            content.refusals["cm/traffic-group/~Common~traffic-group-2/stats"] = 403
        }
        #expect(try await round(&state, unit).role == .active)
    }

    @Test("a unit with one traffic group is asked for no other word than its own")
    func oneGroup() async throws {
        let unit = unit(pools: 2)
        unit.change { content in
            content.groups = [
                "/Common/traffic-group-1": "standby", "/Common/traffic-group-local-only": "active",
            ]
            content.addresses = [address(#""trafficGroup":"/Common/traffic-group-1""#)]
        }
        var state = state()
        #expect(try await round(&state, unit).role == .active)
        #expect(!unit.asked().contains { $0.hasPrefix("cm/traffic-group/") })
    }

    @Test(
        "a virtual server's address has its own settings, and what is not told is as by default",
        arguments: [
            (#""enabled":"no""#, false, true, false), (#""enabled":"yes""#, true, true, false),
            (#""arp":"disabled","routeAdvertisement":"selective""#, true, false, true),
            (#""arp":"disabled","routeAdvertisement":"disabled""#, true, false, false),
        ]
    )
    func virtualAddresses(
        _ settings: String,
        _ isEnabled: Bool,
        _ answers: Bool,
        _ isAdvertised: Bool
    ) async throws {
        let unit = unit(pools: 1)
        unit.change { $0.addresses = [address(settings)] }
        var state = state()
        let found = try await round(&state, unit).virtualServers.first?.address
        #expect(found?.isEnabled == isEnabled)
        #expect(found?.answersARP == answers)
        #expect(found?.isAdvertised == isAdvertised)
        unit.change { $0.refusals["ltm/virtual-address"] = 403 }
        let table = try await round(&state, unit)
        #expect(table.virtualServers.first?.availability == "available")
        #expect(table.virtualServers.first?.address == nil)
    }

    @Test("what is asked for again and again and stays as it is, is asked for less and less")
    func patience() async throws {
        let unit = unit(pools: 2)
        var state = state()
        _ = try await round(&state, unit)
        let requested = RequestedPools()
        var moments: [Int64] = []
        for second in 0..<3_600 {
            requested.ask([first(0)])
            let (due, _) = requested.due(state.reads, floor: 15_000, at: clock.now())
            if !due.isEmpty {
                moments.append(Int64(second))
                _ = try await state.pools(due, unit.reader) { clock.now() }
            }
            clock.pass(1_000)
        }
        let gaps = zip(moments.dropFirst(), moments).map { $0 - $1 }
        #expect(gaps == [15, 30, 60, 120, 240, 480] + [600, 600, 600, 600])
        unit.change { $0.pools[first(0)]?.members.append("10.16.7.7:80") }
        requested.ask(.pool(first(0)))
        #expect(requested.due(state.reads, floor: 15_000, at: clock.now()).0 == [first(0)])
    }
}
