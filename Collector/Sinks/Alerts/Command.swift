// SPDX-License-Identifier: Apache-2.0
import Deadline
import Incidents
import Subprocess

/// Runs a program for each transition, the incident as one JSON object on its standard input.
package struct Command: Sink {
    package let name: String
    private let arguments: [String]
    private let deadline: Int

    /// `arguments` is the program and what follows it; the program is looked up in PATH, and has `deadline` seconds.
    package init(name: String, arguments: [String], deadline: Int = 30) {
        self.name = name
        self.arguments = arguments
        self.deadline = deadline
    }

    package func deliver(_ notice: Notice) async throws(SinkError) {
        for transition in notice.transitions { try await deliver(transition) }
    }

    private func deliver(_ transition: IncidentTransition) async throws(SinkError) {
        let input = [UInt8](json(IncidentDocument(transition))) + [UInt8(ascii: "\n")]
        let failure: String?
        do {
            failure = try await withDeadline(seconds: deadline) { try await run(input) }
        } catch {
            throw SinkError("\(arguments.first ?? ""): \(error)")
        }
        if let failure { throw SinkError("\(arguments.first ?? ""): \(failure)") }
    }

    /// Nil if the program ended with 0.
    private func run(_ input: [UInt8]) async throws -> String? {
        let program: Executable =
            arguments[0].contains("/")
            ? .path(.init(arguments[0])) : .name(arguments[0])
        let result = try await Subprocess.run(
            program,
            arguments: .init(Array(arguments.dropFirst())),
            input: .array(input),
            output: .discarded,
            error: .discarded
        )
        return result.terminationStatus.isSuccess ? nil : "\(result.terminationStatus)"
    }
}
