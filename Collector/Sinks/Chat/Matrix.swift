// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
import NIOHTTP1

/// A room of a Matrix homeserver. Source: the client-server API, v1.11.
package struct Matrix: ChatDialect {
    package let server: String
    let room: String

    /// `server` without a slash at its end; `room` is `!id:server`.
    package init(server: String, room: String) {
        self.server = server
        self.room = room
    }

    /// Synapse lets a user send about one every five seconds for long, after a burst of ten.
    package let pace = Pace(perMinute: 12, burst: 8)
    /// 65 KB an event, of which the text is in it twice.
    private static let byteLimit = 24_000

    private struct Body: Encodable {
        enum CodingKeys: String, CodingKey {
            case msgtype, body, format
            case formatted = "formatted_body"
            case mentions = "m.mentions"
        }
        var msgtype = "m.text"
        var body: String
        var format = "org.matrix.custom.html"
        var formatted: String
        /// Nobody: else a client would look for names, and for `@room`, in the text.
        var mentions: [String: String] = [:]
    }

    static let markdown = Markdown(
        bold: { "<b>\($0)</b>" },
        code: { "<code>\($0.mapped(entities))</code>" },
        link: { "<a href=\"\($1.mapped(entities))\">\($0)</a>" },
        escaped: { $0.mapped(entities) },
        newline: "<br>"
    )
    private static let entities: [Character: String] = [
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;",
    ]

    /// `address` is the user's token. A message that comes twice under one transaction is shown once.
    package func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest {
        let fitted = message.fitted(into: Self.byteLimit) {
            Self.markdown.text($0, phrases).utf8.count
        }
        let body = Body(
            body: IncidentText.plain(fitted, phrases),
            formatted: Self.markdown.text(fitted, phrases)
        )
        let parts = [room, "podpath-\(key)"].map {
            $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        }
        return SinkRequest(
            method: .PUT,
            url: "\(server)/_matrix/client/v3/rooms/\(parts[0])/send/m.room.message/\(parts[1])",
            headers: [
                ("Content-Type", "application/json"),
                ("Authorization", "Bearer \(address.reveal())"),
            ],
            body: json(body)
        )
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? {
        if answer.status == 200 {
            let object = try? JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
            guard object?["event_id"] is String else {
                return SinkError("HTTP 200 without an event: \(answer.words)")
            }
            return nil
        }
        guard answer.status == 429, let wait = code(in: answer, "retry_after_ms") else {
            return Sinks.refusal(byStatusOf: answer)
        }
        return SinkError(answer.words, .limited, retryAfter: min(Int64(max(0, wait)), 3_600_000))
    }
}
