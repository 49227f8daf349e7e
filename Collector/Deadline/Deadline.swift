// SPDX-License-Identifier: Apache-2.0

/// The time was over before the work was.
package struct DeadlinePassed: Error, Hashable, Sendable, CustomStringConvertible {
    package let seconds: Int
    package var description: String { "not finished within \(seconds) s" }
}

/// Runs `body` to its end, or until the time is over: then it is cancelled, and the error says so.
package func withDeadline<Value: Sendable>(
    seconds: Int,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw DeadlinePassed(seconds: seconds)
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
