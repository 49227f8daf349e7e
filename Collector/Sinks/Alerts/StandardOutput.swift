// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents

/// Writes each transition to standard output: a sentence, or one JSON object a line.
package struct StandardOutput: Sink {
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package let name: String
    /// Each collector's is its own.
    package let isToldByAll = true
    private let format: Format
    private let language: Language

    package init(name: String, format: Format, language: Language = .english) {
        self.name = name
        self.format = format
        self.language = language
    }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        var lines = Data()
        for transition in notice.transitions {
            switch format {
            case .text: lines += Data(IncidentText.line(transition, in: language).utf8)
            case .json: lines += json(IncidentDocument(transition))
            }
            lines += Data("\n".utf8)
        }
        // On a thread of its own: whoever reads slowly holds nobody else up.
        let all = lines
        let failure: String? = await withCheckedContinuation { done in
            DispatchQueue.global().async {
                do {
                    try FileHandle.standardOutput.write(contentsOf: all)
                    done.resume(returning: nil)
                } catch {
                    done.resume(returning: "\(error)")
                }
            }
        }
        if let failure { throw SinkError("standard output: \(failure)") }
    }
}
