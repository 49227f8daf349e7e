// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing

@testable import SwitchDialects

// Written by hand in the shapes that NX-OS's devices print: one table in three dialects of JSON.

private let best = #""clientname":"bgp-64512","type":"internal","tag":"64512","ubest":"true""#

/// `| json`: one row is an object, and every leaf is text.
private let collapsed = """
    {"TABLE_vrf":{"ROW_vrf":{"vrf-name-out":"default","TABLE_addrf":{"ROW_addrf":{"addrf":"ipv4",
    "TABLE_prefix":{"ROW_prefix":[
    {"ipprefix":"10.16.0.0/24","ucast-nhops":"1","mcast-nhops":"0","attached":"false","TABLE_path":
    {"ROW_path":{"ipnexthop":"10.1.0.1","uptime":"P2DT16H","pref":"200","metric":"0",\(best)}}},
    {"ipprefix":"10.16.1.0/24","ucast-nhops":"1","mcast-nhops":"0","attached":"false","TABLE_path":
    {"ROW_path":[{"ipnexthop":"10.9.9.9","pref":"1","metric":"0","clientname":"static","ubest":"true"},
    {"ipnexthop":"10.1.0.2","pref":"200","metric":"0","clientname":"bgp-64512","type":"internal"}]}},
    {"ipprefix":"10.16.0.0/12","ucast-nhops":"1","mcast-nhops":"0","attached":"false","TABLE_path":
    {"ROW_path":{"ifname":"Null0","pref":"220","metric":"0","clientname":"bgp-64512","type":"discard",
    "ubest":"true"}}}]}}}}}}
    """

/// `| json native`: rows are lists, numbers are numbers, booleans still text.
private let native = """
    {"TABLE_vrf":{"ROW_vrf":[{"vrf-name-out":"default","TABLE_addrf":{"ROW_addrf":[{"addrf":"ipv4",
    "TABLE_prefix":{"ROW_prefix":[
    {"ipprefix":"10.16.0.0/24","ucast-nhops":1,"mcast-nhops":0,"attached":"false","TABLE_path":
    {"ROW_path":[{"ipnexthop":"10.1.0.1","uptime":"P2DT16H","pref":200,"metric":0,\(best)}]}},
    {"ipprefix":"10.16.1.0/24","ucast-nhops":1,"mcast-nhops":0,"attached":"false","TABLE_path":
    {"ROW_path":[{"ipnexthop":"10.9.9.9","pref":1,"metric":0,"clientname":"static","ubest":"true"},
    {"ipnexthop":"10.1.0.2","pref":200,"metric":0,"clientname":"bgp-64512","type":"internal"}]}},
    {"ipprefix":"10.16.0.0/12","ucast-nhops":1,"mcast-nhops":0,"attached":"false","TABLE_path":
    {"ROW_path":[{"ifname":"Null0","pref":220,"metric":0,"clientname":"bgp-64512","type":"discard",
    "ubest":"true"}]}}]}}]}}]}}
    """

