// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing

/// What operators said to any of the collectors, as all of them are to know it.
struct SharedSilences: Sendable {
    /// The last word under an id, and when it was said.
    private struct Word: Hashable, Codable {
        var silence: Silence
        var saidAt: Timestamp

        /// Thousands of years from now is no moment, and would overflow where it is added to.
        var isMoment: Bool {
            [silence.startsAt, silence.endsAt, saidAt].allSatisfy {
                (0..<(1 << 48)) ~= $0.milliseconds
            }
        }
    }

    private var words: [String: Word] = [:]
    /// The text that the Lease has, as far as is known; nil while it was not read.
    private var inLease: [String: Timestamp] = [:]
    /// Those for which there was no room.
    private var leftOut: [String: Timestamp] = [:]
    /// All that were known when the text was made that is being written.
    private var offered: [String: Timestamp] = [:]

    /// Its part of what an object may hold: a hundred and more, those that end first left out.
    private static let sizeLimit = 32 << 10
    private static let countLimit = 1_000

    /// Of those that are remembered nobody knows when they were said: whatever is newer counts.
    init(_ silences: [Silence]) {
        let first = Timestamp(milliseconds: 1)
        for silence in silences { words[silence.id] = Word(silence: silence, saidAt: first) }
    }

    /// Whether one of this collector's is not in the Lease.
    var isUnpublished: Bool {
        words.contains { id, word in
            let known = max(inLease[id] ?? .zero, leftOut[id] ?? .zero)
            return known < word.saidAt
        }
    }

    mutating func note(_ silence: Silence, at now: Timestamp) {
        // After what is known, whoever's clock that was said by.
        let saidAt = words[silence.id].map { max(now, $0.saidAt + 1) } ?? now
        words[silence.id] = Word(silence: silence, saidAt: saidAt)
    }

    /// Takes in what the Lease has, and returns what of it is news here.
    mutating func merge(_ text: String) -> [Silence] {
        guard let read = Self.parse(text) else { return [] }
        inLease = Dictionary(read.map { ($0.silence.id, $0.saidAt) }) { max($0, $1) }
        var learned: [Silence] = []
        for word in read {
            if let known = words[word.silence.id], known.saidAt >= word.saidAt { continue }
            if words[word.silence.id]?.silence != word.silence { learned.append(word.silence) }
            words[word.silence.id] = word
        }
        return learned
    }

    mutating func published(_ text: String, at now: Timestamp) {
        guard let read = Self.parse(text) else { return }
        inLease = Dictionary(read.map { ($0.silence.id, $0.saidAt) }) { max($0, $1) }
        leftOut = offered.filter { inLease[$0.key] == nil }
        words = words.filter { now - $0.value.silence.endsAt < Self.memory }
    }

    /// So long is it told that one was ended early.
    private static let memory: Int64 = 7 * 86_400_000

    /// All that are of use, those that end last first.
    mutating func text(at now: Timestamp) -> String {
        offered = words.mapValues(\.saidAt)
        let wanted = words.values.filter { now - $0.silence.endsAt < Self.memory }
            .sorted { ($0.silence.endsAt, $0.silence.id) > ($1.silence.endsAt, $1.silence.id) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var (size, lines) = (0, [String]())
        for word in wanted.prefix(Self.countLimit) {
            guard let line = try? encoder.encode(word) else { continue }
            size += line.count + 1
            guard size <= Self.sizeLimit else { break }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        return lines.joined(separator: "\n")
    }

    /// A line for each; nil if it is too long to be ours. A line that another version wrote is passed over.
    private static func parse(_ text: String) -> [Word]? {
        guard text.utf8.count <= sizeLimit else { return nil }
        return text.split(separator: "\n").prefix(countLimit).compactMap { line in
            let word = try? JSONDecoder().decode(Word.self, from: Data(line.utf8))
            return word.flatMap { $0.isMoment ? $0 : nil }
        }
    }
}
