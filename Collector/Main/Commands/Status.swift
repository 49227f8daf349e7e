// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Routing
import Sinks

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exit 0: all good; 1: incidents; 2: cannot tell."
    )

    @OptionGroup var api: APIOptions
    @OptionGroup var watching: WatchOptions

    func run() async throws {
        try await watching.run(StatusView(), api) { document in
            if !document.incidents.isEmpty { throw ExitCode(1) }
            if document.isInDoubt { throw ExitCode(2) }
        }
    }
}

/// What `status` asks for and shows.
struct StatusView: View {
    func read(_ client: APIClient) async throws(APIFailure) -> Reading<StatusDocument> {
        let answer = try await client.get("/api/v1/sources")
        let sources = try client.decode(SourcesDocument.self, answer)
        var document = StatusDocument(
            cluster: sources.cluster,
            incidents: try await client.incidents("state=firing"),
            sources: sources.sources
        )
        for path in try await client.paths("").paths {
            document.paths += 1
            if TraceText.isBroken(path) { document.broken += 1 }
            if path.verdict == "unknown" { document.unknown += 1 }
        }
        return Reading(document, at: answer.at)
    }

    func lines(_ document: StatusDocument, now: Timestamp, _ screen: Screen) -> [Line] {
        StatusText.lines(document, now: now, screen)
    }

    func changes(from old: StatusDocument?, to new: StatusDocument) -> [Line] {
        Changes.incidents(from: old?.incidents, to: new.incidents)
            + Changes.sources(from: old?.sources, to: new.sources)
    }
}

extension APIClient {
    /// A page of what is there more than once in a thousand.
    private static let pageSize = 1_000

    /// All pages.
    func incidents(_ query: String) async throws(APIFailure) -> [IncidentDocument] {
        var (all, next) = ([IncidentDocument](), "")
        while true {
            let path = "/api/v1/incidents?limit=\(Self.pageSize)&\(query)\(next)"
            let page = try decode(IncidentsDocument.self, try await get(path))
            all += page.incidents
            guard let token = page.next, !page.incidents.isEmpty else { return all }
            next = "&next=\(escaped(token))"
        }
    }

    /// All pages.
    func paths(_ query: String) async throws(APIFailure) -> PathsDocument {
        var (all, next) = (PathsDocument?.none, "")
        while true {
            let path = "/api/v1/paths?limit=\(Self.pageSize)&\(query)\(next)"
            var page = try decode(PathsDocument.self, try await get(path))
            let (isLast, token) = (page.paths.isEmpty, page.next)
            if let known = all { page.paths = known.paths + page.paths }
            page.next = nil
            all = page
            guard let token, !isLast else { return page }
            next = "&next=\(escaped(token))"
        }
    }
}
