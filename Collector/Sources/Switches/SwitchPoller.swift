// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
package import SwitchDialects

/// One way to ask a switch for its table: by a command, by NX-API, by eAPI.
package protocol SwitchReader: Sendable {
    /// One read, with deadlines of its own.
    func read() async throws -> SwitchAnswer
    /// Gives back what is held between reads.
    func close() async
}

/// What a read failed for, in one line and without any secret.
package struct SwitchReadError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Asks one switch, one read at a time, and hands on what can be believed.
package struct SwitchPoller: Sendable {
    package let name: String
    private let reader: any SwitchReader
    private let period: Int64

    /// Of a read in which a session changed.
    private static let repetitions = 2

    package init(name: String, reader: any SwitchReader, period: Int64) {
        self.name = name
        self.reader = reader
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
            deliver(.switchRead(name: name, by: .polled, result, took: clock() - began))
            return result.isGood
        }
        await reader.close()
    }

    /// One read: the table, or why there is none.
    package func read() async -> ReadResult<SwitchTable> {
        do {
            var answer = try await reader.read()
            // Somewhere in a large fabric a session often changes: that makes a read worthless, and no switch unreadable.
            for _ in 0..<Self.repetitions where answer.isDisturbed {
                answer = try await reader.read()
            }
            guard !answer.isChoiceAlone else {
                return .failed("no routing table in the answer: BGP's alone hides what hides it")
            }
            guard answer.isComplete else {
                return .failed(answer.problems.first ?? "the answer is not complete")
            }
            return .read(answer.table)
        } catch {
            return .failed("\(error)")
        }
    }

    package func close() async { await reader.close() }
}
