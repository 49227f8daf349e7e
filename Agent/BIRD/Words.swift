// SPDX-License-Identifier: Apache-2.0
import Routing

extension StringProtocol {
    /// Without blanks and tabs at both ends.
    var trimmed: String {
        guard let start = firstIndex(where: { !isBlank($0) }),
            let end = lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(self[start...end])
    }

    /// Blank-separated words.
    var words: [String] {
        let parts: [SubSequence] = split(
            maxSplits: .max,
            omittingEmptySubsequences: true,
            whereSeparator: isBlank
        )
        return parts.map { String($0) }
    }

    /// The value of `Label: value`, however it is padded.
    func value(of label: String) -> String? {
        let line = trimmed
        guard line.hasPrefix(label + ":") else { return nil }
        return line.dropFirst(label.count + 1).trimmed
    }

    /// At most `limit` characters: peers choose some of these texts.
    func bounded(_ limit: Int = 256) -> String { String(prefix(limit)) }
}

private func isBlank(_ letter: Character) -> Bool { letter == " " || letter == "\t" }

/// The number before or after a word, as in `1 imported`.
func counter(_ name: String, in part: Substring) -> UInt32? {
    let words = part.words
    guard words.count == 2, words[1] == name else { return nil }
    return UInt32(words[0])
}
