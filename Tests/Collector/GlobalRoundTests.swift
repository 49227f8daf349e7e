// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing

@testable import BigIPSource

/// Rounds of GTM with a script for a unit: wide IPs www0… of a pool each, every pool of one member, which is
/// our virtual server behind the server `ltm-pair`.
@Suite struct GlobalRounds {
    private func unit(wideIPs count: Int, version: Int = 13) -> ScriptedUnit {
        var content = ScriptedUnit.Content()
        let type = version >= 12 ? "/a" : ""
        func add(_ place: String, _ rows: [String]) {
            let items = rows.isEmpty ? "" : #","items":[\#(rows.joined(separator: ","))]"#
            let kind = place.split(separator: "/").filter { !$0.hasPrefix("~") }.joined(
                separator: ":"
            )
            content.more[place] = #"{"kind":"tm:\#(kind):collectionstate"\#(items)}"#
        }
        add("gtm/server", [#"{"fullPath":"/Common/ltm-pair"}"#])
        add(
            "gtm/server/~Common~ltm-pair/virtual-servers",
            [#"{"name":"web","destination":"10.50.0.10:80"}"#]
        )
        let numbers = 0..<count
        add(
            "gtm/wideip\(type)",
            numbers.map {
                #"{"fullPath":"/Common/www\#($0)","pools":[{"name":"p\#($0)","partition":"Common"}]}"#
            }
        )
        if version >= 12 { add("gtm/wideip/aaaa", []); add("gtm/pool/aaaa", []) }
        add(
            "gtm/pool\(type)",
            numbers.map {
                #"{"fullPath":"/Common/p\#($0)","membersReference":{"items":[{"name":"/Common/ltm-pair:web","fullPath":"/Common/ltm-pair:web"}]}}"#
            }
        )
        for number in numbers { tell(&content, number, type, "available", "available") }
        return ScriptedUnit(content)
    }

    private func tell(
        _ content: inout ScriptedUnit.Content,
        _ number: Int,
        _ type: String,
        _ wideIP: String,
        _ member: String
    ) {
        func statistics(_ kind: String, _ fields: [String: String]) -> String {
            let entries = fields.sorted { $0.key < $1.key }
                .map { #""\#($0.key)":{"description":"\#($0.value)"}"# }
            return
                #"{"kind":"tm:gtm:\#(kind):stats","entries":{"https://localhost/x":{"nestedStats":{"entries":{\#(entries.joined(separator: ","))}}}}}"#
        }
        content.more["gtm/wideip\(type)/~Common~www\(number)/stats"] = statistics(
            "wideip:a:a",
            [
                "wipName": "/Common/www\(number)", "status.availabilityState": wideIP,
                "status.enabledState": "enabled",
            ]
        )
        content.more["gtm/pool\(type)/~Common~p\(number)/members/stats"] = statistics(
            "pool:a:members:members",
            [
                "serverName": "/Common/ltm-pair", "vsName": "web",
                "status.availabilityState": member, "status.enabledState": "enabled",
            ]
        )
    }

    private let servers = [
        VirtualServer(
            name: "/K8S/web",
            destination: "/K8S/10.50.0.10:80",
            pool: "/K8S/web",
            availability: "available",
            enabled: "enabled",
            reason: ""
        )
    ]

    @Test(
        "wide IPs that lead to our virtual servers are found, on units before and after 12",
        arguments: [11, 13]
    )
    func found(_ version: Int) async throws {
        let unit = unit(wideIPs: 2, version: version)
        var reads = GlobalReads()
        let wideIPs = try await reads.round(servers, unit.reader)
        #expect(wideIPs.map(\.name) == ["/Common/www0", "/Common/www1"])
        #expect(wideIPs.allSatisfy { $0.state.availability == "available" })
        #expect(wideIPs.first?.members.map(\.virtualServer) == ["/K8S/web"])
    }

    @Test("what leads elsewhere is not asked for, and a unit without the DNS module has none")
    func elsewhere() async throws {
        let unit = unit(wideIPs: 2)
        var reads = GlobalReads()
        var foreign = servers
        foreign[0].destination = "/K8S/10.50.0.99:80"
        #expect(try await reads.round(foreign, unit.reader).isEmpty)
        #expect(!unit.asked().contains { $0.hasSuffix("/stats") })
        var none = GlobalReads()
        let plain = ScriptedUnit(ScriptedUnit.Content())
        #expect(try await none.round(servers, plain.reader).isEmpty)
    }

    @Test("of many each has its turn, and those that are down are asked for in every round")
    func turns() async throws {
        let unit = unit(wideIPs: 60)
        var reads = GlobalReads()
        for _ in 0..<3 { _ = try await reads.round(servers, unit.reader) }
        #expect(try await reads.round(servers, unit.reader).count == 60)
        unit.change { tell(&$0, 7, "/a", "offline", "offline") }
        var seen: [Int] = []
        _ = unit.asked()
        for round in 0..<9 {
            _ = try await reads.round(servers, unit.reader)
            let asked = unit.asked()
            #expect(asked.count < 60)
            if asked.contains("gtm/wideip/a/~Common~www7/stats") { seen.append(round) }
        }
        let first = try #require(seen.first)
        #expect(seen == Array(first..<9))
    }

    @Test("it is searched every tenth round, or when the virtual servers are others")
    func searches() async throws {
        let unit = unit(wideIPs: 2)
        var reads = GlobalReads()
        var searched: [Int] = []
        var servers = servers
        for round in 0..<18 {
            if round == 14 { servers.append(servers[0]) }
            if round == 14 { servers[1].destination = "/K8S/10.50.0.11:80" }
            _ = try await reads.round(servers, unit.reader)
            if unit.asked().contains("gtm/server") { searched.append(round) }
        }
        #expect(searched == [0, 10, 14])
    }
}
