// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation

/// DingTalk's group robot. Sources: open.dingtalk.com "custom robot", and what its clients send.
package struct DingTalk: ChatDialect {
    /// The robot's secret, if it checks signatures.
    let secret: Credential?
    /// A word that a robot with a keyword wants in each message.
    let keyword: String?
    /// Mobile numbers of those who are called.
    let mobiles: [String]

    package init(secret: Credential?, keyword: String?, mobiles: [String]) {
        self.secret = secret
        self.keyword = keyword
        self.mobiles = mobiles
    }

    /// Twenty a minute, and then the robot is shut for ten: room is left for others who use it.
    package let pace = Pace(perMinute: 15, burst: 5)
    /// About 20 KB a body, JSON's escapes and the calls with it.
    private static let byteLimit = 19_000

    private struct Body: Encodable {
        struct Markdown: Encodable { var title: String, text: String }
        struct At: Encodable { var atMobiles: [String], isAtAll = false }
        var msgtype = "markdown"
        var markdown: Markdown
        var at: At
    }

    static let markdown = Markdown(
        bold: { "**\($0)**" },
        code: { "`\($0.replacingOccurrences(of: "`", with: "'"))`" },
        link: { "[\($0)](\($1))" },
        escaped: { $0.mapped(markdownEscapes).uncalling },
        newline: "  \n"
    )

    package func request(
        _ message: Message,
        _ phrases: Phrases,
        to address: Secret,
        key: String,
        now: Int64
    ) throws(SinkError) -> SinkRequest {
        let fitted = message.fitted(into: Self.byteLimit) { json(body($0, phrases)).count }
        return SinkRequest(url: try signed(address, now), body: json(body(fitted, phrases)))
    }

    private func body(_ message: Message, _ phrases: Phrases) -> Body {
        let calls = mobiles.map { "@\($0)" }.joined(separator: " ")
        let text = Self.markdown.text(message, phrases, keyword: keyword)
        let title = [keyword, String(message.title.prefix(100)).uncalling].compactMap(\.self)
        return Body(
            markdown: .init(
                title: title.joined(separator: " "),
                text: calls.isEmpty ? text : "\(text)  \n\(calls)"
            ),
            at: .init(atMobiles: mobiles)
        )
    }

    /// The address as it is in the file, with this moment's signature; never one that was signed before.
    private func signed(_ address: Secret, _ now: Int64) throws(SinkError) -> String {
        guard let secret = try secret?.secret().reveal() else { return address.reveal() }
        let signature = signature(of: "\(now)\n\(secret)", key: secret)
        let sign = signature.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let mark = address.reveal().contains("?") ? "&" : "?"
        return "\(address.reveal())\(mark)timestamp=\(now)&sign=\(sign)"
    }

    package func refusal(in answer: SinkAnswer) -> SinkError? {
        // 310000: signature, keyword or address; the other hundred thousands: no such token, or a robot that is off.
        Sinks.refusal(
            byCodeIn: answer,
            ["errcode"],
            limited: [130_101, 130_102, 410_100],
            unauthorized: [
                310_000, 300_001, 300_005, 400_013, 400_101, 400_102, 400_103, 400_106,
            ]
        )
    }
}

/// What Markdown takes for itself within a line.
let markdownEscapes: [Character: String] = Dictionary(
    uniqueKeysWithValues: #"\`*_[]<>~|#"#.map { ($0, "\\\($0)") }
)
