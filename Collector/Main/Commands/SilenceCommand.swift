// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import EventLoop
import Foundation
import OperatorSource
import Routing
import Sinks

struct SilenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silence",
        abstract: "What is not to be told, or not again.",
        discussion: "Exit 1: the collector does not take it; 2: it cannot be asked.",
        subcommands: [AddSilence.self, Acknowledge.self, ListSilences.self, ExpireSilence.self]
    )
}

/// Who says so, why, and for how long.
struct SilenceTerms: ParsableArguments {
    @Option(name: .customLong("for"), help: "How long: 30m, 2h, 7d.", transform: duration)
    var length: Int64
    @Option(name: .long, help: "Why.") var comment: String
    @Option(name: .long, help: "Who.")
    var author = ProcessInfo.processInfo.environment["USER"] ?? "unknown"
    @OptionGroup var api: APIOptions
}

private func duration(_ text: String) throws -> Int64 {
    guard let milliseconds = milliseconds(of: text), milliseconds > 0 else {
        throw ValidationError("a duration such as 30m, 2h or 7d is expected")
    }
    return milliseconds
}

struct AddSilence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract:
            "Tell nothing of what agrees with all that is named; with --from: a maintenance window."
    )

    @Option(name: .long, completion: .nodes) var node: String?
    @Option(name: .long) var `switch`: String?
    @Option(name: .long) var loadBalancer: String?
    @Option(name: .long, help: "What lies inside it too.") var prefix: String?
    @Option(name: .long, completion: .kinds) var kind: String?
    @Option(name: .long, help: "When it begins, RFC 3339.") var from: String?
    @OptionGroup var terms: SilenceTerms

    func run() async throws {
        var match: [String: String] = [:]
        match["node"] = node
        match["switch"] = `switch`
        match["loadBalancer"] = loadBalancer
        match["prefix"] = prefix
        match["kind"] = kind
        guard !match.isEmpty else {
            throw ValidationError(
                "one of --node, --switch, --load-balancer, --prefix, --kind is needed"
            )
        }
        let form = from == nil ? "silence" : "maintenance"
        try await terms.post(form, match, from: from)
    }
}

struct Acknowledge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: "No reminder of one incident; its changes and its end are told."
    )

    @Argument(help: "The incident's id, or its beginning.", completion: .incidents) var incident:
        String
    @OptionGroup var terms: SilenceTerms

    func run() async throws {
        let id = try await terms.api.ask { try await $0.incident(beginning: incident) }
        try await terms.post("acknowledgement", ["incident": id])
    }
}

extension SilenceTerms {
    func post(_ form: String, _ match: [String: String], from: String? = nil) async throws {
        let begin = try from.map { text in
            guard let begin = moment(text) else {
                throw ValidationError("--from is an RFC 3339 time")
            }
            return begin
        }
        try await api.ask { client in
            // By the collector's clock: a workstation's may be hours off.
            let now = try await client.get("/healthz").at
            let start = begin ?? now ?? Timestamp(milliseconds: wallClockMilliseconds())
            let document = SilenceDocument(
                form: form,
                match: match,
                author: author,
                comment: comment,
                startsAt: begin.map(rfc3339),
                endsAt: rfc3339(start + length)
            )
            let body = Sinks.json(document)
            try api.show(try await client.send(.POST, "/api/v1/silences", body), client)
        }
    }
}

struct ListSilences: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Those in force and to come; --all: and those that ended lately."
    )

    @Flag(name: .long) var all = false
    @OptionGroup var api: APIOptions

    func run() async throws {
        try await api.ask { client in
            let answer = try await client.get("/api/v1/silences")
            var document = try client.decode(SilencesDocument.self, answer)
            if !all { document.silences.removeAll { $0.state == "expired" } }
            if api.json { return Terminal.printJSON(json(document)) }
            let screen = api.screen
            Terminal.print(SilencesText.list(document.silences, screen), screen)
        }
    }
}

struct ExpireSilence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire",
        abstract: "They end now."
    )

    @Argument(help: "The silences' ids.", completion: .silences) var ids: [String]
    @OptionGroup var api: APIOptions

    func run() async throws {
        try await api.ask { client in
            for id in ids {
                try api.show(
                    try await client.send(.DELETE, "/api/v1/silences/\(escaped(id))"),
                    client
                )
            }
        }
    }
}

extension APIOptions {
    /// The silence that an answer holds.
    fileprivate func show(_ answer: APIAnswer, _ client: APIClient) throws {
        guard !json else { return Terminal.printJSON(answer.body) }
        let silence = try client.decode(SilenceDocument.self, answer)
        let screen = screen
        Terminal.print(SilencesText.whole(silence, screen), screen)
    }
}
