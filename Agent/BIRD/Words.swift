// SPDX-License-Identifier: Apache-2.0

// Everything here works on bytes: peers choose some of these texts, and a combining mark behind a
// blank or a colon must not hide it.

extension StringProtocol where SubSequence == Substring {
    /// Without blanks and tabs at both ends.
    var trimmed: Substring {
        let bytes = Substring(self).utf8
        let start = bytes.drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return Substring(start[...last])
    }

    /// Blank-separated words.
    var words: [Substring] {
        Substring(self).utf8.split(whereSeparator: isBlank).map { Substring($0) }
    }

    /// `Label:   value` taken apart, however it is padded; nil without a colon.
    var labelled: (label: Substring, value: Substring)? {
        let bytes = Substring(self).utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let value = Substring(bytes[bytes.index(after: colon)...])
        return (Substring(bytes[..<colon]).trimmed, value.trimmed)
    }

    /// What follows `start`; nil if the text does not begin with it.
    func rest(after start: String) -> Substring? {
        let bytes = Substring(self).utf8
        guard bytes.starts(with: start.utf8) else { return nil }
        return Substring(bytes.dropFirst(start.utf8.count))
    }

    /// `part` stands in it. The standard library's own brings its regular expressions into the program, a sixth of it.
    func holds(_ part: String) -> Bool {
        var bytes = Substring(self).utf8[...]
        while !bytes.isEmpty {
            if bytes.starts(with: part.utf8) { return true }
            bytes = bytes.dropFirst()
        }
        return false
    }

    /// At most `limit` scalars of it.
    func bounded(_ limit: Int = 256) -> String {
        guard utf8.count > limit else { return String(self) }
        return String(String.UnicodeScalarView(unicodeScalars.prefix(limit)))
    }
}

private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
