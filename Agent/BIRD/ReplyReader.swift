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
}

/// Why bytes are not BIRD's.
enum ReplyError: Error, Equatable {
    case lineTooLong
    case replyTooLong
    case notAReply(String)
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
        case messagesLost
    }

    private var pending: [UInt8] = []
    private var lines: [ReplyLine] = []
    private var size = 0
    private var code: Int?

    /// BIRD's own lines are 512 bytes at most (CLI_LINE_SIZE); twice that is not BIRD.
    static let lineLimit = 1_024
    /// 100,000 routes; a node's table is tiny.
    static let replyLimit = 8 << 20

    /// True between two replies.
    var isIdle: Bool { pending.isEmpty && lines.isEmpty }

    mutating func read(_ bytes: [UInt8]) throws(ReplyError) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            guard byte == 0x0a else {
                pending.append(byte)
                guard pending.count <= Self.lineLimit else { throw .lineTooLong }
                continue
            }
            size += pending.count + 1
            guard size <= Self.replyLimit else { throw .replyTooLong }
            let line = pending
            pending.removeAll(keepingCapacity: true)
            if let event = try take(line) { events.append(event) }
        }
        return events
    }

    private mutating func take(_ line: [UInt8]) throws(ReplyError) -> Event? {
        switch line.first {
        case UInt8(ascii: "+"): return .asynchronous(text(line.dropFirst()))
        case UInt8(ascii: "<"): return .messagesLost
        case UInt8(ascii: " "):
            guard let code else { throw .notAReply(text(line.prefix(40))) }
            lines.append(ReplyLine(code: code, text: text(line.dropFirst())))
            return nil
        default: return try takeCoded(line)
        }
    }

    private mutating func takeCoded(_ line: [UInt8]) throws(ReplyError) -> Event? {
        let digits = line.prefix(4)
        guard line.count >= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .notAReply(text(line.prefix(40)))
        }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard line[4] == UInt8(ascii: "-") || line[4] == UInt8(ascii: " ") else {
            throw .notAReply(text(line.prefix(40)))
        }
        code = value
        lines.append(ReplyLine(code: value, text: text(line.dropFirst(5))))
        guard line[4] == UInt8(ascii: " ") else { return nil }
        defer {
            lines = []
            size = 0
        }
        return .reply(Reply(code: value, lines: lines))
    }

    private func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.filter { $0 != 0x0d }, as: UTF8.self)
    }
}
