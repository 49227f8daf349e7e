// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
import Subprocess
import VendorJSON

/// Asks one switch by running a command, one at a time, and hands on what can be believed.
package struct SwitchPoller: Sendable {
    package let name: String
    private let arguments: [String]
    private let period: Int64

    /// A full table of a large switch takes seconds; past this the command hangs.
    private static let deadline = Duration.seconds(30)
    private static let outputLimit = 16 << 20

    package init(name: String, arguments: [String], period: Int64) {
        self.name = name
        self.arguments = arguments
        self.period = period
    }

    /// Polls until cancelled. `pause` waits that many milliseconds, or less when a hint came.
    package func run(
        clock: @Sendable () -> Timestamp,
        pause: @Sendable (Int64) async -> Void,
        deliver: @Sendable (FactUpdate) -> Void
    ) async {
        await PollSchedule.run(period: period, clock: clock, pause: pause) {
            let began = clock()
            let result = await read()
            deliver(.switchRead(name: name, result, took: clock() - began))
            return result.isGood
        }
    }

    /// One read: the table, or why there is none.
    package func read() async -> ReadResult<SwitchTable> {
        do {
            let answer = try decodeFRR(try await output())
            guard answer.isComplete else {
                return .failed(answer.problems.first ?? "the answer is not complete")
            }
            return .read(answer.table)
        } catch let error as JSONError {
            return .failed("\(error)")
        } catch {
            return .failed("\(arguments.first ?? ""): \(error)")
        }
    }

    private struct CommandFailed: Error, CustomStringConvertible { let description: String }

    private func output() async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await execute() }
            group.addTask {
                try await Task.sleep(for: Self.deadline)
                throw CommandFailed(description: "not finished within 30 s")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    private func execute() async throws -> [UInt8] {
        let program: Executable =
            arguments[0].contains("/")
            ? .path(.init(arguments[0])) : .name(arguments[0])
        let result = try await Subprocess.run(
            program,
            arguments: .init(Array(arguments.dropFirst())),
            output: .bytes(limit: Self.outputLimit),
            error: .string(limit: 4_096)
        )
        guard result.terminationStatus.isSuccess else {
            let words = result.standardError.split(whereSeparator: \.isNewline).first ?? ""
            throw CommandFailed(description: "\(result.terminationStatus) \(words)")
        }
        return result.standardOutput
    }
}
