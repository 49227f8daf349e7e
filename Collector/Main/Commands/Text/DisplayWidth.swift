// SPDX-License-Identifier: Apache-2.0

extension Character {
    /// How many columns of a terminal it takes: 0, 1 or 2.
    var columns: Int {
        // An emoji asked for as a picture is wide, whatever it begins with.
        if unicodeScalars.dropFirst().contains("\u{FE0F}") { return 2 }
        return unicodeScalars.lazy.map(\.columns).first { $0 > 0 } ?? 0
    }
}

extension Unicode.Scalar {
    /// Blocks whose letters are wide or full-width (Unicode's annex 11), as whole blocks where nothing in them is narrow.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF,
        0x20000...0x3FFFD,
    ]

    fileprivate var columns: Int {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .control, .format: return 0
        default: break
        }
        return properties.isEmojiPresentation || Self.wide.contains { $0.contains(value) } ? 2 : 1
    }
}

extension String {
    /// Columns of a terminal.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// At most so many columns; what is cut off shows as an ellipsis.
    func cut(to width: Int) -> String {
        guard columns > width else { return self }
        guard width > 0 else { return "" }
        return head(of: width - 1) + "…"
    }

    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - columns))
    }

    /// Lines of at most so many columns, broken at blanks where there are any; never empty.
    func wrapped(to width: Int) -> [String] {
        var (lines, line) = ([String](), "")
        for word in split(separator: " ").map(String.init) {
            if !line.isEmpty, line.columns + 1 + word.columns <= width {
                line += " " + word
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = word
            while line.columns > width {
                let head = line.head(of: max(2, width))
                lines.append(head)
                line = String(line.dropFirst(head.count))
            }
        }
        return line.isEmpty && !lines.isEmpty ? lines : lines + [line]
    }

    private func head(of width: Int) -> String {
        var taken = 0
        return String(
            prefix {
                taken += $0.columns
                return taken <= width
            }
        )
    }
}