/// JSON-RPC's: rows as the first has them, integers as the second.
private let rpc =
    #"{"jsonrpc":"2.0","id":1,"result":{"body":"#
    + collapsed.replacing(#""ucast-nhops":"1""#, with: #""ucast-nhops":1"#) + "}}"

private let text = """
    n5k-a# show ip route bgp vrf all
    IP Route Table for VRF "default"
    '*' denotes best ucast next-hop
    '**' denotes best mcast next-hop
    '[x/y]' denotes [preference/metric]
    '%<string>' in via output denotes VRF <string>

    10.16.0.0/24, ubest/mbest: 1/0
        *via 10.1.0.1, [200/0], 2d16h, bgp-64512, internal, tag 64512,
    10.16.1.0/24, ubest/mbest: 1/0
        *via 10.9.9.9, [1/0], 3w4d, static
         via 10.1.0.2, [200/0], 3w4d, bgp-64512, internal, tag 64512 (hidden)
    10.16.0.0/12, ubest/mbest: 1/0
        *via Null0, [220/0], 1w0d, bgp-64512, discard, tag 64512

    """

private func summary(_ state: String = "3") -> String {
    """
    BGP summary information for VRF default, address family IPv4 Unicast
    BGP router identifier 10.1.0.254, local AS number 64512
    BGP table version is 5, IPv4 Unicast config peers 2, capable peers 1
    3 network entries and 3 paths using 432 bytes of memory

    Neighbor        V    AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd
    10.1.0.1        4 64512    4915    3983        5    0    0 2d16h    \(state)
    10.1.0.2        4 4200000001
                               4915    3983        5    0    0 1w5d     Idle (Admin)

    """
}

private func lines(_ answer: SwitchAnswer) -> [String] {
    answer.table.routes.values.joined().map { route in
        let hops = route.nextHops.map(\.description).joined(separator: " ")
        return "\(route.vrf) \(route.prefix) \(route.protocolName) \(route.isBest) \(hops)"
    }.sorted()
}

private let expected = [
    "default 10.16.0.0/12 bgp-64512 true ", "default 10.16.0.0/24 bgp-64512 true 10.1.0.1",
    "default 10.16.1.0/24 bgp-64512 false 10.1.0.2", "default 10.16.1.0/24 static true 10.9.9.9",
]

@Suite struct NXOSAnswers {
    private func decoded(_ text: String) throws -> SwitchAnswer {
        try decodeNXAPI(Array(text.utf8))
    }

    @Test("the same table in three dialects and in words is the same table")
    func dialects() throws {
        let wrapped =
            #"{"ins_api":{"type":"cli_show","version":"1.0","sid":"eoc","outputs":{"output":{"input":"#
            + #""show ip route bgp vrf all","msg":"Success","code":"200","body":\#(collapsed)}}}}"#
        for form in [collapsed, native, rpc, wrapped, "[\(rpc)]"] {
            let answer = try decoded(form)
            #expect(answer.problems == [])
            #expect(lines(answer) == expected)
        }
        let answer = decodeNXOSText(Array(text.utf8))
        #expect(answer.problems == [])
        #expect(lines(answer) == expected)
    }

    @Test("text in the body is read as text, command by command")
    func asciiFallback() throws {
        let escaped = text.replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
        let words = summary().replacing("\n", with: "\\n")
        func output(_ body: String) -> String {
            #"{"code":"200","msg":"Success","body":"\#(body)"}"#
        }
        let answer = try decoded(
            #"{"ins_api":{"outputs":{"output":[\#(output(words)),\#(output(escaped)),\#(output(words))]}}}"#
        )
        #expect(answer.problems == [])
        #expect(lines(answer) == expected)
        #expect(answer.table.neighbors[address("10.1.0.1")]?.prefixesReceived == 3)
        #expect(answer.table.neighbors[address("10.1.0.2")]?.state == "Idle (Admin)")
    }

    @Test("a command that was refused is a problem, with the switch's words")
    func refused() throws {
        let unsupported = try decoded(
            #"{"ins_api":{"outputs":{"output":{"input":"show ip route","msg":"Structured output unsupported","code":"501"}}}}"#
        )
        #expect(unsupported.problems.first == "code 501: Structured output unsupported")
        let invalid = try decoded(
            #"{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params","data":{"msg":"% Invalid command\n"}},"id":1}"#
        )
        #expect(invalid.problems.first?.hasPrefix("error -32602: % Invalid command") == true)
        for body in [#"{"jsonrpc":"2.0","result":null,"id":1}"#, "{}", #"{"TABLE_vrf":{}}"#] {
            let answer = try decoded(body)
            #expect(!answer.isComplete && answer.table.routes.isEmpty, "\(body)")
        }
        let stopped = decodeNXOSText(Array("Note:  process currently not running\n".utf8))
        #expect(!stopped.isComplete)
    }

    @Test("fewer next hops than told: the prefix is not believed, neither there nor absent")
    func counts() throws {
        let short = native.replacing(
            #""10.16.0.0/24","ucast-nhops":1"#,
            with: #""10.16.0.0/24","ucast-nhops":2"#
        )
        let answer = try decoded(short)
        #expect(answer.isComplete && answer.problems.count == 1)
        #expect(answer.table.routes[prefix("10.16.0.0/24")] == nil)
        #expect(answer.table.doubtful == [prefix("10.16.0.0/24")])
        #expect(answer.table.routes[prefix("10.16.1.0/24")] != nil)
    }

    @Test(
        "words cut off anywhere give no route that the whole does not have, and no proof of absence"
    )
    func truncated() {
        let whole = summary() + text + summary()
        let full = decodeNXOSText(Array(whole.utf8))
        #expect(full.isComplete)
        let all = Set(lines(full))
        for length in 0..<whole.utf8.count - 30 {
            let answer = decodeNXOSText(Array(whole.utf8.prefix(length)))
            #expect(Set(lines(answer)).isSubset(of: all), "\(length)")
            let lacksRoutes = Set(lines(answer)) != all
            #expect(!(lacksRoutes && answer.isComplete), "\(length) bytes are taken for the whole")
        }
    }

    @Test("a prompt, and a line that ends in a whole word, may stand behind the last newline")
    func unterminated() {
        #expect(decodeNXOSText(Array((text + "n5k-a# ").utf8)).isComplete)
        let table =
            "IP Route Table for VRF \"x\"\n10.0.0.0/8, ubest/mbest: 1/0\n    *via Null0, [1/0], 1y, "
        #expect(decodeNXOSText(Array((table + "static").utf8)).isComplete)
        #expect(!decodeNXOSText(Array((table + "bgp-645").utf8)).isComplete)
        let orphan = "IP Route Table for VRF \"x\"\n  *via 10.1.0.1, [1/0], 1y, static\n"
        #expect(!decodeNXOSText(Array(orphan.utf8)).isComplete)
    }

    @Test("a line that a terminal of 80 columns broke is one line, wherever it broke")
    func wrapped() {
        let head = "IPv6 Routing Table for VRF \"default\"\nfd00:10::/64, ubest/mbest: 1/0\n"
        let via =
            "    *via 2001:db8:ffff:1:ffff:2:ffff:1%default, Vlan1234, [200/0], 3w4d, bgp-64512, internal"
        let next =
            "\nfd00:11::/64, ubest/mbest: 1/0\n    *via fd00::2, [200/0], 3w4d, bgp-64512, internal\n"
        let whole = decodeNXOSText(Array((head + via + next).utf8))
        #expect(whole.isComplete && whole.table.routes.count == 2)
        for column in 30..<via.count - 2 {
            let broken = via.prefix(column) + "\n" + via.dropFirst(column)
            let answer = decodeNXOSText(Array((head + broken + next).utf8))
            #expect(answer.problems.isEmpty, "\(broken)")
            let hops = answer.table.routes.values.joined().map(\.nextHops)
            #expect(
                Set(hops) == Set(whole.table.routes.values.joined().map(\.nextHops)),
                "\(broken)"
            )
        }
        let lost = decodeNXOSText(Array((head + via.prefix(60) + next).utf8))
        #expect(lost.table.doubtful == [prefix("fd00:10::/64")] && lost.table.routes.count == 1)
    }

    @Test("a session that went down between the two summaries makes the table prove nothing")
    func changed() {
        let answer = decodeNXOSText(Array((summary() + text + summary("Idle")).utf8))
        #expect(answer.problems == ["a BGP session changed while the table was read"])
    }

    @Test("what next hops look like in the field")
    func nextHops() {
        func hop(_ via: String) -> String? {
            let table = "IP Route Table for VRF \"x\"\n10.0.0.0/8, ubest/mbest: 1/0\n\(via)\n"
            let answer = decodeNXOSText(Array(table.utf8))
            guard answer.problems.isEmpty else { return nil }
            return lines(answer).joined()
        }
        #expect(
            hop("*via 10.1.0.1%management, [1/0], 6d02h, static")
                == "x 10.0.0.0/8 static true 10.1.0.1"
        )
        #expect(
            hop("*via 169.254.1.1%LegacyLAN:{101}, [20/0], 38w2d, bgp-1, external, tag 2")
                == "x 10.0.0.0/8 bgp-1 true 169.254.1.1"
        )
        #expect(
            hop("*via ::ffff:1.2.3.4%default:IPv4, [200/0], 1d, bgp-1, internal, tag 2 (mpls-vpn)")
                == "x 10.0.0.0/8 bgp-1 true 1.2.3.4"
        )
        #expect(
            hop("*via fe80::1, Eth1/1, [200/0], 1d, bgp-1, , tag 1")
                == "x 10.0.0.0/8 bgp-1 true fe80::1"
        )
        #expect(
            hop("*via vrf default, Null0, [200/0], 1d, bgp-1, internal")
                == "x 10.0.0.0/8 bgp-1 true "
        )
        #expect(
            hop(
                "*via 10.1.0.1, [200/0], 0.000000, bgp-1, internal, tag 1 (evpn) segid: 1 tunnelid: 0xac encap: VXLAN"
            ) == "x 10.0.0.0/8 bgp-1 true 10.1.0.1"
        )
        #expect(hop("*via 10.1.0.1, [200/0], 1d") == nil)
        #expect(hop("*via 10.1.0, [200/0], 1d, bgp-1") == nil)
        #expect(hop("**via 10.1.0.1, [200/0], 1d, bgp-1") == nil)
    }

    @Test(
        "no route under a header is an empty table beside a summary that agrees, and else nothing"
    )
    func empty() {
        let none = "IP Route Table for VRF \"default\"\n\nRoute not found\n"
        #expect(!decodeNXOSText(Array(none.utf8)).isComplete)
        #expect(decodeNXOSText(Array((summary("0") + none + summary("0")).utf8)).isComplete)
        #expect(!decodeNXOSText(Array((summary("3") + none + summary("3")).utf8)).isComplete)
    }
}

