// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Facts
import Foundation
import Routing
import Support
import Testing
import Wire

/// What agents of earlier versions sent is understood. See Tests/Fixtures/wire/README.md.
@Suite struct AgentsOfEarlierVersions {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/wire")

    private static let streams: [String] =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?
        .filter { $0.hasSuffix(".bin") }.sorted() ?? []

    private func actions(_ name: String, chunk: Int) throws -> (
        actions: [AgentSession.Action], tally: AgentSession.Tally
    ) {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: name)))
        var session = AgentSession(names: ["n1"], patience: 15_000, now: at(0))
        var actions: [AgentSession.Action] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let part = bytes[start..<min(start + chunk, bytes.count)]
            actions += session.received(part, now: at(Int64(start)))
        }
        return (actions, session.takeTally())
    }

    @Test("there is a stream of the first version")
    func there() { #expect(Self.streams.contains("agent-0.1.0.bin")) }

    @Test(
        "each stream is understood whole, in pieces of any size",
        arguments: streams,
        [1, 7, 4_096]
    )
    func understood(name: String, chunk: Int) throws {
        let (actions, tally) = try actions(name, chunk: chunk)
        #expect(tally.skipped == SkippedContent())
        #expect(tally.frames == 12)
        #expect(actions.last == .end)
        for action in actions {
            if case .refuse(let reason) = action { Issue.record("refused: \(reason)") }
            if case .send(.resync) = action { Issue.record("a gap") }
        }
        let version = name.dropFirst("agent-".count).dropLast(".bin".count)
        #expect(
            actions.contains(
                .deliver(
                    node: "n1",
                    .connected(interval: 1_000, version: String(version), byCertificate: true)
                )
            )
        )
    }

    @Test("the pod CIDR's route is seen to go and to come back", arguments: streams)
    func facts(name: String) throws {
        let cidr = prefix("10.16.0.0/24")
        let seen: [Bool] = try actions(name, chunk: 4_096).actions.compactMap { action in
            guard case .deliver(_, .snapshot(let kernel, _)) = action else { return nil }
            return kernel.routes.contains { $0.prefix == cidr }
        }
        var turns: [Bool] = []
        for isThere in seen where turns.last != isThere { turns.append(isThere) }
        #expect(turns == [true, false, true])
    }
}
