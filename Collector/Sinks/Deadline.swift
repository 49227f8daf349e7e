// SPDX-License-Identifier: Apache-2.0

/// The time was over before the sink had answered.
struct DeadlinePassed: Error, CustomStringConvertible {
    let seconds: Int
    var description: String { "not finished within \(seconds) s" }
}

/// Runs `body` to its end, or until the time is over: then it is cancelled.
func withDeadline<Value: Sendable>(
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
