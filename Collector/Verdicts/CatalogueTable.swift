// SPDX-License-Identifier: Apache-2.0

/// The catalogue as people read it: in the README, where a test holds it to this, and from the command line.
package enum CatalogueTable {
    /// Markdown, without a line's end behind the last row.
    package static var markdown: String {
        let head = [
            "| kind | stage | severity | hold | evidence that names it |", "|---|---|---|---|---|",
        ]
        return (head + Kind.allCases.map(row)).joined(separator: "\n")
    }

    private static func row(_ kind: Kind) -> String {
        let entry = kind.entry
        let stage = entry.stage?.rawValue ?? "–"
        let words = [stage, entry.severity.rawValue, duration(entry.hold), entry.evidence]
        return "| `\(kind.rawValue)` | " + words.joined(separator: " | ") + " |"
    }

    private static func duration(_ milliseconds: Int64) -> String {
        milliseconds > 0 && milliseconds % 60_000 == 0
            ? "\(milliseconds / 60_000)m" : "\(milliseconds / 1_000)s"
    }
}
