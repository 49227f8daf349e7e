// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Facts
import Foundation
import Routing

/// Keeps one collection up to date: moves bytes between the API server and the collection's reflector.
struct ClusterWatch<Object: ClusterObject> {
    let client: ClusterClient
    let clock: @Sendable () -> Timestamp
    let deliver: @Sendable (ClusterUpdate) -> Void
    /// Which of the object's paths the server has.
    private var path = 0
    private var reflector: Reflector<Object>

    /// Rows a page: the size that kubectl and client-go use.
    private static var pageSize: String { "500" }
    /// A page of 500 nodes is a few megabytes; milliseconds.
    private static var pageDeadline: Int64 { 60_000 }
    /// How often it is looked whether a resource has come that the server did not have.
    private static var absencePause: Int64 { 300_000 }

    init(
        _: Object.Type,
        _ client: ClusterClient,
        mayStream: Bool,
        clock: @escaping @Sendable () -> Timestamp,
        deliver: @escaping @Sendable (ClusterUpdate) -> Void
    ) {
        self.client = client
        self.clock = clock
        self.deliver = deliver
        reflector = Reflector(mayStream: mayStream)
    }

    /// Runs until cancelled, or, if that is wanted, until the server turns out not to have it.
    mutating func run(endsIfNotOffered: Bool = false) async {
        while !Task.isCancelled {
            let wait = reflector.notBefore - clock()
            if wait > 0 { try? await Task.sleep(for: .milliseconds(wait)) }
            guard !Task.isCancelled else { return }
            do {
                try await perform(reflector.request)
            } catch {
                guard !Task.isCancelled else { return }
                let isOffered = await cope(error)
                if !isOffered, endsIfNotOffered { return }
            }
        }
    }

    private mutating func perform(_ request: Reflector<Object>.Request) async throws {
        switch request {
        case .list(let next): try await list(next)
        case .watch(let version):
            try await watch([("resourceVersion", version)])
        case .streamedList:
            try await watch([
                ("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan"),
            ])
        }
    }

    private var selector: [(String, String)] {
        [("labelSelector", Object.labelSelector), ("fieldSelector", Object.fieldSelector)]
            .compactMap { name, value in value.map { (name, $0) } }
    }

    private mutating func list(_ next: String?) async throws {
        var query = [("limit", Self.pageSize)] + selector
        if let next { query.append(("continue", next)) }
        let response = try await client.get(Object.paths[path], query)
        let deadline = clock() + Self.pageDeadline
        var splitter = ItemSplitter()
        var metadata: ListMetadata?
        for try await buffer in response.body {
            guard clock() < deadline else { throw ClusterAccessError("a page takes too long") }
            for piece in try splitter.take(buffer.readableBytesView) {
                switch piece {
                case .item(let bytes): reflector.listed(bytes)
                case .metadata(let bytes):
                    metadata = try? JSONDecoder().decode(ListMetadata.self, from: Data(bytes))
                }
            }
        }
        guard splitter.isComplete else {
            return tell(reflector.failed("the list is cut off", now: clock(), random: chance))
        }
        tell(reflector.pageEnded(metadata, now: clock(), random: chance))
    }

    /// Each watch ends by itself after five to ten minutes: not all at once.
    private mutating func watch(_ query: [(String, String)]) async throws {
        let seconds = Int64.random(in: 300...600)
        let all =
            [("watch", "1"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", "\(seconds)")]
            + query + selector
        let began = clock()
        let response = try await client.get(Object.paths[path], all)
        // A streamed list is heard of when it is whole.
        if query.count == 1 { tell([.opened]) }
        let question = reflector.generation
        defer { tell([.interrupted]) }
        do {
            var splitter = LineSplitter()
            for try await buffer in response.body {
                for line in try splitter.take(buffer.readableBytesView) {
                    tell(reflector.received(line, now: clock(), random: chance))
                    // What follows an error is not to be trusted, nor what follows the place's loss.
                    guard reflector.generation == question else { return }
                }
                guard clock() - began < (seconds + 30) * 1_000 else { break }
            }
        } catch let error as HTTPClientError where error == .readTimeout {
            // Nothing for so long: whether the server is there shows when it is asked again.
        }
        tell(reflector.watchEnded(after: clock() - began, now: clock(), random: chance))
    }

    /// False if the server does not have it.
    private mutating func cope(_ error: any Error) async -> Bool {
        let (now, failure) = (clock(), error as? ClusterFailure)
        switch failure?.status {
        case 410: tell(reflector.expired(now: now, random: chance))
        case 400 where reflector.request == .streamedList,
            422 where reflector.request == .streamedList:
            reflector.streamingRefused()
        case 404:
            path = (path + 1) % Object.paths.count
            guard path == 0 else { return true }
            tell([.notOffered])
            reflector.rest(until: now + Self.absencePause)
            return false
        case 401, 403:
            client.forgetToken()
            // A right that lacks is not given within seconds.
            tell(reflector.failed(words(error), after: 30_000, now: now, random: chance))
        default:
            tell(
                reflector.failed(
                    words(error),
                    after: failure?.retryAfter,
                    now: now,
                    random: chance
                )
            )
        }
        return true
    }

    private var chance: Int64 { .random(in: 0..<1_000) }

    private func tell(_ updates: [WatchUpdate<Object.Fact>]) {
        for update in updates { deliver(Object.update(update)) }
    }
}
