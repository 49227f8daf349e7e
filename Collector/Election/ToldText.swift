// SPDX-License-Identifier: Apache-2.0
import Routing
import Verdicts

/// Why a text is none of what was told, and where.
package struct ToldError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// As an annotation holds it: a line for each word, its numbers in base 36.
///
///     KEY SINK open|over SEVERITY ROOT PREFIXES AT
extension Told {
    private static let lineLimit = 96

    package var text: String {
        words.sorted { $0.key < $1.key }.map { key, word in
            let numbers: [any BinaryInteger] = [word.root, word.prefixes, word.at.milliseconds]
            let state = word.isOpen ? "open" : "over"
            return
                ([base36(key), base36(word.sink), state, word.severity.rawValue]
                + numbers.map(base36))
                .joined(separator: " ")
        }.joined(separator: "\n")
    }

    package init(parsing text: String) throws(ToldError) {
        guard text.utf8.count <= Self.limit * Self.lineLimit else {
            throw ToldError(description: "\(text.utf8.count) bytes are too many")
        }
        var words: [UInt64: Word] = [:]
        for (number, line) in text.split(separator: "\n").enumerated() {
            guard words.count < Self.limit else {
                throw ToldError(description: "more than \(Self.limit) lines")
            }
            guard let (key, word) = Self.parse(line) else {
                throw ToldError(description: "line \(number + 1) is not understood")
            }
            words[key] = word
        }
        self.init(words: words)
    }

    private static func parse(_ line: Substring) -> (UInt64, Word)? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 7, let key = UInt64(parts[0], radix: 36),
            let sink = UInt32(parts[1], radix: 36),
            let isOpen = ["open": true, "over": false][parts[2]],
            let severity = Severity(rawValue: String(parts[3])),
            let root = UInt32(parts[4], radix: 36),
            let prefixes = Int(parts[5], radix: 36), prefixes >= 0,
            let at = Int64(parts[6], radix: 36), (0..<Self.latest) ~= at
        else { return nil }
        let word = Word(
            sink: sink,
            isOpen: isOpen,
            severity: severity,
            root: root,
            // Twice as many are computed with.
            prefixes: min(prefixes, 1 << 40),
            at: Timestamp(milliseconds: at)
        )
        return (key, word)
    }

    /// Thousands of years: what is later cannot be a moment.
    private static let latest: Int64 = 1 << 48
}

private func base36(_ number: any BinaryInteger) -> String { String(number, radix: 36) }
