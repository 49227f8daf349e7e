// SPDX-License-Identifier: Apache-2.0

/// One line of a reply: its code and what stands after it.
struct ReplyLine: Equatable {
    let code: Int
    let text: String
}

/// One whole reply of BIRD's control socket.
struct Reply: Equatable {
    /// The code of the final line: `dddd` and a blank, nothing else ends a reply.
    var code: Int
    /// All lines, the final one last.
    var lines: [ReplyLine]

    /// Text of the final line: the reason where `code` is an error.
    var text: String { lines.last?.text ?? "" }
    /// `8000-<line overflow>` stands for a line that was too long for BIRD: something is missing.
    var hasOverflow: Bool { lines.contains { $0.code == 8000 } }
}

/// Why bytes are not BIRD's.
enum ReplyError: Error, Equatable, CustomStringConvertible {
    case lineTooLong
    case replyTooLong
    case notAReply(String)

    var description: String {
        switch self {
        case .lineTooLong: "a line longer than BIRD writes"
        case .replyTooLong: "a reply of more than \(ReplyReader.replyLimit >> 20) MB"
        case .notAReply(let text): "not a reply of BIRD: \(text)"
        }
    }
}

/// Control-socket bytes of any split to replies.
///
///     line := CODE "-" text | CODE " " text (final) | " " text (with the current code)
///           | "+" text (asynchronous) | "<" N " messages lost>"
///
/// Asynchronous lines may stand inside a reply. The current code outlives a reply: up to 2.0.7 a
/// reply may begin with a blank (BIRD 2.0.8, nest/cli.c).
struct ReplyReader {
    enum Event: Equatable {
        case reply(Reply)
        case asynchronous(String)
        /// The whole line: `<12 messages lost>`.
        case messagesLost(String)
    }

    private var pending: [UInt8] = []
    private var lines: [ReplyLine] = []
    private var size = 0
    private var code: Int?

    /// CLI_LINE_SIZE of every BIRD, with code and line end.
    static let lineLimit = 512
    /// Echoed log lines do not pass through that buffer.
    static let asynchronousLimit = 4_096
    /// 100,000 routes; a node's table is tiny.
    static let replyLimit = 8 << 20

    private let replyLimit: Int

    /// Only recorded bytes, whose size is bounded already, may be one long reply.
    init(replyLimit: Int = ReplyReader.replyLimit) { self.replyLimit = replyLimit }

    /// True between two replies.
    var isIdle: Bool { pending.isEmpty && lines.isEmpty }

    /// Appends what is complete. What stands before an error is appended too, so that nothing
    /// depends on how the bytes were split; only `inspect` reads on behind one.
    mutating func read(_ bytes: [UInt8], into events: inout [Event]) throws(ReplyError) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0a) {
            let line = try complete(rest[..<end])
            rest = rest[(end + 1)...]
            if let event = try take(line) { events.append(event) }
        }
        try keep(rest)
    }

    mutating func read(_ bytes: [UInt8]) throws(ReplyError) -> [Event] {
        var events: [Event] = []
        try read(bytes, into: &events)
        return events
    }

    private mutating func complete(_ end: ArraySlice<UInt8>) throws(ReplyError) -> [UInt8] {
        try keep(end)
        let line = pending
        pending.removeAll(keepingCapacity: true)
        return line
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) throws(ReplyError) {
        let first = pending.first ?? bytes.first
        let limit = first == UInt8(ascii: "+") ? Self.asynchronousLimit : Self.lineLimit
        guard pending.count + bytes.count < limit else {
            pending.removeAll()
            throw .lineTooLong
        }
        pending += bytes
    }

    private mutating func take(_ line: [UInt8]) throws(ReplyError) -> Event? {
        switch line.first {
        case UInt8(ascii: "+"): return .asynchronous(text(line.dropFirst()))
        case UInt8(ascii: "<"): return .messagesLost(try lost(line))
        case UInt8(ascii: " "):
            guard let code else { throw notAReply(line) }
            try add(code, line.dropFirst())
            return nil
        default: return try takeCoded(line)
        }
    }

    private mutating func takeCoded(_ line: [UInt8]) throws(ReplyError) -> Event? {
        let digits = line.prefix(4)
        let mark = line.dropFirst(4).first
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }),
            mark == UInt8(ascii: "-") || mark == UInt8(ascii: " ")
        else { throw notAReply(line) }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        code = value
        try add(value, line.dropFirst(5))
        guard mark == UInt8(ascii: " ") else { return nil }
        defer { forget() }
        return .reply(Reply(code: value, lines: lines))
    }

    private mutating func add(_ code: Int, _ bytes: ArraySlice<UInt8>) throws(ReplyError) {
        size += bytes.count + 6
        guard size <= replyLimit else {
            forget()
            throw .replyTooLong
        }
        lines.append(ReplyLine(code: code, text: text(bytes)))
    }

    private mutating func forget() {
        lines = []
        size = 0
    }

    private func lost(_ line: [UInt8]) throws(ReplyError) -> String {
        let text = text(line[...])
        guard text.hasSuffix(" messages lost>") else { throw notAReply(line) }
        return text
    }

    private func notAReply(_ line: [UInt8]) -> ReplyError { .notAReply(text(line.prefix(40))) }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(0x0d) else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: bytes.filter { $0 != 0x0d }, as: UTF8.self)
    }
}
