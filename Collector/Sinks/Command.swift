// SPDX-License-Identifier: Apache-2.0
package import Incidents
import Subprocess

/// Runs a program for each transition, the incident as one JSON object on its standard input.
package struct Command: Sink {
    package let name: String
    private let arguments: [String]
    private let deadline: Duration

    /// `arguments` is the program and what follows it; the program is looked up in PATH.
    package init(name: String, arguments: [String], deadline: Duration = .seconds(30)) {
        self.name = name
        self.arguments = arguments
        self.deadline = deadline
    }

    package func deliver(_ transition: IncidentTransition) async throws(SinkError) {
        let input = [UInt8](json(IncidentDocument(transition))) + [UInt8(ascii: "\n")]
        let failure: String?
        do {
            failure = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await self.run(input) }
                group.addTask { [deadline] in
                    try await Task.sleep(for: deadline)
                    return "not finished within \(deadline)"
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
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
