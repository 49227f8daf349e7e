// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hummingbird
import Incidents
import Passwords
import Routing
import Support
import Testing

@testable import Sinks

@Suite struct WebQueries {
    private func refusal(_ query: String, _ endpoint: Endpoint) -> String? {
        do throws(QueryError) {
            _ = try Query(query, endpoint.parameters)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        "what a query may hold is taken",
        arguments: [
            "", "limit=1", "limit=10000&state=firing,pending", "state=firing%2Cresolved",
            "since=2026-11-27T03:12:00Z", "since=2026-11-27T03:12:00.5%2B01:00",
            "next=1700000000000-kernel-route-missing-3w5e",
        ]
    )
    func taken(query: String) { #expect(refusal(query, .incidents) == nil) }

    @Test(
        "what it may not is refused by name",
        arguments: [
            ("limit=0", "limit is a number, 1 to 10000"),
            ("limit=+1", "limit is a number, 1 to 10000"),
            ("limit=99999999999999999999", "limit is a number, 1 to 10000"),
            ("state=", "state is a comma-separated list of pending, firing, resolved"),
            ("state=open", "state is a comma-separated list of pending, firing, resolved"),
            (
                "state=firing,firing,firing,firing",
                "state is a comma-separated list of pending, firing, resolved"
            ),
            ("since=yesterday", "since is an RFC 3339 time"),
            ("next=x", "next is what the answer before gave, unchanged"),
            ("limit=1&limit=2", "limit stands twice"),
            ("stat=firing", "no such parameter: stat; there are: state, since, limit, next"),
            ("since=%FF", "the query is not percent-encoded UTF-8"),
        ]
    )
    func refused(query: String, reason: String) { #expect(refusal(query, .incidents) == reason) }

    @Test("prefixes and texts are bounded")
    func paths() {
        #expect(refusal("prefix=10.16.2.0/24&node=n3", .paths) == nil)
        #expect(refusal("prefix=10.16.2.7", .paths) == nil)
        #expect(refusal("prefix=n3", .paths) != nil)
        #expect(refusal("q=", .paths) == "q has 1 to 253 characters")
        #expect(refusal("q=" + String(repeating: "a", count: 254), .paths) != nil)
        #expect(refusal("x=1", .health) == "no such parameter: x; it takes none")
    }
}

@Suite struct Moments {
    @Test(
        "times of RFC 3339 are the milliseconds that they mean",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
            ("2023-11-14T22:13:20.1239Z", 1_700_000_000_123),
            ("2023-11-15t00:13:20+02:00", 1_700_000_000_000),
            ("2000-01-01T00:00:00+18:25", 946_618_500_000),
            ("2000-02-29T12:00:00-00:30", 951_827_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ]
    )
    func times(text: String, milliseconds: Int64) {
        #expect(moment(text) == at(milliseconds))
    }

    @Test(
        "and what is none is none",
        arguments: [
            "", "2023-11-14", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+24:00",
            "10000-01-01T00:00:00Z", "2023-11-14T22:13:20Z ", "٢٠٢٣-11-14T22:13:20Z",
            "2023-11-14T22:13:20." + String(repeating: "0", count: 64) + "Z",
        ]
    )
    func none(text: String) { #expect(moment(text) == nil) }

    @Test("what is written, from 1970 on, is read again")
    func round() {
        for day in stride(from: Int64(0), to: 2_900_000, by: 997) {
            let moment = at(day * 86_400_000 + 45_296_789)
            #expect(Sinks.moment(rfc3339(moment)) == moment)
        }
    }
}

@Suite struct WebDescriptions {
    private func router() throws -> Router<BasicRequestContext> {
        let board = StateBoard { at(0) }
        return WebServer.router(board, Archive(), try WebDoor(), version: "1", metrics: { _ in "" })
    }

    private func description(isGuarded: Bool = false) throws -> [String: Any] {
        let data = OpenAPI.document(version: "1", isGuarded: isGuarded)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test("the description holds the routes that are there, and no others")
    func routes() throws {
        let registered = try router().routes.map { "\($0.method.rawValue) \($0.path)" }
            .filter { $0.contains("/api/") || $0.contains("z") || $0.contains("metrics") }
        let paths = try #require(try description()["paths"] as? [String: [String: Any]])
        let described = paths.flatMap { path, methods in
            methods.keys.map { "\($0.uppercased()) \(path)" }
        }
        #expect(Set(registered) == Set(described))
        #expect(registered.count == Endpoint.all.count)
    }

    @Test("every shape that is referred to is there, and every one there is referred to")
    func references() throws {
        let data = OpenAPI.document(version: "1", isGuarded: true)
        let text = String(decoding: data, as: UTF8.self)
        let components = try #require(try description()["components"] as? [String: [String: Any]])
        let referred = text.matches(of: /#\/components\/schemas\/([A-Za-z]+)"/).map { String($0.1) }
        #expect(Set(referred) == Set(try #require(components["schemas"]).keys))
    }

    @Test("where passwords are wanted it says so")
    func security() throws {
        #expect(try description()["security"] == nil)
        #expect(try description(isGuarded: true)["security"] != nil)
    }

    @Test("a wrong method is told from a wrong path")
    func methods() throws {
        let table = RouteTable()
        table.fill(from: try router())
        #expect(table.methods(of: "/api/v1/silences") == ["GET", "HEAD", "POST"])
        #expect(table.methods(of: "/api/v1/silences/x") == ["DELETE"])
        #expect(table.methods(of: "/api/v1") == [])
        #expect(table.methods(of: "/") == ["GET", "HEAD"])
    }
}

@Suite struct WebCredentials {
    /// Of `secret`, made by Debian's libcrypt with a salt that anybody may know.
    private let kept = BcryptHash("$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a")

    @Test("only bcrypt's hashes of a bearable cost are taken")
    func hashes() throws {
        #expect(BcryptHash("secret") == nil)
        #expect(BcryptHash("$1$abc$def") == nil)
        #expect(BcryptHash("$2y$31$" + String(repeating: "a", count: 53)) == nil)
        #expect(BcryptHash("$2y$05$" + String(repeating: "a", count: 52)) == nil)
        #expect(try #require(BcryptHash.dummy(cost: 4)).cost == 4)
    }

    @Test("a name and its password are right, and nothing else is, the second time as well")
    func check() async throws {
        let users = ["ann": try #require(kept)]
        let credentials = Credentials()
        for _ in 0..<2 {
            #expect(await credentials.check("ann", "secret", users) == .right)
            #expect(await credentials.check("ann", "Secret", users) == .wrong)
            #expect(await credentials.check("ann", "secret\u{0}x", users) == .wrong)
            #expect(await credentials.check("ann", "", users) == .wrong)
            #expect(await credentials.check("bob", "secret", users) == .wrong)
        }
        let others = ["ann": try #require(BcryptHash.dummy(cost: 4))]
        #expect(await credentials.check("ann", "secret", others) == .wrong)
    }

    @Test("who guesses waits in a short line, and who is known does not")
    func busy() async throws {
        let users = ["ann": try #require(kept)]
        let credentials = Credentials()
        #expect(await credentials.check("ann", "secret", users) == .right)
        let answers = await withTaskGroup(of: Credentials.Answer.self) { group in
            for guess in 0..<200 {
                group.addTask { await credentials.check("ann", "\(guess)", users) }
            }
            group.addTask { await credentials.check("ann", "secret", users) }
            return await group.reduce(into: [Credentials.Answer]()) { $0.append($1) }
        }
        #expect(answers.count { $0 == .right } == 1)
        #expect(answers.contains(.busy))
    }

    @Test("a keyed hash tells parts apart, and another key says another thing")
    func keyedHash() {
        let hash = KeyedHash()
        #expect(hash("ab", "c") != hash("a", "bc"))
        #expect(hash("ab", "c") == hash("ab", "c"))
        #expect(hash("ab", "c") != KeyedHash()("ab", "c"))
        #expect(hash("a").count == 32)
    }
}
