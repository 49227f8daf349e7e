// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// Slack's incoming webhook. Source: api.slack.com, "incoming webhooks" and "block kit".
package struct Slack: ChatDialect {
    package init() {}

    /// About one a second.
    package let pace = Pace(perMinute: 50, burst: 3)
    /// Characters in a section's text.
    private static let sectionLimit = 3_000

    private struct Body: Encodable {
        struct Text: Encodable {
            var type = "mrkdwn"
            var text: String
            /// Nothing in it becomes a link or a channel by itself.
            var verbatim = true
        }
        struct Block: Encodable { var type = "section", text: Text }
        /// What a notification shows.
        var text: String
        var blocks: [Block]
    }

    static let markdown = Markdown(
        bold: { "*\($0)*" },
        code: { "`\($0.replacingOccurrences(of: "`", with: "'").mapped(entities))`" },
        link: { "<\($1)|\($0)>" },
        escaped: { $0.mapped(entities).mapped(marks) }
    )
    /// The three that Slack reserves.
    private static let entities: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;"]
    /// Slack has no escape for its marks: behind a space of no width they begin nothing.
    private static let marks: [Character: String] = [
        "*": "\u{200B}*", "_": "\u{200B}_", "~": "\u{200B}~", "`": "'",
    ]

    package func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest {
        let fitted = message.fitted(into: Self.sectionLimit) {
            Self.markdown.text($0, phrases).utf16.count
        }
        let body = Body(
            text: String(fitted.title.prefix(500)).mapped(Self.entities),
            blocks: [.init(text: .init(text: Self.markdown.text(fitted, phrases)))]
        )
        return SinkRequest(url: address.reveal(), body: json(body))
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? { refusalOfIncomingWebhook(answer) }
}

/// Slack and Mattermost say `ok`, and nothing else, when they took it.
func refusalOfIncomingWebhook(_ answer: SinkAnswer) -> SinkError? {
    if let refusal = refusal(byStatusOf: answer) { return refusal }
    let text = String(decoding: answer.body.prefix(16), as: UTF8.self)
    guard text.trimmingCharacters(in: .whitespacesAndNewlines) != "ok" else { return nil }
    return SinkError("HTTP \(answer.status) without \"ok\": \(answer.words)")
}
