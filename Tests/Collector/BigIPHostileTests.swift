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

private let login =
    #"{"token":{"token":"T","timeout":1200,"lastUpdateMicros":1000000,"expirationMicros":1201000000}}"#
private let device =
    #"{"kind":"k","items":[{"selfDevice":"true","failoverState":"active"}],"totalItems":1}"#

@Suite struct BigIPHostileBytes {
    @Test("a body cut anywhere throws", arguments: ["members-stats", "members", "routes"])
    func cutAnywhere(name: String) throws {
        // The fixture ends in a line feed, without which it is still whole.
        let whole = try fixture(name)
        let end = try #require(whole.lastIndex(of: UInt8(ascii: "}")))
        for length in stride(from: 0, through: end, by: 11) {
            let body = Array(whole.prefix(length))
            #expect(throws: BigIPDecodingError.self, "\(length)") {
                _ = try decodeMemberStats(body, pool: "p")
            }
            #expect(throws: BigIPDecodingError.self, "\(length)") { _ = try decodeRoutes(body) }
        }
    }

    @Test("damaged bytes never trap", arguments: 1...8)
    func damaged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let bodies =
            [bytes(login), bytes(device)]
            + (try ["members-stats", "members", "routes"].map(fixture))
        for round in 0..<150 {
            decodeAll(damage(bodies[round % bodies.count], &generator))
        }
    }

    private func decodeAll(_ body: [UInt8]) {
        _ = try? decodeMemberStats(body, pool: "")
        _ = try? decodeMembers(body, pool: "")
        _ = try? decodePools(body)
        _ = try? decodeRoutes(body)
        _ = try? decodeSelfIPs(body)
        _ = try? decodeVirtualRows(body, states: [:])
        _ = try? decodeVirtualStates(body)
        _ = try? decodeDevice(body)
        _ = try? decodeMCPState(body)
        _ = try? decodeMonitors(body)
        _ = try? decodeLogin(body)
        _ = try? inspectVirtuals(body)
        _ = classify(status: 404, body: body)
    }

    @Test(
        "a token lives as long as the unit's stamps say, within what a unit can grant",
        arguments: [
            (#""lastUpdateMicros":1000000,"expirationMicros":601000000"#, 600_000),
            (#""timeout":300"#, 300_000), (#""timeout":9000000000000000000"#, 1_200_000),
            (#""timeout":-5"#, 1_200_000), (#""expirationMicros":5"#, 1_200_000),
            (
                #""lastUpdateMicros":-9000000000000000000,"expirationMicros":9000000000000000000"#,
                1_200_000
            ),
            (#""lastUpdateMicros":0,"expirationMicros":9000000000000000000"#, 36_000_000),
            (
                #""lastUpdateMicros":1652125332640216,"expirationMicros":1652126532640000"#,
                1_199_999
            ),
        ]
    )
    func lifetimes(fields: String, expected: Int64) throws {
        let body = bytes(#"{"token":{"token":"T",\#(fields)}}"#)
        #expect(try decodeLogin(body).lifetimeMilliseconds == expected)
    }

    @Test("a login's answer that cannot be read is not repeated in the error")
    func secretStays() {
        for text in [
            #"{"token":{"token":"SECRET" x}}"#, #"{"token":{"token":"SECRET"},"token":1}"#,
            #"{"token":{"token":"SECRET"}} {}"#, #"{"token":{"token":"SECRET""#,
        ] {
            let error = #expect(throws: BigIPDecodingError.self) {
                _ = try decodeLogin(bytes(text))
            }
            #expect(error.map { !"\($0)".contains("SECRET") } == true)
        }
    }

    @Test("only a device that is the unit itself tells its role")
    func roles() throws {
        func role(_ rows: String) throws -> LoadBalancerTable.Role {
            try decodeDevice(bytes(#"{"kind":"k","items":[\#(rows)]}"#)).role
        }
        #expect(try role(#"{"failoverState":"active"}"#) == .active)
        #expect(try role(#"{"selfDevice":"true","failoverState":"forced-offline"}"#) == .other)
        #expect(throws: BigIPDecodingError.self) {
            _ = try role(#"{"selfDevice":"false","failoverState":"active"}"#)
        }
        #expect(throws: BigIPDecodingError.self) { _ = try role(#"{"selfDevice":"true"}"#) }
    }

    @Test("mcpd's state without a phase is unreadable; old versions leave a level out")
    func mcpState() throws {
        #expect(throws: BigIPDecodingError.self) {
            _ = try decodeMCPState(bytes(#"{"kind":"tm:sys:mcp-state:mcp-statestats"}"#))
        }
        let flat =
            #"{"kind":"tm:sys:mcp-state:mcp-statestats","entries":{"phase":{"description":"running"},"lastLoad":{"description":"full-config-load-succeed"}}}"#
        #expect(try decodeMCPState(bytes(flat)))
    }

    @Test(
        "a worker that is not loaded answers 404 without a message: no absence",
        arguments: [
            ("", BigIPFailure.Action.retryLater),
            (#"{"code":404,"message":"","errorStack":[]}"#, .retryLater),
            (#"{"code":404,"message":"Public URI path not registered: /x","err""#, .retryLater),
            (#"{"code":404,"message":"Object not found - /t/x"}"#, .absentMaybe),
        ]
    )
    func notLoaded(body: String, expected: BigIPFailure.Action) {
        #expect(classify(status: 404, body: bytes(body)).action == expected)
    }

    @Test("nothing in a pool's name leaves its place in the path")
    func paths() {
        let path = memberStatsPath(pool: "/K8S/a?b#c\r\nd&é%")
        #expect(
            path == "/mgmt/tm/ltm/pool/~K8S~a%3Fb%23c%0D%0Ad%26%C3%A9%25/members/stats"
        )
    }
}
