// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// Mattermost's incoming webhook. Source: developers.mattermost.com, "incoming webhooks".
package struct Mattermost: ChatDialect {
    package init() {}

    /// A server's default is ten requests a second for everybody.
    package let pace = Pace(perMinute: 60, burst: 10)
    /// Unicode scalars in a post.
    private static let runeLimit = 16_383

    private struct Body: Encodable { var text: String }

    static let markdown = Markdown(
        bold: { "**\($0)**" },
        // In code nobody is called.
        code: { "`\($0.replacingOccurrences(of: "`", with: "'"))`" },
        link: { "[\($0)](\($1))" },
        // `&commat;all` would be read as a call.
        escaped: { $0.mapped(markdownEscapes).mapped(["&": "&amp;"]).uncalling },
        newline: "  \n"
    )

    package func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest {
        let fitted = message.fitted(into: Self.runeLimit) {
            Self.markdown.text($0, phrases).unicodeScalars.count
        }
        let body = Body(text: Self.markdown.text(fitted, phrases))
        return SinkRequest(url: address.reveal(), body: json(body))
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? {
        // A hook that somebody took away.
        if answer.status == 400, answer.words.contains("incoming_webhook") {
            return SinkError("HTTP 400 \(answer.words)", .unauthorized)
        }
        return refusalOfIncomingWebhook(answer)
    }
}
