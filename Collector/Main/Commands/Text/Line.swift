// SPDX-License-Identifier: Apache-2.0
import Sinks

/// What a line is printed for: how wide, and whether with colours.
struct Screen: Sendable, Hashable {
    /// Nil where nobody looks: a program reads whole lines.
    var width: Int?
    var hasColor = false

    /// Readable at least; below that a terminal wraps by itself.
    var columns: Int? { width.map { max(60, $0) } }
}

enum Ink: String, Sendable {
    case plain = ""
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"

    init(severity: String) {
        switch severity {
        case "critical": self = .red
        case "warning": self = .yellow
        default: self = .cyan
        }
    }
}

/// Text in one ink. Whatever it came from, no control character is in it.
struct Span: Sendable, Hashable {
    let text: String
    let ink: Ink

    init(_ text: String, _ ink: Ink = .plain) {
        self.text = IncidentText.printable(text)
        self.ink = ink
    }
}

struct Line: Sendable, Hashable {
    var spans: [Span]

    init(_ spans: [Span]) { self.spans = spans }
    init(_ text: String = "", _ ink: Ink = .plain) { spans = [Span(text, ink)] }

    /// With escape sequences for its inks, without blanks at its end.
    func text(_ screen: Screen) -> String {
        var spans = spans
        while let last = spans.last, last.text.allSatisfy({ $0 == " " }) { spans.removeLast() }
        if let last = spans.popLast() {
            let end = last.text.lastIndex { $0 != " " } ?? last.text.startIndex
            spans.append(Span(String(last.text[...end]), last.ink))
        }
        return spans.map { span in
            guard screen.hasColor, span.ink != .plain, !span.text.isEmpty else { return span.text }
            return "\u{1B}[\(span.ink.rawValue)m\(span.text)\u{1B}[0m"
        }.joined()
    }
}

extension [Line] {
    /// A paragraph, wrapped where there is a width; its later lines are indented like its first.
    static func paragraph(
        _ text: String,
        _ ink: Ink = .plain,
        indent: Int = 0,
        _ screen: Screen
    ) -> [Line] {
        let text = IncidentText.printable(text)
        let blanks = String(repeating: " ", count: indent)
        let lines = screen.columns.map { text.wrapped(to: $0 - indent) } ?? [text]
        return lines.map { Line([Span(blanks), Span($0, ink)]) }
    }

    /// Two columns: what it is, and what it says.
    static func entry(_ name: String, _ text: String, _ screen: Screen) -> [Line] {
        let text = IncidentText.printable(text)
        let lines = screen.columns.map { text.wrapped(to: $0 - 10) } ?? [text]
        return lines.enumerated().map { index, line in
            Line([Span((index == 0 ? name : "").padded(to: 10), .dim), Span(line)])
        }
    }
}
