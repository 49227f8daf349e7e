// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import SwitchDialects
import Testing
import VendorJSON

/// See Tests/Fixtures/frr/README.md.
private func fixture(_ state: String, _ command: String) throws -> [UInt8] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/frr/\(state)/\(command).json")
    return [UInt8](try Data(contentsOf: file))
}

/// Summary, routes, summary.
private func whole(_ state: String) throws -> [UInt8] {
    let summary = try fixture(state, "show_bgp_ipv4_unicast_summary")
    return summary + (try fixture(state, "show_ip_route_bgp")) + summary
}

private func decode(_ text: String) throws -> SwitchAnswer { try decodeFRR(Array(text.utf8)) }

/// A peer of a summary, as FRR writes him.
private func peer(_ state: String, received: String = "0", dropped: Int = 0) -> String {
    #"{"state":"\#(state)","pfxRcd":\#(received),"connectionsDropped":\#(dropped)}"#
}

private func entry(_ proto: String, via: String, vrf: String = "default") -> String {
    """
    {"protocol":"\(proto)","vrfName":"\(vrf)","selected":true,"installed":true,
    "nexthops":[{"ip":"\(via)","active":true}]}
    """
}

@Suite struct SwitchAnswers {
    @Test(
        "an answer cut anywhere throws, is incomplete, or still has every route",
        arguments: ["normal", "missing-10.16.1.0", "duplicate-10.16.0.0-two-nodes"]
    )
    func cutAnywhere(state: String) throws {
        let bytes = try whole(state)
        let routes = try decodeFRR(bytes).table.routes
        for length in stride(from: 0, to: bytes.count, by: 7) {
            guard let answer = try? decodeFRR(Array(bytes.prefix(length))) else { continue }
            #expect(!answer.isComplete || answer.table.routes == routes, "cut at \(length)")
        }
    }

