// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// WeCom's group robot. Source: developer.work.weixin.qq.com, "group robot".
package struct WeCom: ChatDialect {
    package init() {}

    /// Twenty a minute; room is left for others who use it.
    package let pace = Pace(perMinute: 15, burst: 5)
    /// Bytes of UTF-8 in a Markdown message.
    private static let byteLimit = 4_096

    private struct Body: Encodable {
        struct Markdown: Encodable { var content: String }
        var msgtype = "markdown"
        var markdown: Markdown
    }

    /// No escapes: what would be taken for mark-up is written wide.
    static let markdown = Markdown(
        bold: { "**\($0)**" },
        code: { "`\($0.replacingOccurrences(of: "`", with: "'").mapped(angles))`" },
        link: { "[\($0)](\($1))" },
        escaped: { $0.mapped(wide).uncalling }
    )
    private static let angles: [Character: String] = ["<": "＜", ">": "＞"]
    private static let wide: [Character: String] = [
        "<": "＜", ">": "＞", "*": "＊", "`": "'", "[": "［", "]": "］",
    ]

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
        let body = Body(markdown: .init(content: Self.markdown.text(fitted, phrases)))
        return SinkRequest(url: address.reveal(), body: json(body))
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? {
        Sinks.refusal(
            byCodeIn: answer,
            ["errcode"],
            limited: [45_009, 45_033],
            unauthorized: [93_000, 40_001, 40_014, 41_001, 60_020]
        )
    }
}
