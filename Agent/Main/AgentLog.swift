// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc

/// Lines on standard error, as text or JSON. Outside text loses its control characters.
struct AgentLog {
    enum Level: Int, CaseIterable {
        case debug, info, notice, warning, error

        init?(name: String) {
            guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .notice: "notice"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    var level = Level.info
    var isJSON = false

    func debug(_ message: String) { write(.debug, message) }
    func info(_ message: String) { write(.info, message) }
    func notice(_ message: String) { write(.notice, message) }
    func warning(_ message: String) { write(.warning, message) }
    func error(_ message: String) { write(.error, message) }

    private func write(_ level: Level, _ message: String) {
        guard level.rawValue >= self.level.rawValue else { return }
        let safe = printable(message)
        let line =
            isJSON
            ? "{\"time\":\"\(timeText())\",\"level\":\"\(level.name)\",\"message\":\"\(quoted(safe))\"}"
            : "\(timeText()) \(level.name) \(safe)"
        writeLine(line, to: 2)
    }

    private func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }
            )
        )
    }

    private func quoted(_ text: String) -> String {
        var quoted = ""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(character)
        }
        return quoted
    }
}

func writeLine(_ line: String, to descriptor: Int32) {
    var bytes = Array(line.utf8)[...]
    bytes.append(10)
    while !bytes.isEmpty {
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 else { return }
        bytes = bytes.dropFirst(written)
    }
}

/// RFC 3339, UTC, milliseconds; without Foundation by the C library's calendar.
private func timeText() -> String {
    let now = wallClockMilliseconds()
    var seconds = time_t(now / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func padded(_ value: Int32, _ width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let day =
        "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    let time = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    return "\(day)T\(time).\(padded(Int32(now % 1000), 3))Z"
}
