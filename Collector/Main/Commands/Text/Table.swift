// SPDX-License-Identifier: Apache-2.0

/// Columns under headings. The last takes what the others leave and is wrapped; the others are cut where there is no room.
struct Table {
    var indent = 0
    var headings: [String]
    var rows: [[Span]] = []

    /// What a cut column keeps, and what the last one gets at least.
    private static let (least, leastLast) = (8, 24)
    private static let gap = 2

    init(_ headings: String..., indent: Int = 0) {
        self.headings = headings
        self.indent = indent
    }

    func lines(_ screen: Screen) -> [Line] {
        let widths = widths(screen)
        let heading = headings.map { Span($0, .dim) }
        return ([heading] + rows).flatMap { lines(of: $0, widths, screen) }
    }

    /// Of all columns but the last.
    private func widths(_ screen: Screen) -> [Int] {
        var widths = headings.indices.dropLast().map { column in
            ([headings[column]] + rows.map { $0[column].text }).map(\.columns).max() ?? 0
        }
        guard let columns = screen.columns else { return widths }
        let last = rows.compactMap { $0.last?.text.columns }.max() ?? 0
        let room = columns - indent - min(Self.leastLast, last)
        while widths.reduce(0, +) + Self.gap * widths.count > room,
            let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > Self.least
        {
            widths[widest] -= 1
        }
        return widths
    }

    private func lines(of row: [Span], _ widths: [Int], _ screen: Screen) -> [Line] {
        let gap = String(repeating: " ", count: Self.gap)
        let before = zip(row, widths).map { span, width in
            Span(span.text.cut(to: width).padded(to: width) + gap, span.ink)
        }
        let offset = indent + widths.reduce(0) { $0 + $1 + Self.gap }
        guard let last = row.last else { return [] }
        let texts = screen.columns.map { last.text.wrapped(to: max(8, $0 - offset)) } ?? [last.text]
        return texts.enumerated().map { index, text in
            let blanks = Span(String(repeating: " ", count: index == 0 ? indent : offset))
            return Line([blanks] + (index == 0 ? before : []) + [Span(text, last.ink)])
        }
    }
}
