// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation

/// A terminal's second screen, which is given back at the end; nothing where there is no terminal.
final class Drawing {
    private let isTerminal: Bool
    private var signals: [any DispatchSourceSignal] = []
    private var last = ""

    init(isTerminal: Bool) {
        self.isTerminal = isTerminal
        guard isTerminal else { return }
        // The second screen, without a cursor.
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
        signals = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Terminal.write("\u{1B}[?25h\u{1B}[?1049l")
                exit(128 + number)
            }
            source.resume()
            return source
        }
    }

    /// What does not fit is counted.
    func draw(_ color: ColorChoice, _ lines: (Screen) -> [Line]) {
        guard isTerminal, let size = Terminal.size else { return }
        let screen = Terminal.screen(color)
        let text = Self.frame(lines(screen), rows: size.rows, screen)
        guard text != last else { return }
        last = text
        Terminal.write(text)
    }

    /// Each line overwrites the one before it, so that nothing flickers.
    static func frame(_ lines: [Line], rows: Int, _ screen: Screen) -> String {
        var shown = lines
        if lines.count > rows, rows > 1 {
            let hidden = lines.count - rows + 1
            shown = lines.prefix(rows - 1) + [Line("… \(hidden) lines more", .dim)]
        }
        let text = shown.map { $0.text(screen) + "\u{1B}[K" }.joined(separator: "\r\n")
        return "\u{1B}[H" + text + "\u{1B}[J"
    }
}
