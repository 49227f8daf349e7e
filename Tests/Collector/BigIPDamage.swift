// SPDX-License-Identifier: Apache-2.0
import Support

/// What a failing line, a proxy or an enemy does to a body: a byte flipped, bytes lost or doubled,
/// a number or bracket put where it hurts.
func damage(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    let words = [
        "null", "9223372036854775807", "-9223372036854775808", "1e400", "{", "]", "\"", "\\u0000",
        "true", ":", "[[[[[[[[", "{}", "\u{feff}", "-1", "%",
    ]
    var damaged = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) where !damaged.isEmpty {
        let at = Int.random(in: 0..<damaged.count, using: &generator)
        let end = min(damaged.count, at + Int.random(in: 1...24, using: &generator))
        let word = words[Int.random(in: 0..<words.count, using: &generator)]
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: damaged[at] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged.removeSubrange(at..<end)
        case 2: damaged.insert(contentsOf: damaged[at..<end], at: at)
        case 3: damaged.replaceSubrange(at..<end, with: word.utf8)
        default: replaceNumber(&damaged, from: at, with: word)
        }
    }
    return damaged
}

/// The next number gets another value: the body stays well-formed more often than not.
private func replaceNumber(_ bytes: inout [UInt8], from start: Int, with word: String) {
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    guard let begin = bytes[start...].firstIndex(where: isDigit) else { return }
    let end = bytes[begin...].firstIndex { !isDigit($0) } ?? bytes.endIndex
    bytes.replaceSubrange(begin..<end, with: word.utf8)
}
