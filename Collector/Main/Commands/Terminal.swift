// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Sinks

/// `--color`.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case auto, always, never

    /// By a terminal and its environment alone (no-color.org) where nobody chose.
    func hasColor(isTerminal: Bool, _ environment: [String: String]) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .auto:
            isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        }
    }
}

/// Standard output, and whether somebody looks at it.
struct Terminal {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns and rows; nil on a pipe.
    static var size: (columns: Int, rows: Int)? {
        guard isTerminal else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static func screen(_ color: ColorChoice) -> Screen {
        let environment = ProcessInfo.processInfo.environment
        return Screen(
            width: size?.columns,
            hasColor: color.hasColor(isTerminal: isTerminal, environment)
        )
    }

    static func write(_ text: String) {
        // A reader that went away is no failure of ours.
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    static func print(_ lines: [Line], _ screen: Screen) {
        write(lines.map { $0.text(screen) + "\n" }.joined())
    }

    /// Whoever sent the JSON, nothing in it steers a terminal: what could is escaped, which is the same JSON.
    static func printJSON(_ data: Data) {
        write(escaped(String(decoding: data, as: UTF8.self)) + "\n")
    }

    static func escaped(_ json: String) -> String {
        var text = ""
        for scalar in json.unicodeScalars {
            let isPlain =
                scalar == "\n" || scalar == " "
                || String(scalar) == IncidentText.printable(String(scalar))
            if isPlain {
                text.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let hex = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                }
            }
        }
        return text
    }

    static func complain(_ message: String) {
        let text = "podpath-collector: \(IncidentText.printable(message))\n"
        FileHandle.standardError.write(Data(text.utf8))
    }
}
