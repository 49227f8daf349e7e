// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What is wrong with a journal, and where.
package struct JournalError: Error, Equatable, CustomStringConvertible {
    package let file: String
    /// 1-based; nil if the file could not be read at all.
    package let line: Int?
    package let reason: String

    package var description: String {
        line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)"
    }
}

/// Reads a journal line by line: it may be larger than memory.
package struct JournalReader: ~Copyable {
    private let file: String
    private let handle: FileHandle
    private var buffer: [UInt8] = []
    /// Where the next line begins, and how far no end of it was found.
    private var (start, scanned) = (0, 0)
    private var isAtEnd = false
    package private(set) var line = 0
    /// The last line was cut off, as when the collector was killed while it wrote.
    package private(set) var isCut = false

    private static let chunk = 1 << 20
    /// A whole cluster's slices, listed at once, are some tens of megabytes.
    private static let longestLine = 512 << 20

    package init(path: String) throws(JournalError) {
        file = path
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw JournalError(file: path, line: nil, reason: "cannot be read")
        }
        self.handle = handle
    }

    deinit { try? handle.close() }

    /// The next entry; nil at the end.
    package mutating func next() throws(JournalError) -> JournalEntry? {
        guard let text = try nextLine() else { return nil }
        line += 1
        do {
            let entry = try JournalEntry(line: text)
            if case .begin(let head) = entry, head.format > JournalHead.format {
                throw failure("format \(head.format), this version reads \(JournalHead.format)")
            }
            return entry
        } catch let error as JournalError {
            throw error
        } catch {
            throw failure(words(error))
        }
    }

    private mutating func nextLine() throws(JournalError) -> Data? {
        while true {
            if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { (start, scanned) = (end + 1, end + 1) }
                return Data(buffer[start..<end])
            }
            buffer.removeFirst(start)
            (start, scanned) = (0, buffer.count)
            guard !isAtEnd else {
                isCut = !buffer.isEmpty
                return nil
            }
            guard buffer.count < Self.longestLine else { throw failure("a line without an end") }
            let more = (try? handle.read(upToCount: Self.chunk)) ?? nil
            if let more, !more.isEmpty { buffer.append(contentsOf: more) } else { isAtEnd = true }
        }
    }

    private func failure(_ reason: String) -> JournalError {
        JournalError(file: file, line: max(1, line), reason: reason)
    }

    private func words(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "not an entry of a journal" }
        let context: DecodingError.Context
        switch error {
        case .dataCorrupted(let each), .keyNotFound(_, let each), .typeMismatch(_, let each),
            .valueNotFound(_, let each):
            context = each
        @unknown default: return "not an entry of a journal"
        }
        let place = context.codingPath.map(\.stringValue).prefix(8).joined(separator: ".")
        return "not an entry of a journal" + (place.isEmpty ? "" : " at \(place.prefix(200))")
    }
}
