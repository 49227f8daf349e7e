// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import Routing
package import ServiceLifecycle

/// The page, the API and the probes. Read-only, but for what operators say where the configuration lets them.
package enum WebServer {
    /// A service that listens until it is told to stop.
    package static func service(
        host: String,
        port: Int,
        board: StateBoard,
        archive: Archive = Archive(),
        door: WebDoor,
        version: String,
        metrics: @escaping @Sendable (ExpositionFormat) -> String,
        log: Logger
    ) -> some Service {
        let server = HTTPServerBuilder { responder in
            let base = HTTP1Channel(
                responder: responder,
                configuration: .init(idleTimeout: .seconds(idleSeconds))
            )
            return GuardedChannel(base: base, door: door)
        }
        return Application(
            router: router(board, archive, door, version: version, metrics: metrics),
            server: server,
            configuration: .init(address: .hostname(host, port: port), serverName: "podpath"),
            logger: log
        )
    }

    /// Longer than a scraper's minute; whoever asks for nothing so long, or does not end its handshake, is let go.
    private static let idleSeconds: Int64 = 75

    static func router(
        _ board: StateBoard,
        _ archive: Archive,
        _ door: WebDoor,
        version: String,
        metrics: @escaping @Sendable (ExpositionFormat) -> String
    ) -> Router<BasicRequestContext> {
        let router = Router(options: .autoGenerateHeadEndpoints)
        let routes = RouteTable()
        router.add(middleware: AnswerHeaders(door: door))
        router.add(middleware: ErrorAnswers(routes: routes))
        router.add(middleware: SignIn(door: door))
        addPage(router)
        addDescription(router, door, version)
        addAPI(router, board, version, archive)
        addMatrix(router, board, archive)
        addTimeline(router, board, archive)
        addSilences(router, board, archive)
        addEvents(router, board)
        addProbes(router, board, metrics)
        routes.fill(from: router)
        return router
    }

    private static func addDescription(
        _ router: Router<BasicRequestContext>,
        _ door: WebDoor,
        _ version: String
    ) {
        router.on(.description) { _, request, _ in
            let isGuarded = !door.now.security.users.isEmpty
            let body = OpenAPI.document(version: version, isGuarded: isGuarded)
            return answer(request, json: body)
        }
    }

    private static func addProbes(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ metrics: @escaping @Sendable (ExpositionFormat) -> String
    ) {
        router.on(.health) { _, _, _ in text("ok\n") }
        router.on(.readiness) { _, _, _ in
            guard let state = board.state else { return text("starting\n", .serviceUnavailable) }
            let now = board.clock()
            let waiting = SourceDocument.all(in: state.snapshot, now: now).filter {
                $0.state == "starting"
            }
            guard waiting.isEmpty else {
                let names = waiting.map(\.name).joined(separator: ", ")
                return text("waiting for \(names)\n", .serviceUnavailable)
            }
            return text("ok\n")
        }
        router.on(.metrics) { _, request, _ in
            let format = ExpositionFormat(accept: request.headers[.accept])
            return text(metrics(format), type: format.contentType)
        }
    }

    /// Proxies cut what is silent for a minute; and who listens knows that somebody speaks.
    private static let beatSeconds = 15

    private static func addEvents(_ router: Router<BasicRequestContext>, _ board: StateBoard) {
        router.on(.events) { _, _, _ in
            guard let (watcher, events) = board.watch() else {
                return answer(ErrorDocument(error: "too many listen already"), .serviceUnavailable)
            }
            let body = ResponseBody { writer in
                let beat = Task {
                    while !Task.isCancelled {
                        try await Task.sleep(for: .seconds(beatSeconds))
                        watcher.beat()
                    }
                }
                defer { beat.cancel() }
                try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                for await event in events {
                    try await writer.write(ByteBuffer(string: event.frame))
                }
                try await writer.finish(nil)
            }
            return Response(
                status: .ok,
                headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: body
            )
        }
    }
}

func text(
    _ text: String,
    _ status: HTTPResponse.Status = .ok,
    type: String = "text/plain; charset=utf-8"
) -> Response {
    Response(
        status: status,
        headers: [.contentType: type],
        body: .init(byteBuffer: ByteBuffer(string: text))
    )
}

func answer(_ document: some Encodable, _ status: HTTPResponse.Status = .ok) -> Response {
    answer(json: json(document), status)
}

/// Of JSON that is there already.
func answer(json: Data, _ status: HTTPResponse.Status = .ok) -> Response {
    Response(
        status: status,
        headers: [
            .contentType: "application/json", .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
        ],
        body: .init(byteBuffer: ByteBuffer(bytes: json))
    )
}
