// SPDX-License-Identifier: Apache-2.0
import Foundation
package import Incidents

/// Writes each transition to standard output: a sentence, or one JSON object a line.
package struct StandardOutput: Sink {
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package let name: String
    private let format: Format

    package init(name: String, format: Format) {
        self.name = name
        self.format = format
    }

    package func deliver(_ transition: IncidentTransition) async throws(SinkError) {
        let line =
            switch format {
            case .text: Data(IncidentText.line(transition).utf8)
            case .json: json(IncidentDocument(transition))
            }
        do {
            try FileHandle.standardOutput.write(contentsOf: line + Data("\n".utf8))
        } catch {
            throw SinkError("standard output: \(error)")
        }
    }
}