@Suite struct EOSAnswers {
    private let routes = """
        {"vrfs":{"default":{"routes":{
        "10.16.0.0/24":{"kernelProgrammed":true,"directlyConnected":false,"routeAction":"forward",
        "vias":[{"interface":"Vlan10","nexthopAddr":"10.1.0.1"}],"hardwareProgrammed":true,
        "routeType":"iBGP","preference":200,"metric":0},
        "10.16.1.0/24":{"kernelProgrammed":true,"routeAction":"forward","vias":[{"interface":"Vlan10",
        "nexthopAddr":"10.1.0.2"}],"hardwareProgrammed":false,"routeType":"iBGP"},
        "10.16.0.0/12":{"routeAction":"drop","vias":[],"hardwareProgrammed":true,"routeType":"bgpAggregate"}}}}}
        """
    private let summary = """
        {"vrfs":{"default":{"routerId":"10.1.0.254","asn":"64512","peers":{
        "10.1.0.1":{"peerState":"Established","prefixReceived":1,"asn":"64512"},
        "10.1.0.2":{"peerState":"Idle","prefixReceived":0,"peerStateIdleReason":"Admin"}}}}}
        """

    @Test("routes and neighbours, as documents and as the eAPI's results")
    func routesAndNeighbors() throws {
        let rpc = #"{"jsonrpc":"2.0","id":"1","result":[\#(summary),\#(routes),\#(summary)]}"#
        for form in [summary + routes + summary, rpc] {
            let answer = try decodeEOS(Array(form.utf8))
            #expect(answer.problems == [])
            #expect(
                lines(answer) == [
                    "default 10.16.0.0/12 bgpAggregate true ",
                    "default 10.16.0.0/24 iBGP true 10.1.0.1",
                    "default 10.16.1.0/24 iBGP false 10.1.0.2",
                ]
            )
            #expect(answer.table.neighbors[address("10.1.0.1")]?.isEstablished == true)
        }
    }

    @Test("an error, a missing table and a broken route are problems")
    func problems() throws {
        let refusal =
            #"{"jsonrpc":"2.0","id":"1","error":{"code":1002,"message":"CLI command 1 of 1 'show x' failed: invalid command"}}"#
        let broken =
            #"{"vrfs":{"default":{"routes":{"10.16.0.0/24":{"vias":[{"nexthopAddr":"10.1.0.300"}],"routeType":"iBGP"}}}}}"#
        for text in [refusal, broken, #"{"vrfs":{}}"#, "{}", #"{"errors":["Invalid input"]}"#] {
            let answer = try decodeEOS(Array(text.utf8))
            #expect(!answer.isComplete && answer.table.routes.isEmpty, "\(text)")
        }
    }
}

@Suite struct NXOSReleases {
    @Test("the 5000's 7.1 and the 9000's 7.0 are two trains; JSON is asked from 9.3")
    func trains() {
        let old = NXOSRelease("Software\n  BIOS: version 3.6\n  system:    version 7.1(4)N1(1)\n")
        #expect(old?.train == "N" && old?.hasUsableJSON == false)
        let middle = NXOSRelease("  NXOS: version 7.0(3)I4(3)\n")
        #expect(middle?.train == "I" && middle?.hasUsableJSON == false)
        #expect(NXOSRelease("  NXOS: version 9.3(4)\n")?.hasUsableJSON == true)
        #expect(NXOSRelease("  NXOS: version 10.2(3) [Feature Release]\n")?.hasUsableJSON == true)
        #expect(NXOSRelease("  NXOS: version 9.2(1)\n")?.hasUsableJSON == false)
        #expect(NXOSRelease("nothing of the kind") == nil)
    }
}
