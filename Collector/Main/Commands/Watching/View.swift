// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import EventLoop
import Foundation
import Routing
import Sinks

/// What was read, and when by the collector's clock, so that ages are right on a machine whose own is not.
struct Reading<Document: Sendable>: Sendable {
    var document: Document
    var at: Timestamp

    init(_ document: Document, at: Timestamp?) {
        self.document = document
        self.at = at ?? Timestamp(milliseconds: wallClockMilliseconds())
    }
}

/// Something of a collector that can be shown, and shown again.
protocol View: Sendable {
    associatedtype Document: Encodable & Sendable

    func read(_ client: APIClient) async throws(APIFailure) -> Reading<Document>
    func lines(_ document: Document, now: Timestamp, _ screen: Screen) -> [Line]
    /// Nothing of what is as it was, but for ages.
    func changes(from old: Document?, to new: Document) -> [Line]
}

struct WatchOptions: ParsableArguments {
    @Flag(
        name: .shortAndLong,
        help:
            "Go on: drawn anew on a terminal, else a line for each change; --json: the whole again."
    )
    var watch = false

    /// Shows it once and then `conclude`s with an exit code; or for ever.
    func run<Shown: View>(
        _ view: Shown,
        _ api: APIOptions,
        _ conclude: (Shown.Document) throws -> Void = { _ in }
    ) async throws {
        let document = try await api.ask { client in
            let first = try await view.read(client)
            if watch { await Watch(view, client, api).run(first) }
            if api.json {
                Terminal.printJSON(json(first.document))
            } else {
                let screen = api.screen
                Terminal.print(view.lines(first.document, now: first.at, screen), screen)
            }
            return first.document
        }
        try conclude(document)
    }
}
