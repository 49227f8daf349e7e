// SPDX-License-Identifier: Apache-2.0

/// Runs `body` to its end, or until the time is over: then it is cancelled, and the error says so.
func withDeadline<Value: Sendable>(
    seconds: Int,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw SwitchReadError("not finished within \(seconds) s")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
