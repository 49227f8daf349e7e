// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import HTTPTypes
import Hummingbird
import Routing

extension WebServer {
    /// A silence with its texts is a few hundred bytes.
    private static let bodyLimit = 16 << 10

    static func addSilences(
        _ router: Router<BasicRequestContext>,
        _ board: StateBoard,
        _ archive: Archive
    ) {
        router.on(.silences) { _, request, _ in
            guard let state = board.state else { return starting() }
            let document = silences(state, request, archive, now: board.clock())
            return answer(request, json: json(document))
        }
        router.on(.addSilence) { _, request, _ in
            if let refusal = refusal(of: request, archive) { return refusal }
            let body = try await request.body.collect(upTo: bodyLimit)
            return await add(Data(body.readableBytesView), board, archive)
        }
        router.on(.endSilence) { _, request, context in
            if let refusal = refusal(of: request, archive) { return refusal }
            let id = context.parameters.get("id")?.removingPercentEncoding
            return await expire(id ?? "", board, archive)
        }
    }

    private static func silences(
        _ state: CollectorState,
        _ request: Request,
        _ archive: Archive,
        now: Timestamp
    ) -> SilencesDocument {
        let all = state.snapshot.silences.all.values.sorted {
            ($1.endsAt, $0.id) < ($0.endsAt, $1.id)
        }
        let mayWrite = request.uri.queryParameters.get("origin").map { origin in
            archive.operators != nil
                && WriteOrigin.isOwn(
                    origin,
                    reachedBy: request.head.authority,
                    archive.origins
                )
        }
        return SilencesDocument(
            silences: all.map { SilenceDocument($0, now: now) },
            mayWrite: mayWrite
        )
    }

    private static func add(
        _ body: Data,
        _ board: StateBoard,
        _ archive: Archive
    ) async -> Response {
        guard let state = board.state, let write = archive.operators else { return starting() }
        let (now, fresh, known) = (board.clock(), freshID(), state.snapshot.silences.all)
        let silence: Silence
        do throws(SilenceRefusal) {
            silence = try Silence(body: body, id: fresh, now: now)
        } catch {
            return bad(error.reason)
        }
        guard silence.id == fresh || known[silence.id] != nil else {
            return missing("no such silence")
        }
        let current = known.values.count { $0.endsAt > now }
        guard silence.id != fresh || current < Silences.limit else {
            return bad("there are too many silences")
        }
        await write(.silence(silence))
        return answer(SilenceDocument(silence, now: now), .created)
    }

    private static func expire(
        _ id: String,
        _ board: StateBoard,
        _ archive: Archive
    ) async -> Response {
        guard let state = board.state, let write = archive.operators else { return starting() }
        guard let silence = state.snapshot.silences.all[id] else {
            return missing("no such silence")
        }
        let now = board.clock()
        var ended = silence
        if silence.endsAt > now {
            (ended.startsAt, ended.endsAt) = (min(now, silence.startsAt), now)
            await write(.silence(ended))
        }
        return answer(SilenceDocument(ended, now: now))
    }

    private static func freshID() -> String { String(UInt64.random(in: 1...UInt64.max), radix: 36) }

    /// Nil if the request may write. A page of another site can make a browser post a form, yet neither JSON nor
    /// a DELETE without being asked for first.
    private static func refusal(of request: Request, _ archive: Archive) -> Response? {
        guard archive.operators != nil else {
            return answer(
                ErrorDocument(error: "nobody may write here: set http.writes to true"),
                .forbidden
            )
        }
        guard WriteOrigin(request).mayWrite(archive.origins) else {
            return answer(
                ErrorDocument(
                    error: "from a browser only podpath's own page writes, at the collector's "
                        + "address or at one of http.origins"
                ),
                .forbidden
            )
        }
        guard request.method == .delete || isJSON(request.headers[.contentType]) else {
            return answer(
                ErrorDocument(error: "the body must be application/json"),
                .unsupportedMediaType
            )
        }
        return nil
    }

    private static func isJSON(_ type: String?) -> Bool {
        type?.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased()
            == "application/json"
    }
}
