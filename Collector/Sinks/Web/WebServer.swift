// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import HTTPTypes
import Hummingbird
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
        version: String,
        metrics: @escaping @Sendable (ExpositionFormat) -> String,
        log: Logger
    ) -> some Service {
        let router = Router()
        addPage(router)
        addAPI(router, board, version, archive)
        addMatrix(router, board, archive)
        addTimeline(router, board, archive)
        addSilences(router, board, archive)
        addEvents(router, board)
        addProbes(router, board, metrics)
        return Application(
            router: router,
            configuration: .init(address: .hostname(host, port: port), serverName: "podpath"),
            logger: log
        )
    }

    private static func addProbes(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ metrics: @escaping @Sendable (ExpositionFormat) -> String
    ) {
        router.get("/healthz") { _, _ in "ok\n" }
        router.get("/readyz") { _, _ -> Response in
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
        router.get("/metrics") { request, _ in
            let format = ExpositionFormat(accept: request.headers[.accept])
            return text(metrics(format), type: format.contentType)
        }
    }

    private static func addEvents(_ router: Router<BasicRequestContext>, _ board: StateBoard) {
        router.get("/api/v1/events") { _, _ -> Response in
            guard let (id, events) = board.watch() else {
                return text("too many listeners\n", .serviceUnavailable)
            }
            let body = ResponseBody { writer in
                defer { board.unwatch(id) }
                try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                for await event in events {
                    let frame = "id: \(event.state)\nevent: \(event.name)\ndata: \(event.json)\n\n"
                    try await writer.write(ByteBuffer(string: frame))
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
    Response(
        status: status,
        headers: [.contentType: "application/json", .cacheControl: "no-store"],
        body: .init(byteBuffer: ByteBuffer(bytes: json(document)))
    )
}
