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

/// The three commands as the collector runs them: summary, routes, summary.
private func read(_ state: String) throws -> SwitchAnswer {
    let summary = try fixture(state, "show_bgp_ipv4_unicast_summary")
    return try decodeFRR(summary + (try fixture(state, "show_ip_route_bgp")) + summary)
}

@Suite struct FRRAnswers {
    private let cidrs = [prefix("10.16.0.0/24"), prefix("10.16.1.0/24"), prefix("10.16.2.0/24")]

    @Test("a healthy switch: three CIDRs, each by its node, and three neighbours")
    func normal() throws {
        let answer = try read("normal")
        #expect(answer.isComplete)
        #expect(answer.problems.isEmpty)
        for (index, cidr) in cidrs.enumerated() {
            let best = try #require(answer.table.best(cidr))
            #expect(best.nextHops == [address("10.1.0.\(index + 1)")])
            #expect(best.protocolName == "bgp")
        }
        #expect(answer.table.neighbors.values.count(where: \.isEstablished) == 3)
    }

    @Test("a CIDR that is not there is absent from a complete answer")
    func missing() throws {
        let answer = try read("missing-10.16.1.0")
        #expect(answer.isComplete)
        #expect(answer.table.best(cidrs[1]) == nil)
        #expect(answer.table.best(cidrs[0]) != nil)
    }

    @Test("a BGP route that a static hides is not what the switch forwards by")
    func hidden() throws {
        let answer = try read("static-hides-bgp-10.16.1.0")
        let bgp = answer.table.routes[cidrs[1]]?.first { $0.protocolName == "bgp" }
        #expect(bgp?.isBest == false)
    }

    @Test("two nodes with one CIDR are both seen")
    func duplicate() throws {
        let answer = try read("duplicate-10.16.0.0-two-nodes")
        #expect(answer.isComplete)
        #expect(answer.table.best(cidrs[0]) != nil)
    }

    @Test("with every session down an empty table is believed, for the summary agrees")
    func allDown() throws {
        let answer = try read("all-down")
        #expect(answer.isComplete)
        #expect(answer.table.routes.values.joined().allSatisfy { !$0.isBest })
    }

    @Test("an empty table proves nothing without a summary, or beside one that names nobody")
    func emptyTable() throws {
        #expect(try !decodeFRR(Array("{ }".utf8)).isComplete)
        #expect(try !decodeFRR(Array("{}{ }{}".utf8)).isComplete)
    }

    @Test("a session that changed while the table was read makes it doubtful")
    func changedBetween() throws {
        let up = try fixture("normal", "show_bgp_ipv4_unicast_summary")
        let down = try fixture("all-down", "show_bgp_ipv4_unicast_summary")
        let answer = try decodeFRR(up + (try fixture("normal", "show_ip_route_bgp")) + down)
        #expect(!answer.isComplete)
    }

    @Test("neighbours that sent prefixes, and a table without BGP routes, contradict each other")
    func contradiction() throws {
        let summary = try fixture("normal", "show_bgp_ipv4_unicast_summary")
        let answer = try decodeFRR(summary + Array("{ }".utf8) + summary)
        #expect(!answer.isComplete)
    }

    @Test("an unknown command, a cut answer, deep nesting and a flood are errors")
    func broken() throws {
        let whole = try fixture("normal", "show_ip_route_bgp")
        #expect(throws: JSONError.self) {
            _ = try decodeFRR(Array("% Unknown command: show vrf json\n".utf8))
        }
        for length in stride(from: 1, to: whole.count - 2, by: 97) {
            #expect(throws: JSONError.self) { _ = try decodeFRR(Array(whole.prefix(length))) }
        }
        #expect(throws: JSONError.tooDeep(at: 65)) {
            _ = try decodeFRR([UInt8](repeating: UInt8(ascii: "["), count: 100_000))
        }
        #expect(throws: JSONError.empty) { _ = try decodeFRR([]) }
    }

    @Test("a recursive next hop counts, those that resolve it do not")
    func recursive() throws {
        // `show ip route json` of FRR 8.4.4, a route reflected by the other switch.
        let text = """
            {"10.16.2.0/24":[{"protocol":"bgp","selected":true,"installed":true,"nexthops":[
            {"ip":"10.2.0.3","active":true,"recursive":true},
            {"ip":"10.4.0.2","active":true,"fib":true,"resolver":true}]}]}
            """
        let answer = try decodeFRR(Array(text.utf8))
        #expect(answer.table.best(prefix("10.16.2.0/24"))?.nextHops == [address("10.2.0.3")])
    }

    @Test("inspect prints the public shape")
    func inspection() throws {
        let json = inspectRoutes(try read("normal"))
        #expect(
            json.hasPrefix(
                #"{"problems":[],"routes":[{"best":true,"nextHops":["10.1.0.1"],"prefix":"10.16.0.0/24","protocol":"bgp","vrf":"default"}"#
            )
        )
    }
}
