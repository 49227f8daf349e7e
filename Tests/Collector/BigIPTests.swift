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

@Suite struct BigIPAnswers {
    @Test("three axes: what a monitor proved, and nothing else, is up or down")
    func members() throws {
        let answer = try decodeMemberStats(try fixture("members-stats"), pool: "/K8S/web")
        #expect(answer.problems.isEmpty)
        let states = Dictionary(
            uniqueKeysWithValues: answer.members.map {
                ($0.address?.description ?? "none", $0.isUp)
            }
        )
        #expect(
            states == [
                "10.16.0.10": true, "10.16.1.10": false, "10.16.2.10": nil, "10.16.3.10": nil,
                "10.16.4.10": true, "2001:db8::1": false, "none": nil, "10.16.5.10": nil,
            ]
        )
        #expect(answer.members.first { $0.routeDomain == 10 }?.monitor == "checking")
    }

    @Test("the configuration's list of members gives the same places")
    func configured() throws {
        let answer = try decodeMembers(try fixture("members"), pool: "/K8S/web")
        #expect(answer.members.count == 4)
        let six = try #require(answer.members.first { $0.port == 8080 })
        #expect(six.address == address("2001:db8::1"))
        #expect(six.routeDomain == 2)
        #expect(answer.members.first { $0.address == nil }?.isUp == nil)
    }

    @Test(
        "every form of address",
        arguments: [
            ("10.16.3.7%0:80", "10.16.3.7", 0, 80), ("/K8S/10.16.3.7:80", "10.16.3.7", nil, 80),
            ("2001:db8::1.80", "2001:db8::1", nil, 80), ("2001:db8::1%2.80", "2001:db8::1", 2, 80),
            ("2001:0db8:0000::0001.80", "2001:db8::1", nil, 80),
            ("_auto_10.1.1.1:80", "10.1.1.1", nil, 80),
            ("_auto_2607.f8b0.400a.80a..200e:80", "2607:f8b0:400a:80a::200e", nil, 80),
            ("web.example:80", nil, nil, 80), ("any6", nil, nil, nil),
        ] as [(String, String?, Int?, Int?)]
    )
    func addresses(text: String, expected: String?, domain: Int?, port: Int?) {
        let parsed = BigIPAddress(member: text)
        #expect(parsed.address?.description == expected)
        #expect(parsed.routeDomain == domain)
        #expect(parsed.port == port)
    }

    @Test("routes of every kind; one that cannot be read is a problem, not a loss of the rest")
    func routes() throws {
        let answer = try decodeRoutes(try fixture("routes"))
        #expect(answer.routes.count == 5)
        #expect(answer.problems == ["/Common/odd: network is not a prefix"])
        let pods = try #require(answer.routes.first { $0.name == "/Common/pods" })
        #expect(pods.prefix == prefix("10.16.0.0/16"))
        #expect(pods.routeDomain == 1)
        #expect(pods.target == .gateway(address("10.3.1.254")))
        #expect(answer.routes.first { $0.name == "/Common/hole" }?.target == .blackhole)
    }

    @Test("pool statistics under a members path are refused: a short name or the trap")
    func trap() {
        let text =
            #"{"kind":"tm:ltm:pool:members:membersstats","entries":{"u":{"nestedStats":{"entries":{"activeMemberCnt":{"value":3}}}}}}"#
        #expect(throws: BigIPDecodingError.poolLevel) {
            _ = try decodeMemberStats(bytes(text), pool: "/Common/p")
        }
    }

    @Test("no entries are no members; HTML, an error object and a cut body are errors")
    func broken() throws {
        let empty = #"{"kind":"tm:ltm:pool:members:memberscollectionstats","selfLink":"x"}"#
        #expect(try decodeMemberStats(bytes(empty), pool: "p").members.isEmpty)
        for text in [
            "<!DOCTYPE html><html>", #"{"code":404,"message":"no"}"#, "{}", "",
            #"{"entries":3,"kind":"x"}"#,
        ] {
            #expect(throws: BigIPDecodingError.self, "\(text)") {
                _ = try decodeMemberStats(bytes(text), pool: "p")
            }
        }
        let whole = try fixture("members-stats")
        for length in stride(from: 0, to: whole.count - 2, by: 53) {
            #expect(throws: BigIPDecodingError.self) {
                _ = try decodeMemberStats(Array(whole.prefix(length)), pool: "p")
            }
        }
    }

    @Test("pages say whether there are more, whatever the link looks like")
    func pages() throws {
        let page =
            #"{"kind":"tm:ltm:pool:poolcollectionstate","items":[{"fullPath":"/K8S/a","partition":"K8S","monitor":"/Common/http "}],"totalItems":120,"nextLink":"https://localhost/mgmt?%24skip=50&%24top60"}"#
        let answer = try decodePools(bytes(page))
        #expect(answer.page.totalItems == 120)
        #expect(answer.page.hasMore)
        #expect(answer.pools.map(\.fullPath) == ["/K8S/a"])
    }

    @Test("a unit's role, mcpd's state, monitors and the login are read from their own fields")
    func device() throws {
        let device =
            #"{"kind":"k","items":[{"selfDevice":"false","failoverState":"active"},{"selfDevice":"true","failoverState":"standby"}]}"#
        #expect(try decodeDevice(bytes(device)).role == .standby)
        func state(_ phase: String, _ load: String) -> [UInt8] {
            bytes(
                #"{"kind":"k","entries":{"u":{"nestedStats":{"entries":{"phase":{"description":"\#(phase)"},"lastLoad":{"description":"\#(load)"}}}}}}"#
            )
        }
        #expect(try decodeMCPState(state("running", "full-config-load-succeed")))
        #expect(try !decodeMCPState(state("running", "full-config-load-failed")))
        #expect(try !decodeMCPState(state("tmm-starting", "full-config-load-succeed")))
        let monitors =
            #"{"kind":"tm:ltm:pool:poolcollectionstate","items":[{"fullPath":"/Common/http","timeout":16}]}"#
        #expect(try decodeMonitors(bytes(monitors)) == ["/Common/http": 16_000])
        let login =
            #"{"token":{"token":"T","timeout":1200,"lastUpdateMicros":1000000,"expirationMicros":1201000000}}"#
        let answer = try decodeLogin(bytes(login))
        #expect(answer.token == "T")
        #expect(answer.lifetimeMilliseconds == 1_200_000)
    }

    @Test(
        "what a status means, and that no body is repeated",
        arguments: [
            (401, #"{"message":"X-F5-Auth-Token has expired."}"#, BigIPFailure.Action.loginAgain),
            (401, "<html>Authentication required! SECRET", .credentials),
            (400, "user x has reached maximum active login tokens", .tokenFlood),
            (400, "java.util.concurrent.TimeoutException", .retryLater),
            (404, "URI path /mgmt/x not registered. SECRET", .retryLater),
            (404, "01020036:3: The requested Pool (/P/x) was not found.", .absentMaybe),
            (503, "<html>restarting", .retryLater),
        ]
    )
    func failures(status: Int, body: String, expected: BigIPFailure.Action) {
        let failure = classify(status: status, body: bytes(body))
        #expect(failure.action == expected)
        #expect(failure.text.hasPrefix("HTTP \(status)"))
        #expect(!failure.text.contains("SECRET"))
    }

    @Test("a pool's path is escaped as the REST interface wants it")
    func paths() {
        #expect(
            memberStatsPath(pool: "/K8S/Shared/a b%1")
                == "/mgmt/tm/ltm/pool/~K8S~Shared~a%20b%251/members/stats"
        )
    }

    @Test("inspect prints up as true, false or null")
    func inspection() throws {
        for name in ["members-stats", "members"] {
            let json = try inspectMembers(try fixture(name))
            #expect(
                json.contains(#""up":true"#) && json.contains(#""up":false"#)
                    && json.contains(#""up":null"#)
            )
        }
    }
}
