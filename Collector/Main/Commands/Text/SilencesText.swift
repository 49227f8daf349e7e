// SPDX-License-Identifier: Apache-2.0
import Sinks

/// What operators say, as `silence` prints it.
enum SilencesText {
    private static let wideColumns = 140

    static func list(_ silences: [SilenceDocument], _ screen: Screen) -> [Line] {
        guard !silences.isEmpty else { return [Line("no silences")] }
        guard let columns = screen.columns, columns < wideColumns else {
            return wide(silences, screen)
        }
        return silences.flatMap { whole($0, screen) }
    }

    private static func wide(_ silences: [SilenceDocument], _ screen: Screen) -> [Line] {
        var table = Table("ID", "STATE", "FORM", "FROM", "UNTIL", "AUTHOR", "MATCH", "COMMENT")
        table.rows = silences.map { silence in
            [
                Span(silence.id ?? ""), Span(silence.state ?? "", ink(silence)),
                Span(silence.form ?? ""), Span(silence.startsAt ?? ""), Span(silence.endsAt),
                Span(silence.author), Span(match(silence)), Span(silence.comment),
            ]
        }
        return table.lines(screen)
    }

    /// One, in two lines or so.
    static func whole(_ silence: SilenceDocument, _ screen: Screen) -> [Line] {
        let begins = silence.state == "pending" ? "from \(silence.startsAt ?? "") " : ""
        let head = Line([
            Span("\(silence.id ?? "")  ", .bold), Span(silence.state ?? "", ink(silence)),
            Span(" \(silence.form ?? ""), \(begins)until \(silence.endsAt)"),
        ])
        let text = "\(match(silence)); \(silence.author): \(silence.comment)"
        return [head] + .paragraph(text, indent: 2, screen)
    }

    private static func ink(_ silence: SilenceDocument) -> Ink {
        switch silence.state {
        case "active": .green
        case "pending": .yellow
        default: .dim
        }
    }

    private static func match(_ silence: SilenceDocument) -> String {
        silence.match.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            .joined(separator: " ")
    }
}
