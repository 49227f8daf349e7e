// SPDX-License-Identifier: Apache-2.0
import Hummingbird
import Routing
import Verdicts

/// `GET /api/v1/matrix`: every way by its states alone, for whoever draws all of them. Very many ways look the same,
/// so what they look like stands once: 15,000 ways are half a megabyte, and an eighth of that packed.
package struct MatrixDocument: Codable, Sendable {
    package struct Place: Codable, Sendable, Hashable {
        package var stage: String
        package var at: String?
    }

    /// What a way looks like.
    package struct Pattern: Codable, Sendable, Hashable {
        /// Which of `shapes`.
        package var shape: Int
        /// One letter for each place of the shape, the first of the state's word.
        package var states: String
        package var verdict: String
    }

    /// Grows with every judgement; events of `/api/v1/events` with an id not above it are in here already.
    package var sequence: Int
    package var at: String
    /// Of how many ways those below were chosen.
    package var total: Int
    /// Only of the past: until when a collector had looked, where none did at that moment.
    package var lastSeen: String?
    package var shapes: [[Place]] = []
    package var patterns: [Pattern] = []
    /// These three go together: one of each is a way.
    package var prefixes: [String] = []
    package var nodes: [String] = []
    /// Which of `patterns`.
    package var looks: [Int] = []
}

extension MatrixDocument {
    init(
        _ paths: some Sequence<PathTrace>,
        of total: Int,
        sequence: Int,
        at: Timestamp,
        lastSeen: Timestamp? = nil
    ) {
        self.init(
            sequence: sequence,
            at: rfc3339(at),
            total: total,
            lastSeen: lastSeen.map(rfc3339)
        )
        var shapeNumbers: [[Place]: Int] = [:]
        var patternNumbers: [Pattern: Int] = [:]
        for path in paths {
            let places = path.stages.map { Place(stage: $0.stage.rawValue, at: $0.at) }
            let pattern = Pattern(
                shape: number(of: places, in: &shapeNumbers, &shapes),
                states: String(path.stages.compactMap(\.state.word.first)),
                verdict: PathDocument.verdict(path)
            )
            prefixes.append(path.prefix.description)
            nodes.append(path.node)
            looks.append(number(of: pattern, in: &patternNumbers, &patterns))
        }
    }
}

private func number<Item: Hashable>(
    of item: Item,
    in numbers: inout [Item: Int],
    _ all: inout [Item]
) -> Int {
    if let number = numbers[item] { return number }
    all.append(item)
    numbers[item] = all.count - 1
    return all.count - 1
}

extension WebServer {
    static func addMatrix(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ archive: Archive
    ) {
        router.on(.matrix) { query, _, _ in
            guard let state = board.state else { return starting() }
            if let at = query.moment("at") { return await past(at, state, query, archive) }
            let all = state.judgement.paths
            let filter = PathFilter(query, state)
            return answer(
                MatrixDocument(
                    all.lazy.filter(filter.passes),
                    of: all.count,
                    sequence: state.judgeDurations.count,
                    at: state.judgedAt
                )
            )
        }
    }

    private static func past(
        _ at: Timestamp,
        _ state: CollectorState,
        _ query: Query,
        _ archive: Archive
    ) async -> Response {
        guard let read = archive.paths else { return missing("there is no store of what was") }
        do {
            let past = try await read(at, nil)
            let filter = PathFilter(query, state)
            return answer(
                MatrixDocument(
                    past.paths.lazy.filter(filter.passes),
                    of: past.paths.count,
                    sequence: state.judgeDurations.count,
                    at: at,
                    lastSeen: past.lastSeen
                )
            )
        } catch {
            return answer(ErrorDocument(error: "the store: \(error)"), .serviceUnavailable)
        }
    }
}
