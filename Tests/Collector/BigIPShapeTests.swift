// SPDX-License-Identifier: Apache-2.0
import BigIPSource
import Facts
import Foundation
import Routing
import Support
import Testing

/// See Tests/Fixtures/bigip/README.md.
private func fixture(_ name: String) throws -> [UInt8] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/bigip/\(name).json")
    return [UInt8](try Data(contentsOf: file))
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func collection(_ kind: String, _ rows: String...) -> [UInt8] {
    bytes(#"{"kind":"tm:\#(kind)collectionstate","items":[\#(rows.joined(separator: ","))]}"#)
}

/// Statistics of one object, with its fields as `name: JSON`.
private func statistics(_ kind: String, _ fields: String) -> [UInt8] {
    bytes(
        #"{"kind":"\#(kind)","entries":{"https://localhost/x":{"nestedStats":{"entries":{\#(fields)}}}}}"#
    )
}

private func isRefused(_ body: [UInt8]) -> Bool {
    (try? decodeMemberStats(body, pool: "p")) == nil && (try? decodePools(body)) == nil
        && (try? decodeRoutes(body)) == nil && (try? decodeSelfIPs(body)) == nil
        && (try? decodeVirtualRows(body, states: [:])) == nil
        && (try? decodeMembers(body, pool: "p")) == nil && (try? decodeMonitors(body)) == nil
}

@Suite struct BigIPShapes {
    @Test(
        "no decoder takes what is not its answer for an empty one",
        arguments: [
            #"{"code":401,"message":"x","errorStack":[],"kind":":resterrorresponse"}"#,
            #"{"code":404,"message":"01020036:3: not found","errorStack":[],"apiError":3}"#,
            #"{"kind":"tm:sys:ready:readystate"}"#, #"{"selfLink":"https://localhost/mgmt"}"#,
            #"{"kind":"x","items":[],"items":[]}"#, "[]", "null", "{}{}", "\u{feff}<html>",
            #"{"kind":"x","items":{},"entries":[]}"#,
        ]
    )
    func notEmpty(text: String) { #expect(isRefused(bytes(text))) }

    @Test("a hundred thousand levels and seventeen megabytes are refused before they are parsed")
    func bounds() {
        #expect(isRefused([UInt8](repeating: UInt8(ascii: "["), count: 100_000)))
        let deep = #"{"kind":"#.utf8 + [UInt8](repeating: UInt8(ascii: "{"), count: 100_000)
        #expect(isRefused(deep))
        #expect(isRefused([UInt8](repeating: UInt8(ascii: " "), count: 17 << 20)))
    }

    @Test("an empty collection leaves its items out")
    func emptyCollection() throws {
        let body = bytes(#"{"kind":"tm:net:route:routecollectionstate","selfLink":"x"}"#)
        #expect(try decodeRoutes(body).routes.isEmpty)
        let pools = bytes(#"{"kind":"tm:ltm:pool:poolcollectionstate","selfLink":"x"}"#)
        #expect(try decodePools(pools).pools.isEmpty)
    }

    @Test(
        "pool statistics in every disguise are refused under a members path",
        arguments: [
            ("tm:ltm:pool:members:membersstats", #""activeMemberCnt":{"value":3}"#),
            ("tm:ltm:pool:members:memberscollectionstats", #""minActiveMembers":{"value":0}"#),
            ("tm:ltm:pool:poolcollectionstats", #""tmName":{"description":"/Common/a"}"#),
        ]
    )
    func trap(kind: String, fields: String) {
        let flat = bytes(#"{"kind":"\#(kind)","entries":{\#(fields)}}"#)
        for body in [statistics(kind, fields), flat] {
            #expect(throws: BigIPDecodingError.poolLevel) {
                _ = try decodeMemberStats(body, pool: "/K8S/web")
            }
        }
        #expect(throws: BigIPDecodingError.poolLevel) {
            _ = try decodeMemberStats(
                bytes(#"{"kind":"tm:ltm:pool:poolcollectionstats"}"#),
                pool: "/K8S/web"
            )
        }
    }

    @Test("a row that cannot be read is named, and the others stay")
    func badRow() throws {
        let text = String(decoding: try fixture("members-stats"), as: UTF8.self)
        let whole = try decodeMemberStats(bytes(text), pool: "")
        let more = text.replacing(
            #""entries": {"#,
            with: #""entries": {"odd":7,"#,
            maxReplacements: 1
        )
        let answer = try decodeMemberStats(bytes(more), pool: "")
        #expect(answer.members == whole.members)
        #expect(answer.problems == ["entries[odd]: no nestedStats.entries"])
    }

    @Test(
        "addresses of statistics, with the route domain from wherever it stands",
        arguments: [
            ("10.16.3.7%10", "/K8S/10.16.3.7%10", "10.16.3.7", 10, 0),
            ("10.16.3.7", "/K8S/10.16.3.7%10", "10.16.3.7", 10, 0),
            ("10.16.3.7", "/Common/web-1", "10.16.3.7", nil, 0),
            ("::", "/K8S/web", nil, nil, 0), ("any6", "/K8S/web", nil, nil, 0),
            ("::ffff:10.16.3.7", "/K8S/n", "10.16.3.7", nil, 0),
            ("10.16.3.7%x", "/K8S/n", nil, nil, 1), ("nonsense", "/K8S/n", nil, nil, 1),
        ] as [(String, String, String?, Int?, Int)]
    )
    func places(addr: String, node: String, expected: String?, domain: Int?, problems: Int) throws {
        let fields =
            #""addr":{"description":"\#(addr)"},"nodeName":{"description":"\#(node)"},"#
            + #""port":{"value":80},"monitorStatus":{"description":"up"}"#
        let answer = try decodeMemberStats(
            statistics("tm:ltm:pool:members:memberscollectionstats", fields),
            pool: "/K8S/web"
        )
        let member = try #require(answer.members.first)
        #expect(member.address?.description == expected)
        #expect(member.routeDomain == domain)
        #expect(member.isUp == nil)
        #expect(answer.problems.count == problems)
    }

    @Test("a route without a network, or of a domain nobody can name, is no default route")
    func routesWithoutNetwork() throws {
        let answer = try decodeRoutes(
            collection(
                "net:route:route",
                #"{"fullPath":"/Common/a","gw":"10.3.1.254"}"#,
                #"{"fullPath":"/Common/b","gw":"10.3.1.254","network":"default%x"}"#,
                #"{"fullPath":"/Common/c","gw":"10.3.1.254","network":"default%2"}"#
            )
        )
        #expect(answer.problems.count == 2)
        #expect(answer.routes.map(\.name) == ["/Common/c"])
        #expect(answer.routes.first?.routeDomain == 2)
    }

    @Test("inspect prints a BIG-IP's routes as any route table, and where they lead")
    func routeInspection() throws {
        let json = try inspectBigIPRoutes(try fixture("routes"))
        #expect(
            json.contains(
                #"{"best":true,"name":"/Common/pods","nextHops":["10.3.1.254"],"prefix":"10.16.0.0/16","protocol":"static","routeDomain":1,"target":"gateway 10.3.1.254","vrf":"1"}"#
            )
        )
        #expect(json.contains(#""target":"blackhole""#))
    }

    @Test(
        "inspect takes members from the answer's own pool, pools and virtual servers from both forms"
    )
    func otherForms() throws {
        let link = "https://localhost/mgmt/tm/ltm/pool/~K8S~a%20b/members?ver=13.1.3"
        let members =
            #"{"kind":"tm:ltm:pool:members:memberscollectionstate","selfLink":"\#(link)","#
            + #""items":[{"name":"10.16.0.1:80","state":"up","session":"monitor-enabled"}]}"#
        #expect(try inspectMembers(bytes(members)).contains(#""pool":"/K8S/a b""#))
        let pools = statistics(
            "tm:ltm:pool:poolcollectionstats",
            #""tmName":{"description":"/K8S/web"},"memberCnt":{"value":3}"#
        )
        #expect(try decodePools(pools).pools.first?.memberCount == 3)
        let virtuals = statistics(
            "tm:ltm:virtual:virtualcollectionstats",
            #""tmName":{"description":"/K8S/v"},"status.availabilityState":{"description":"offline"}"#
        )
        #expect(try inspectVirtuals(virtuals).contains(#""availability":"offline""#))
    }

    @Test("a virtual server takes its state from the statistics, and is unknown without them")
    func virtuals() throws {
        let config = collection(
            "ltm:virtual:virtual",
            #"{"fullPath":"/K8S/v","destination":"/K8S/10.1.1.1:80","pool":"/K8S/web","disabled":true}"#
        )
        let stats = statistics(
            "tm:ltm:virtual:virtualcollectionstats",
            #""tmName":{"description":"/K8S/v"},"status.availabilityState":{"description":"offline"},"#
                + #""status.enabledState":{"description":"disabled-by-parent"}"#
        )
        let known = try #require(
            try decodeVirtualRows(config, states: decodeVirtualStates(stats).states).servers.first
        )
        #expect(known.availability == "offline")
        #expect(known.enabled == "disabled-by-parent")
        let unknown = try #require(try decodeVirtualRows(config, states: [:]).servers.first)
        #expect(unknown.availability == "unknown")
        #expect(unknown.enabled == "disabled")
    }
}

@Suite struct BigIPKindTests {
    private static let lists = [
        "tm:ltm:pool:poolcollectionstate", "tm:ltm:pool:members:memberscollectionstate",
        "tm:ltm:virtual:virtualcollectionstate", "tm:net:route:routecollectionstate",
        "tm:net:self:selfcollectionstate", "tm:ltm:node:nodecollectionstate",
        "tm:gtm:pool:a:acollectionstate", "tm:gtm:wideip:a:acollectionstate",
        "tm:sys:management-route:management-routecollectionstate",
    ]

    @Test("a list of other objects, empty or not, is no answer", arguments: lists)
    func otherObjects(kind: String) {
        let row =
            #"{"name":"x","fullPath":"/Common/x","network":"default","address":"10.0.0.1/24"}"#
        for items in ["", #","items":[\#(row)]"#] {
            let body = Array(#"{"kind":"\#(kind)"\#(items)}"#.utf8)
            func isRefused(_ decode: () throws -> Void) -> Bool {
                do {
                    try decode()
                    return false
                } catch {
                    return true
                }
            }
            #expect(isRefused { _ = try decodePools(body) } == !kind.contains("poolcollection"))
            #expect(
                isRefused { _ = try decodeMembers(body, pool: "") }
                    == !kind.contains("pool:members")
            )
            #expect(
                isRefused { _ = try decodeVirtualRows(body, states: [:]) }
                    == !kind.contains("virtualcoll")
            )
            #expect(isRefused { _ = try decodeRoutes(body) } == !kind.contains("net:route:"))
            #expect(isRefused { _ = try decodeSelfIPs(body) } == !kind.contains("net:self:"))
        }
    }

    @Test("an error object is an error, also with an empty list beside it")
    func errorWithRows() {
        for rows in [#""items":[]"#, #""entries":{}"#] {
            let body = Array(#"{"code":503,"message":"busy",\#(rows)}"#.utf8)
            #expect(throws: BigIPDecodingError.refused(code: 503)) { try decodePools(body) }
        }
    }

    @Test("a member without an address is a problem, unless DNS gives it one")
    func withoutAddress() throws {
        func problems(_ more: String) throws -> [String] {
            let row = #"{"name":"node-a.example.com:8443"\#(more)}"#
            let kind = "tm:ltm:pool:members:memberscollectionstate"
            return try decodeMembers(
                Array(#"{"kind":"\#(kind)","items":[\#(row)]}"#.utf8),
                pool: "/P/p"
            ).problems
        }
        #expect(try problems("") == ["items[0].address: missing"])
        #expect(try problems(#","fqdn":{"tmName":"node-a.example.com"}"#).isEmpty)
    }

    @Test("what is one page of several says so")
    func page() throws {
        let row = #"{"name":"a","fullPath":"/K8S/a"}"#
        let kind = "tm:ltm:pool:poolcollectionstate"
        let body = #"{"kind":"\#(kind)","totalItems":3,"nextLink":"x","items":[\#(row)]}"#
        #expect(try inspectPools(Array(body.utf8)).contains("a page of several: 1 of 3 rows"))
    }
}
