// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Testing
import Verdicts

@testable import Sinks

/// So many ways, some of them broken.
private func state(_ number: Int, broken: Set<Int> = [], of count: Int = 100) -> CollectorState {
    let paths = (0..<count).map { node in
        PathTrace(
            prefix: prefix("10.16.\(node).0/24"),
            node: "n\(node)",
            stages: [StageResult(.kernel, broken.contains(node) ? .missing : .ok)]
        )
    }
    var durations = Durations()
    for _ in 0..<number { durations.observe(0) }
    return CollectorState(
        snapshot: Snapshot(
            cluster: "test",
            podSupernets: [],
            agentStaleAfter: 15_000,
            intentSource: .agents,
            startedAt: at(0)
        ),
        judgement: Judgement(paths: PathList(paths), verdicts: [], nextChange: nil),
        incidents: [],
        judgedAt: at(1_000),
        judgeDurations: durations
    )
}

@Suite struct BoardEvents {
    private let board = StateBoard(clock: { at(1_000) })

    /// All that one listener is told of these states, who listens from the first on.
    private func told(_ states: [CollectorState]) async throws -> [BoardEvent] {
        board.publish(states[0], [])
        let (watcher, events) = try #require(board.watch())
        withExtendedLifetime(watcher) {
            for state in states.dropFirst() { board.publish(state, []) }
        }
        board.close()
        return await events.reduce(into: []) { $0.append($1) }
    }

    @Test("a way that breaks is told whole, with the number of the judgement")
    func onePath() async throws {
        let events = try await told([state(1), state(2, broken: [7]), state(3, broken: [7])])
        #expect(events.map(\.name) == ["path"])
        #expect(events.map(\.state) == [2])
        let path = try JSONDecoder().decode(PathDocument.self, from: Data(events[0].json.utf8))
        #expect(path.node == "n7")
        #expect(path.stages.map(\.state) == ["missing"])
    }

    @Test("of very many at once, or of others than before, only that there are some")
    func manyPaths() async throws {
        let many = try await told([state(1), state(2, broken: Set(0..<33))])
        #expect(many.map(\.json) == ["{}"])
    }

    @Test("as many as are told one by one")
    func severalPaths() async throws {
        let several = try await told([state(1), state(2, broken: Set(0..<32))])
        #expect(several.count == 32)
        #expect(several.allSatisfy { $0.json != "{}" })
    }

    @Test("ways of others than before are told as such")
    func otherPaths() async throws {
        let others = try await told([state(1), state(2, of: 101)])
        #expect(others.map(\.name) == ["path"])
        #expect(others.map(\.json) == ["{}"])
    }

    @Test("whoever is too slow to be told of everything is told that he was not")
    func slow() async throws {
        let states = (1...30).map { state($0, broken: $0.isMultiple(of: 2) ? Set(0..<30) : []) }
        let events = try await told(states)
        #expect(events.count <= 256)
        #expect(events.last?.name == "lost")
    }

    @Test("a silence is told, with who said it")
    func silence() async throws {
        var silenced = state(2)
        let silence = Silence(
            id: "s1",
            form: .silence,
            match: Silence.Match(node: "n3"),
            author: "ann",
            comment: "a new disk",
            startsAt: at(0),
            endsAt: at(9_000)
        )
        silenced.snapshot.silences.apply(.silence(silence), at: at(0))
        var later = silenced
        later.judgeDurations.observe(0)
        let events = try await told([state(1), silenced, later])
        #expect(events.map(\.name) == ["silence"])
        #expect(events[0].json.contains("\"author\":\"ann\""))
    }
}
