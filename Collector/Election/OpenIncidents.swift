// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents

/// The incidents whose end is still to be told, as the Lease holds them: who takes it over may never have seen what
/// its last holder told, and then nobody else could end it.
struct OpenIncidents: Sendable {
    private var entries: [LedgerEntry] = []
    /// Made when it is asked for: in a quiet hour nothing changes.
    private(set) var text = ""

    /// Its part of what an object may hold: some hundred and fifty, the worst first.
    private static let sizeLimit = 96 << 10
    private static let countLimit = 1_000

    /// Worst first.
    mutating func note(_ entries: [LedgerEntry]) {
        let essences = entries.prefix(Self.countLimit).map(\.essence)
        guard essences != self.entries else { return }
        self.entries = essences
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var (size, lines) = (0, [String]())
        for entry in essences {
            guard let line = try? encoder.encode(entry) else { continue }
            size += line.count + 1
            guard size <= Self.sizeLimit else {
                size -= line.count + 1
                continue
            }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        text = lines.joined(separator: "\n")
    }

    /// Those that can be gone on with. A line of another version is passed over.
    static func parse(_ text: String) -> [LedgerEntry] {
        guard text.utf8.count <= sizeLimit else { return [] }
        return text.split(separator: "\n").prefix(countLimit).compactMap { line in
            let entry = try? JSONDecoder().decode(LedgerEntry.self, from: Data(line.utf8))
            return entry.flatMap { $0.isSound ? $0.essence : nil }
        }
    }
}
