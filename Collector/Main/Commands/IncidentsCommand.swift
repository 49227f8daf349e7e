// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Routing
import Sinks

struct IncidentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents",
        abstract: "What is broken now, and everything of one incident.",
        subcommands: [ListIncidents.self, ShowIncident.self],
        defaultSubcommand: ListIncidents.self
    )
}

struct ListIncidents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "What is broken now; --all: and what was; with an id: everything of that one."
    )

    @Argument(help: "An incident's id, or its beginning.", completion: .incidents)
    var id: String?
    @Flag(name: .long, help: "Pending and resolved ones too.") var all = false
    @OptionGroup var api: APIOptions
    @OptionGroup var watching: WatchOptions

    func run() async throws {
        if let id { return try await watching.run(IncidentView(id: id), api) }
        try await watching.run(IncidentsView(query: all ? "" : "state=firing"), api)
    }
}

struct ShowIncident: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Everything of one incident: evidence, impact, how to verify, what happened."
    )

    @Argument(help: "An incident's id, or its beginning.", completion: .incidents) var id: String
    @OptionGroup var api: APIOptions
    @OptionGroup var watching: WatchOptions

    func run() async throws { try await watching.run(IncidentView(id: id), api) }
}

struct IncidentsView: View {
    let query: String

    func read(_ client: APIClient) async throws(APIFailure) -> Reading<IncidentsDocument> {
        // The first page tells the time.
        let answer = try await client.get("/api/v1/sources")
        let incidents = try await client.incidents(query)
        return Reading(IncidentsDocument(incidents: incidents), at: answer.at)
    }

    func lines(_ document: IncidentsDocument, now: Timestamp, _ screen: Screen) -> [Line] {
        IncidentsText.list(document.incidents, now: now, screen)
    }

    func changes(from old: IncidentsDocument?, to new: IncidentsDocument) -> [Line] {
        Changes.incidents(from: old?.incidents, to: new.incidents)
    }
}

struct IncidentView: View {
    let id: String

    func read(_ client: APIClient) async throws(APIFailure) -> Reading<IncidentDocument> {
        do throws(APIFailure) {
            return try await read(id, client)
        } catch {
            guard error.isRefusal else { throw error }
            return try await read(try await client.incident(beginning: id), client)
        }
    }

    private func read(
        _ id: String,
        _ client: APIClient
    ) async throws(APIFailure) -> Reading<IncidentDocument> {
        let answer = try await client.get("/api/v1/incidents/\(escaped(id))")
        return Reading(try client.decode(IncidentDocument.self, answer), at: answer.at)
    }

    func lines(_ document: IncidentDocument, now: Timestamp, _ screen: Screen) -> [Line] {
        IncidentsText.whole(document, now: now, screen)
    }

    func changes(from old: IncidentDocument?, to new: IncidentDocument) -> [Line] {
        Changes.incidents(from: old.map { [$0] }, to: [new])
    }
}

extension APIClient {
    /// The whole id of the one incident that begins so, as names of containers may be shortened.
    func incident(beginning text: String) async throws(APIFailure) -> String {
        guard !text.isEmpty else {
            throw APIFailure(description: "an incident's id is expected", isRefusal: true)
        }
        let ids = Set(try await incidents("").map(\.id).filter { $0.hasPrefix(text) }).sorted()
        if ids.first == text { return text }
        switch ids.count {
        case 1: return ids[0]
        case 0:
            throw APIFailure(
                description: "no incident \(text); `podpath-collector incidents --all` lists them",
                isRefusal: true
            )
        default:
            let some = ids.prefix(5).joined(separator: ", ")
            throw APIFailure(
                description: "\(ids.count) incidents begin with \(text): \(some)",
                isRefusal: true
            )
        }
    }
}
