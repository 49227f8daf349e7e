// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Sinks

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exit 0: all good; 1: incidents; 2: cannot tell."
    )

    @OptionGroup var api: APIOptions

    private struct Document: Codable {
        var incidents: [IncidentDocument]
        var paths: Int
        var unknown: Int
        var sources: [SourceDocument]
    }

    func run() async throws {
        let document = Document(
            incidents: try api.decode(
                IncidentsDocument.self,
                try await api.get("/api/v1/incidents?state=firing")
            ).incidents,
            paths: 0,
            unknown: 0,
            sources: []
        )
        try report(try await fill(document))
    }

    private func fill(_ document: Document) async throws -> Document {
        var document = document
        var next: String? = "0"
        while let page = next {
            let body = try await api.get("/api/v1/paths?limit=1000&next=\(page)")
            let answer = try api.decode(PathsDocument.self, body)
            document.paths += answer.paths.count
            document.unknown += answer.paths.count { $0.verdict == "unknown" }
            next = answer.next
        }
        let sources = try await api.get("/api/v1/sources")
        document.sources = try api.decode(SourcesDocument.self, sources).sources
        return document
    }

    private func report(_ document: Document) throws {
        let unread = document.sources.filter { $0.state != "ok" }
        if api.json {
            printJSON(json(document))
        } else {
            for incident in document.incidents { print(line(incident)) }
            for source in unread {
                print("source \(source.name): \(source.state) \(source.lastError ?? "")")
            }
            print(
                "\(document.paths) pod CIDRs, \(document.incidents.count) incidents, "
                    + "\(document.unknown) not known in every stage"
            )
        }
        if !document.incidents.isEmpty { throw ExitCode(1) }
        if document.paths == 0 || document.unknown > 0 || !unread.isEmpty { throw ExitCode(2) }
    }
}

func line(_ incident: IncidentDocument) -> String {
    "\(incident.state) \(incident.severity): \(incident.summary) "
        + "[\(incident.kind), since \(incident.since)]"
}

struct ListIncidents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents",
        abstract: "What is broken now; --all: and what was."
    )

    @OptionGroup var api: APIOptions
    @Flag(name: .long, help: "Pending and resolved ones too.") var all = false

    func run() async throws {
        let query = all ? "" : "?state=firing"
        let body = try await api.get("/api/v1/incidents\(query)")
        guard !api.json else { return printJSON(body) }
        let incidents = try api.decode(IncidentsDocument.self, body).incidents
        for incident in incidents { print(line(incident)) }
        if incidents.isEmpty { print("no incidents") }
    }
}
