// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import NIOCore
import Sinks
import Verdicts

/// What a shell offers behind a half-written word: asked of the collector that PODPATH_URL names, within a second.
extension CompletionKind {
    static let kinds = CompletionKind.list(Kind.allCases.map(\.rawValue))
    static let incidents = CompletionKind.custom { _, _, _ in
        await offered("/api/v1/incidents?state=firing,pending") { body in
            (body as IncidentsDocument).incidents.map(\.id)
        }
    }
    static let silences = CompletionKind.custom { _, _, _ in
        await offered("/api/v1/silences") { body in
            (body as SilencesDocument).silences.filter { $0.state != "expired" }.compactMap(\.id)
        }
    }
    static let nodes = CompletionKind.custom { _, _, _ in
        await offered("/api/v1/paths") { body in (body as PathsDocument).paths.map(\.node) }
    }
    static let subjects = CompletionKind.custom { _, _, _ in
        await offered("/api/v1/paths") { body in
            (body as PathsDocument).paths.flatMap { [$0.node, $0.prefix] }
        }
    }
}

/// Nothing where nobody answers: a shell is no place for a complaint.
private func offered<Document: Decodable>(
    _ path: String,
    _ words: (Document) -> [String]
) async -> [String] {
    guard let options = try? APIOptions.parse([]), let address = try? options.address(),
        let client = try? APIClient(address)
    else { return [] }
    let answer = try? await client.send(.GET, path, within: .seconds(1))
    let document = answer.flatMap { try? client.decode(Document.self, $0) }
    await client.close()
    // Bash expands what it is offered: only words in which nothing can be expanded are.
    return Set(document.map(words) ?? []).filter {
        $0.wholeMatch(of: /[A-Za-z0-9._:\/@\-]+/) != nil
    }
    .sorted()
}
