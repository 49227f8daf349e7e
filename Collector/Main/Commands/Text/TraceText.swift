// SPDX-License-Identifier: Apache-2.0
import Sinks

/// Ways of pod CIDRs as `trace` prints them.
enum TraceText {
    /// More than these and those that are good take one line each.
    private static let wholeLimit = 4

    static func lines(_ document: PathsDocument, _ screen: Screen) -> [Line] {
        var lines: [Line] = []
        if let seen = document.lastSeen {
            lines += .paragraph("nobody looked then: as it was at \(seen)", .yellow, screen)
        }
        let isShort = document.paths.count > wholeLimit
        for path in document.paths {
            if !lines.isEmpty, !(isShort && isGood(path)) { lines.append(Line()) }
            lines += isShort && isGood(path) ? [title(path)] : whole(path, screen)
        }
        return lines
    }

    static func isGood(_ path: PathDocument) -> Bool { path.verdict == "ok" }

    /// A way is not known whole, or a stage is broken.
    static func isBroken(_ path: PathDocument) -> Bool {
        path.verdict != "ok" && path.verdict != "unknown"
    }

    private static func title(_ path: PathDocument) -> Line {
        let ink: Ink = isBroken(path) ? .red : isGood(path) ? .green : .yellow
        return Line([
            Span("\(path.prefix) of \(path.node): ", .bold), Span(path.verdict, ink),
        ])
    }

    private static func whole(_ path: PathDocument, _ screen: Screen) -> [Line] {
        let first = path.stages.firstIndex { ["missing", "wrong", "extra"].contains($0.state) }
        var table = Table("", "STAGE", "AT", "STATE", "AGE", "SEEN")
        table.rows = path.stages.enumerated().map { index, stage in
            let ink = ink(stage.state)
            return [
                Span(index == first ? ">" : "", .red), Span(stage.stage), Span(stage.at ?? ""),
                Span(stage.state, ink), Span(age(stage.ageSeconds), .dim), Span(seen(stage)),
            ]
        }
        var lines = [title(path)] + table.lines(screen)
        if let first {
            let stage = path.stages[first]
            let place = stage.at.map { " at \($0)" } ?? ""
            lines += .paragraph("breaks first at \(stage.stage)\(place)", .red, screen)
        }
        return lines
    }

    private static func ink(_ state: String) -> Ink {
        switch state {
        case "ok": .green
        case "missing", "wrong", "extra": .red
        case "unknown": .yellow
        default: .dim
        }
    }

    private static func seen(_ stage: PathDocument.Stage) -> String {
        let parts = [
            stage.found, stage.expected.map { "expected \($0)" }, stage.reason,
        ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }

    static func age(_ seconds: Double?) -> String {
        guard let seconds, abs(seconds) < 1e9 else { return "" }
        return IncidentText.duration(Int64(seconds * 1000))
    }
}
