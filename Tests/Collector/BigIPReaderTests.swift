// SPDX-License-Identifier: Apache-2.0
import BigIPSource
import Facts
import Routing
import Support
import Testing

@Suite struct BigIPLoginTests {
    private func word(_ step: BigIPLogin.Step) -> String {
        switch step {
        case .use(let token): "use \(token.reveal())"
        case .login: "login"
        case .wait(let until, let why): "\(why), until \(until)"
        }
    }

    private func granted(_ login: inout BigIPLogin, _ token: String, at now: Int64) {
        login.granted(Secret(token), lifetime: 1_200_000, at: now)
    }

    @Test("a token is used for its life but the last minute, then replaced")
    func life() {
        var login = BigIPLogin()
        #expect(word(login.next(at: 0)) == "login")
        granted(&login, "T", at: 1_000)
        #expect(word(login.next(at: 1_140_999)) == "use T")
        #expect(word(login.next(at: 1_141_000)) == "login")
    }

    @Test("a token of a minute's life is used for half of it")
    func shortLife() {
        var login = BigIPLogin()
        login.granted(Secret("T"), lifetime: 60_000, at: 0)
        #expect(word(login.next(at: 29_999)) == "use T")
        #expect(word(login.next(at: 30_000)) == "login")
    }

    @Test("refused credentials are tried again in ten minutes, a flood of tokens in five")
    func refused() {
        var login = BigIPLogin()
        login.refused(classify(status: 401, body: Array("Authentication failed.".utf8)), at: 0)
        #expect(word(login.next(at: 599_999)) == "the credentials were refused, until 600000")
        #expect(word(login.next(at: 600_000)) == "login")
        let flood = Array("user podpath has reached maximum active login tokens".utf8)
        login.refused(classify(status: 400, body: flood), at: 600_000)
        #expect(
            word(login.next(at: 700_000)) == "the user has too many live tokens, until 900000"
        )
    }

    @Test("a few tokens that die young are replaced at once, a row of them slower and slower")
    func dyingYoung() {
        var login = BigIPLogin()
        var pauses: [Int64] = []
        var now: Int64 = 0
        for _ in 0..<9 {
            granted(&login, "T", at: now)
            now += 1_000
            login.lost(at: now)
            if case .wait(let until, _) = login.next(at: now) {
                pauses.append(until - now)
                now = until
            } else {
                pauses.append(0)
            }
        }
        #expect(
            pauses == [0, 0, 0, 0, 60_000, 120_000, 120_000, 120_000, 120_000]
        )
        granted(&login, "T", at: now)
        login.lost(at: now + 600_000)
        #expect(word(login.next(at: now + 600_000)) == "login")
    }
}

@Suite struct BigIPPagingTests {
    private func page(
        _ rows: [String],
        more: Bool = false,
        total: Int? = nil
    ) -> PageOf<Int> {
        let keyed = Dictionary(rows.map { ($0, 0) }) { first, _ in first }
        return PageOf(rows: keyed, page: Page(totalItems: total, hasMore: more))
    }

    @Test("pages are asked for until one is short, also without a link to the next")
    func untilShort() throws {
        var list = PagedList<Int>("x", size: 2)
        #expect(list.query == "$top=2&$skip=0")
        #expect(try list.take(page(["a", "b"])))
        #expect(list.query == "$top=2&$skip=2")
        #expect(try list.take(page(["c", "d"], more: true)))
        #expect(try !list.take(page(["e"])))
        #expect(list.rows.count == 5)
    }

    @Test("a full last page is followed by an empty one")
    func fullLast() throws {
        var list = PagedList<Int>("x", size: 2)
        #expect(try list.take(page(["a", "b"])))
        #expect(try !list.take(page([])))
    }

    @Test("a unit that does not page answers everything, once or twice")
    func unpaged() throws {
        var list = PagedList<Int>("x", size: 2)
        #expect(try !list.take(page(["a", "b", "c"])))
        var exact = PagedList<Int>("x", size: 2)
        #expect(try exact.take(page(["a", "b"])))
        #expect(try !exact.take(page(["a", "b"])))
        #expect(exact.rows.count == 2)
    }

    @Test("a total that moves or is not reached, and a page that comes twice, prove nothing")
    func doubtful() throws {
        var moved = PagedList<Int>("x", size: 2)
        _ = try moved.take(page(["a", "b"], more: true, total: 3))
        #expect(throws: BigIPRequestError.self) { try moved.take(page(["c"], total: 4)) }
        var short = PagedList<Int>("x", size: 2)
        _ = try short.take(page(["a", "b"], more: true, total: 4))
        #expect(throws: BigIPRequestError.self) {
            try short.take(page(["b", "c"], total: 4)) == false || short.take(page([], total: 4))
        }
        var twice = PagedList<Int>("x", size: 2)
        _ = try twice.take(page(["a", "b"], more: true))
        #expect(throws: BigIPRequestError.self) { try twice.take(page(["a", "b"], more: true)) }
    }

    @Test("paging ends, whatever the unit says")
    func ends() {
        var list = PagedList<Int>("x", size: 1)
        #expect(throws: BigIPRequestError.self) {
            for number in 0... { _ = try list.take(page(["\(number)"], more: true)) }
        }
    }
}

@Suite struct PoolTurnTests {
    private func statistics(_ names: [String], active: Int = 1) -> [String: PoolStatistics] {
        let one = PoolStatistics(
            members: 2,
            active: active,
            available: active,
            availability: "available",
            enabled: "enabled"
        )
        return Dictionary(uniqueKeysWithValues: names.map { ($0, one) })
    }

    private func round(
        _ turn: inout PoolTurn,
        _ names: [String],
        _ known: [String: PoolStatistics],
        at now: Int64
    ) -> [String] {
        let (changed, rest) = turn.due(names, known, room: 60)
        let due = changed + rest
        for name in due { turn.read(name, [], began: at(now), known[name]) }
        return due
    }

    @Test("everything at first, then what has changed, and the rest as it is its turn")
    func turns() {
        let names = (0..<200).map { "/K8S/\(1_000 + $0)" }
        var turn = PoolTurn()
        #expect(round(&turn, names, statistics(names), at: 1).count == 200)
        var known = statistics(names)
        known["/K8S/1150"]?.active = 0
        let second = round(&turn, names, known, at: 2)
        #expect(second.count == 60)
        #expect(second.first == "/K8S/1150")
        var all = Set(second)
        for moment in 3...5 { all.formUnion(round(&turn, names, known, at: Int64(moment))) }
        #expect(all.count == 200)
    }

    @Test("where no statistics were read every pool is due in every round")
    func few() {
        var turn = PoolTurn()
        for moment in 1...3 {
            #expect(round(&turn, ["/K8S/a", "/K8S/b"], [:], at: Int64(moment)).count == 2)
        }
    }

    @Test("a pool that is no longer listed is forgotten")
    func forgotten() {
        var turn = PoolTurn()
        _ = round(&turn, ["/K8S/a", "/K8S/b"], [:], at: 1)
        _ = turn.due(["/K8S/b"], [:], room: 60)
        #expect(turn.pool("/K8S/a") == nil)
        #expect(turn.pool("/K8S/b") != nil)
    }
}