    @Test("damaged bytes never trap", arguments: 1...8)
    func damaged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let bytes = try whole(seed % 2 == 0 ? "normal" : "static-hides-bgp-10.16.1.0")
        for _ in 0..<60 {
            _ = try? decodeFRR(damage(bytes, &generator))
        }
    }

    @Test("a key that stands twice is an error, not a silent loss of one route")
    func repeatedKeys() throws {
        let twice = #"{"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.1"))],"10.16.0.0/24":[]}"#
        #expect(throws: JSONError.self) { _ = try decode(twice) }
        let colons = #"{"10.16.0.0/24":[{"protocol":"a:\"b:{","x":{"protocol":1}}]}"#
        #expect(try decode(colons).table.routes.count == 1)
    }

    @Test(
        "what FRR 8.4.4 prints when it cannot answer is an error or proves nothing",
        arguments: [
            // Captured with bgpd killed, with zebra killed too, and of a command it does not know.
            "bgpd is not running\n", "{\n}\nbgpd is not running\n",
            "Exiting: failed to connect to any daemons.\n",
            "% Unknown command: show ip route bgp vrf all json\n",
            // Without a BGP instance.
            "{}\n{\n}\n{}\n", "{\n  \"warning\":\"Default BGP instance not found\"\n}\n",
        ]
    )
    func cannotAnswer(text: String) {
        let answer = try? decode(text)
        #expect(answer == nil || answer?.isComplete == false)
    }

    @Test("other routes beside an empty summary do not prove that BGP has none")
    func noInstance() throws {
        let table = #"{"10.1.0.0/24":[\#(entry("static", via: "10.1.0.9"))]}"#
        #expect(try !decode("{}" + table + "{}").isComplete)
        #expect(try decode(table).isComplete)
    }

    @Test("the summary of one family, of several and of every VRF name the same neighbours")
    func summaryForms() throws {
        let peers = #"{"peers":{"10.1.0.1":\#(peer("Established", received: "1"))}}"#
        let table = #"{"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.1"))]}"#
        for summary in [
            peers, #"{"ipv4Unicast":\#(peers)}"#, #"{"default":{"ipv4Unicast":\#(peers)}}"#,
        ] {
            let answer = try decode(summary + table + summary)
            #expect(answer.isComplete, "\(answer.problems)")
            #expect(answer.table.neighbors[address("10.1.0.1")]?.isEstablished == true)
        }
    }

    @Test("counts of a neighbour's families add up, whatever numbers he claims")
    func families() throws {
        let huge = peer("Established", received: "9000000000000000000")
        let families =
            #"{"ipv4Unicast":{"peers":{"10.1.0.1":\#(huge),"10.1.0.2":\#(huge)}},"#
            + #""ipv6Unicast":{"peers":{"10.1.0.1":\#(huge)}}}"#
        let answer = try decode(families + "{}" + families)
        #expect(!answer.isComplete)
        #expect(answer.table.neighbors.count == 2)
    }

    @Test("a session that went and came between the summaries is a change; a retry is none")
    func changes() throws {
        let table = #"{"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.1"))]}"#
        func answer(_ before: String, _ after: String) throws -> SwitchAnswer {
            try decode(
                #"{"peers":{"10.1.0.1":\#(before)}}"# + table + #"{"peers":{"10.1.0.1":\#(after)}}"#
            )
        }
        #expect(try !answer(peer("Established"), peer("Established", dropped: 1)).isComplete)
        #expect(try answer(peer("Active"), peer("Connect")).isComplete)
        #expect(try !answer(peer("Established"), #"{"pfxRcd":1}"#).isComplete)
    }

    @Test("two summaries on each side of the table are compared side by side")
    func twoFamilies() throws {
        let four = #"{"peers":{"10.1.0.1":\#(peer("Established"))}}"#
        let six = #"{"peers":{"fd00::1":\#(peer("Established"))}}"#
        let table = #"{"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.1"))]}"#
        let answer = try decode(four + six + table + four + six)
        #expect(answer.isComplete, "\(answer.problems)")
        #expect(answer.table.neighbors.count == 2)
    }

    @Test("routes of VRFs below their names and beside each other keep their VRF")
    func vrfs() throws {
        let nested = #"{"red":{"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.1", vrf: "red"))]}}"#
        let flat = #"{"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.2"))]}"#
        let table = try decode(nested + flat).table
        #expect(table.best(prefix("10.16.0.0/24"))?.nextHops == [address("10.1.0.2")])
        let red = table.best(prefix("10.16.0.0/24"), vrf: "red")
        #expect(red?.nextHops == [address("10.1.0.1")])
    }

    @Test(
        "one bad leaf is named, makes the answer doubtful and loses nothing else",
        arguments: [
            (#"{"protocol":"bgp","nexthops":[{"ip":"x","active":true}]}"#, "nexthops[0].ip"),
            (#"{"protocol":"bgp","nexthops":7}"#, "nexthops"),
            (#"{"protocol":"bgp","selected":[]}"#, "selected"), (#"{"selected":true}"#, "protocol"),
            ("null", "protocol"),
        ]
    )
    func badLeaf(bad: String, place: String) throws {
        let answer = try decode(
            #"{"10.16.1.0/24":[\#(bad)],"10.16.0.0/24":[\#(entry("bgp", via: "10.1.0.1"))]}"#
        )
        #expect(!answer.isComplete)
        #expect(answer.problems.count == 1)
        #expect(answer.problems.first?.contains("10.16.1.0/24[0]") == true)
        #expect(answer.problems.first?.contains(place) == true)
        #expect(answer.table.best(prefix("10.16.0.0/24")) != nil)
    }

    @Test("ten thousand bad rows are a hundred problems and a word that there are more")
    func manyProblems() throws {
        let rows = (0..<10_000).map { #""bad\#($0)":1"# }.joined(separator: ",")
        #expect(try decode("{\(rows)}").problems.count == 101)
    }

    @Test("the BGP table is not the routing table")
    func candidates() throws {
        let bytes = try fixture("normal", "show_bgp_ipv4_unicast")
        let alone = try decodeFRR(bytes)
        #expect(alone.isChoiceAlone && alone.problems.isEmpty)
        #expect(alone.table.best(prefix("10.16.1.0/24"))?.evidence == .best)
        let both = try decodeFRR(try whole("normal") + bytes)
        #expect(both.isComplete && !both.isChoiceAlone)
        #expect(both.table.routes == (try decodeFRR(try whole("normal"))).table.routes)
    }

    @Test("beside the routing table the BGP table tells what BGP has and does not choose")
    func unresolved() throws {
        let stale = "graceful-restart-stale-10.16.2.0"
        let answer = try decodeFRR(try whole(stale) + fixture(stale, "show_bgp_ipv4_unicast"))
        let routes = answer.table.hidden(prefix("10.16.1.0/24"))
        #expect(routes.map(\.evidence) == [.accepted])
        #expect(routes.map(\.nextHops) == [[address("10.77.0.1")]])
        let alone = try decodeFRR(fixture("duplicate-10.16.0.0-two-nodes", "show_bgp_ipv4_unicast"))
        let hops = [address("10.1.0.1"), address("10.1.0.2")]
        #expect(alone.table.best(prefix("10.16.0.0/24"))?.nextHops == hops)
    }

    @Test("what a table covers: of another family or VRF absence proves nothing")
    func covered() throws {
        let answer = try decodeFRR(try whole("normal"))
        #expect(answer.table.covers(prefix("10.16.9.0/24"), vrf: "default"))
        #expect(!answer.table.covers(prefix("fd00::/64"), vrf: "default"))
        #expect(!answer.table.covers(prefix("10.16.9.0/24"), vrf: "blue"))
    }
}
