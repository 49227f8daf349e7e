// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// The custom bot of Feishu and Lark. Source: open.feishu.cn, "custom bot".
package struct Feishu: ChatDialect {
    /// The bot's secret, if it checks signatures.
    let secret: Credential?
    /// A word that a bot with a keyword wants in each message.
    let keyword: String?

    package init(secret: Credential?, keyword: String?) {
        self.secret = secret
        self.keyword = keyword
    }

    /// A hundred a minute, five a second: a burst and the next together are less.
    package let pace = Pace(perMinute: 60, burst: 3)
    /// 20 KB a body, JSON's escapes and the signature with it.
    private static let byteLimit = 19_000

    private struct Body: Encodable {
        var timestamp: String?
        var sign: String?
        var msg_type = "interactive"
        var card: Card
    }

    private struct Card: Encodable {
        struct Config: Encodable { var wide_screen_mode = true }
        struct Text: Encodable { var tag: String, content: String }
        struct Header: Encodable { var title: Text, template: String }
        struct Element: Encodable { var tag = "div", text: Text }
        var config = Config()
        var header: Header
        var elements: [Element]
    }

    static let markdown = Markdown(
        bold: { "**\($0)**" },
        code: { $0.mapped(entities) },
        link: { "[\($0)](\($1))" },
        escaped: { $0.mapped(entities) }
    )
    /// As Feishu's mark-up wants its own signs.
    private static let entities: [Character: String] = Dictionary(
        uniqueKeysWithValues: "&<>*_~`[]()#-".map { sign in
            (sign, "&#\(sign.unicodeScalars.first?.value ?? 32);")
        }
    )

    package func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest {
        var sealed = Body(card: card(message, phrases))
        if let secret = try secret?.secret().reveal() {
            let seconds = String(now / 1000)
            sealed.timestamp = seconds
            sealed.sign = signature(of: "", key: "\(seconds)\n\(secret)")
        }
        let fitted = message.fitted(into: Self.byteLimit) {
            json(card($0, phrases)).count
        }
        sealed.card = card(fitted, phrases)
        return SinkRequest(url: address.reveal(), body: json(sealed))
    }

    private func card(_ message: Message, _ phrases: Phrases) -> Card {
        let title = [keyword, "\(message.icon) \(message.state)"].compactMap(\.self)
        var texts = [Self.markdown.bold(Self.markdown.escaped(message.headline))]
        texts.append(Self.markdown.details(message, phrases).joined(separator: "\n"))
        if let link = message.link { texts.append(Self.markdown.link(phrases.details, link)) }
        return Card(
            header: .init(
                title: .init(tag: "plain_text", content: title.joined(separator: " ")),
                template: template(message.mood)
            ),
            elements: texts.map { .init(text: .init(tag: "lark_md", content: $0)) }
        )
    }

    private func template(_ mood: Message.Mood) -> String {
        switch mood {
        case .critical: "red"
        case .warning: "orange"
        case .info: "blue"
        case .resolved: "green"
        }
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? {
        // 19021: signature; 19022: address; 19024: keyword; 19001: no such hook; 19007: the bot is off.
        Sinks.refusal(
            byCodeIn: answer,
            ["code", "StatusCode"],
            limited: [11_232],
            unauthorized: [19_001, 19_007, 19_021, 19_022, 19_024]
        )
    }
}
