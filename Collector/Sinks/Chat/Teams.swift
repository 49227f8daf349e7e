// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// Microsoft Teams by a workflow's webhook: an Adaptive Card 1.2. Source: adaptivecards.io, and learn.microsoft.com
/// "webhooks and connectors".
package struct Teams: ChatDialect {
    package init() {}

    /// Four a second; a channel is no log.
    package let pace = Pace(perMinute: 30, burst: 3)
    /// 28 KB a body.
    private static let byteLimit = 27_000

    private struct Body: Encodable {
        struct Attachment: Encodable {
            var contentType = "application/vnd.microsoft.card.adaptive"
            var content: Card
        }
        var type = "message"
        var attachments: [Attachment]
    }

    private struct Card: Encodable {
        struct Width: Encodable { var width = "full" }
        struct Action: Encodable { var type = "Action.OpenUrl", title: String, url: String }
        enum CodingKeys: String, CodingKey {
            case schema = "$schema"
            case type, version, msteams, body, actions
        }
        var schema = "http://adaptivecards.io/schemas/adaptive-card.json"
        var type = "AdaptiveCard"
        var version = "1.2"
        var msteams = Width()
        var body: [Block]
        var actions: [Action]?
    }

    /// Runs of text: in them nothing is mark-up.
    private struct Block: Encodable {
        struct Run: Encodable {
            var type = "TextRun"
            var text: String
            var weight: String?
            var size: String?
            var color: String?
            var fontType: String?
        }
        var type = "RichTextBlock"
        var inlines: [Run]
    }

    package func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest {
        let fitted = message.fitted(into: Self.byteLimit) {
            json(body($0, phrases)).count
        }
        return SinkRequest(url: address.reveal(), body: json(body(fitted, phrases)))
    }

    private func body(_ message: Message, _ phrases: Phrases) -> Body {
        var title = Block.Run(text: message.title)
        (title.weight, title.size, title.color) = ("bolder", "large", color(message.mood))
        var blocks = [Block(inlines: [title])]
        blocks += message.lines.map { pair($0.label, $0.text) }
        blocks += message.evidence.map { pair(phrases.evidence, "\($0.label), \($0.text)") }
        blocks += message.commands.map { pair($0.label, $0.text, isCode: true, $0.arrow) }
        let omitted = message.omitted > 0 ? phrases.omitted(message.omitted) : nil
        blocks += [omitted, message.footer].compactMap(\.self).map {
            Block(inlines: [.init(text: $0)])
        }
        let actions = message.link.map { [Card.Action(title: phrases.details, url: $0)] }
        return Body(attachments: [.init(content: Card(body: blocks, actions: actions))])
    }

    private func pair(
        _ label: String,
        _ text: String,
        isCode: Bool = false,
        _ note: String = ""
    ) -> Block {
        var value = Block.Run(text: text)
        if isCode { value.fontType = "monospace" }
        let rest = note.isEmpty ? [] : [Block.Run(text: note)]
        return Block(inlines: [.init(text: "\(label): ", weight: "bolder"), value] + rest)
    }

    private func color(_ mood: Message.Mood) -> String {
        switch mood {
        case .critical: "attention"
        case .warning: "warning"
        case .info: "accent"
        case .resolved: "good"
        }
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? {
        // A connector of old said that it was told too fast in the body of a 200.
        let words = String(decoding: answer.body.prefix(400), as: UTF8.self)
        if answer.status == 200, words.contains("HTTP error 429") {
            return SinkError(answer.words, .limited, retryAfter: answer.retryAfter)
        }
        if answer.status == 200, words.lowercased().contains("<html") {
            return SinkError("HTTP 200 with a page: \(answer.words)")
        }
        return Sinks.refusal(byStatusOf: answer)
    }
}
