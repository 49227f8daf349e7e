// SPDX-License-Identifier: Apache-2.0
import Routing
import Sinks

/// What `status` says, and its JSON.
struct StatusDocument: Codable, Sendable {
    var cluster: String
    var incidents: [IncidentDocument]
    var paths = 0
    var unknown = 0
    var broken = 0
    var sources: [SourceDocument]

    var unread: [SourceDocument] { sources.filter { $0.state != "ok" } }
    /// Whether nothing can be said of some way, or nothing yet: one that is broken, and whose incident is still being
    /// confirmed.
    var isInDoubt: Bool { paths == 0 || unknown > 0 || broken > 0 || !unread.isEmpty }
}

enum StatusText {
    static func lines(_ document: StatusDocument, now: Timestamp, _ screen: Screen) -> [Line] {
        var lines = IncidentsText.sorted(document.incidents).flatMap {
            IncidentsText.narrow($0, now, screen) + [Line()]
        }
        if !document.unread.isEmpty { lines += sources(document.unread, screen) + [Line()] }
        return lines + conclusion(document, screen)
    }

    private static func sources(_ sources: [SourceDocument], _ screen: Screen) -> [Line] {
        var table = Table("SOURCE", "STATE", "READ", "")
        table.rows = sources.map { source in
            [
                Span(source.name), Span(source.state, .yellow), Span(read(source)),
                Span(source.lastError ?? ""),
            ]
        }
        return table.lines(screen)
    }

    private static func read(_ source: SourceDocument) -> String {
        if let connected = source.connected, let expected = source.expected {
            return "\(connected) of \(expected)"
        }
        let age = TraceText.age(source.ageSeconds)
        return age.isEmpty ? "never" : "\(age) ago"
    }

    private static func conclusion(_ document: StatusDocument, _ screen: Screen) -> [Line] {
        let (all, count) = (document.paths, document.incidents.count)
        if count == 0, !document.isInDoubt {
            let text =
                "\(document.cluster): all \(all) pod CIDRs are good, "
                + "\(plural(document.sources.count, "source")) read"
            return .paragraph(text, .green, screen)
        }
        let good = all - document.broken - document.unknown
        let text =
            "\(document.cluster): \(plural(count, "incident")); of \(plural(all, "pod CIDR")) "
            + "\(good) good, \(document.broken) broken, \(document.unknown) not known whole"
        let ink: Ink = count > 0 ? .red : .yellow
        var lines = [Line].paragraph(text, ink, screen)
        if all == 0 { lines += .paragraph("nothing is known yet of any pod CIDR", .yellow, screen) }
        return lines
    }

    static func plural(_ count: Int, _ word: String) -> String {
        "\(count) \(word)\(count == 1 ? "" : "s")"
    }
}
