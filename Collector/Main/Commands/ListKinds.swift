// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Sinks
import Verdicts

struct ListKinds: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kinds",
        abstract: "What can be named, with severities and holds as they are by default."
    )

    @Flag(name: .long, help: "As JSON.") var json = false

    private struct Row: Encodable {
        var kind: String
        var stage: String?
        var severity: String
        var holdSeconds: Double
        var evidence: String
    }

    func run() {
        guard json else { return print(CatalogueTable.markdown) }
        let rows = Kind.allCases.map { kind in
            Row(
                kind: kind.rawValue,
                stage: kind.entry.stage?.rawValue,
                severity: kind.entry.severity.rawValue,
                holdSeconds: Double(kind.entry.hold) / 1000,
                evidence: kind.entry.evidence
            )
        }
        Terminal.printJSON(Sinks.json(["kinds": rows]))
    }
}
