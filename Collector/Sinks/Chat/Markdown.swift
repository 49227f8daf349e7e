// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How a chat writes what all of them can: bold words, code, links, and text that stands for itself.
struct Markdown: Sendable {
    var bold: @Sendable (String) -> String
    var code: @Sendable (String) -> String
    var link: @Sendable (_ text: String, _ address: String) -> String
    /// Text from outside, in which nothing is mark-up and nobody is called.
    var escaped: @Sendable (String) -> String
    /// What ends a line so that the next begins under it.
    var newline = "\n"

    func text(_ message: Message, _ phrases: Phrases, keyword: String? = nil) -> String {
        let head = bold("\(message.icon) \(escaped(message.state))") + " "
        var lines = [(keyword.map { "\($0) " } ?? "") + head + escaped(message.headline)]
        lines += details(message, phrases)
        if let link = message.link { lines.append(self.link(phrases.details, link)) }
        return lines.joined(separator: newline)
    }

    /// All that stands between the sentence and the link.
    func details(_ message: Message, _ phrases: Phrases) -> [String] {
        var lines = message.lines.map { "\(bold(escaped($0.label))): \(escaped($0.text))" }
        lines += message.evidence.map {
            "\(bold(phrases.evidence)): \(escaped($0.label)), \(escaped($0.text))"
        }
        lines += message.commands.map {
            "\(bold(escaped($0.label))): \(code($0.text))\(escaped($0.arrow))"
        }
        if message.omitted > 0 { lines.append(phrases.omitted(message.omitted)) }
        return lines + [escaped(message.footer)]
    }
}

extension String {
    /// With each of `characters` replaced.
    func mapped(_ characters: [Character: String]) -> String {
        reduce(into: "") { $0 += characters[$1] ?? String($1) }
    }

    /// `@all` calls nobody with a space of no width behind the sign: what comes from outside has none of its own.
    var uncalling: String { replacingOccurrences(of: "@", with: "@\u{200B}") }
}
