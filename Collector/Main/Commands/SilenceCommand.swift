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

    @Option(name: .long) var node: String?
    @Option(name: .long) var `switch`: String?
    @Option(name: .long) var loadBalancer: String?
    @Option(name: .long, help: "What lies inside it too.") var prefix: String?
    @Option(name: .long) var kind: String?
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

    @Argument(help: "The incident's id.") var incident: String
    @OptionGroup var terms: SilenceTerms

    func run() async throws { try await terms.post("acknowledgement", ["incident": incident]) }
}

extension SilenceTerms {
    func post(_ form: String, _ match: [String: String], from: String? = nil) async throws {
        let begin = try from.map { text in
            guard let begin = moment(text) else {
                throw ValidationError("--from is an RFC 3339 time")
            }
            return begin
        }
        let now = Timestamp(milliseconds: wallClockMilliseconds())
        let document = SilenceDocument(
            form: form,
            match: match,
            author: author,
            comment: comment,
            startsAt: begin.map(rfc3339),
            endsAt: rfc3339((begin ?? now) + length)
        )
        try api.show(try await api.send(.POST, "/api/v1/silences", Sinks.json(document)))
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
        let body = try await api.get("/api/v1/silences")
        guard !api.json else { return printJSON(body) }
        let silences = try api.decode(SilencesDocument.self, body).silences
            .filter { all || $0.state != "expired" }
        for silence in silences { print(line(silence)) }
        if silences.isEmpty { print("no silences") }
    }
}

struct ExpireSilence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire",
        abstract: "It ends now."
    )

    @Argument(help: "The silence's id.") var id: String
    @OptionGroup var api: APIOptions

    func run() async throws {
        try api.show(try await api.send(.DELETE, "/api/v1/silences/\(escaped(id))"))
    }
}

extension APIOptions {
    /// The silence that an answer holds.
    fileprivate func show(_ body: Data) throws {
        guard !json else { return printJSON(body) }
        print(line(try decode(SilenceDocument.self, body)))
    }
}

private func line(_ silence: SilenceDocument) -> String {
    let match = silence.match.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        .joined(separator: " ")
    return "\(silence.id ?? "") \(silence.state ?? "") \(silence.form ?? ""): \(match), "
        + "until \(silence.endsAt), \(silence.author): \(silence.comment)"
}
