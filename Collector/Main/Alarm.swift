// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A sleep that somebody else can end early.
final class Alarm: Sendable {
    private struct State {
        var sleeper: Task<Void, Never>?
        var hasRung = false
    }

    private let state = Mutex(State())

    /// Waits at most that long; not at all if it was rung since the last sleep.
    func sleep(milliseconds: Int64) async {
        let sleeper = Task { _ = try? await Task.sleep(for: .milliseconds(max(0, milliseconds))) }
        let rang = state.withLock { state in
            defer { state.hasRung = false }
            if !state.hasRung { state.sleeper = sleeper }
            return state.hasRung
        }
        if rang { sleeper.cancel() }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.withLock { state in
            state.sleeper = nil
            // Rung while asleep: this sleep has ended for it.
            state.hasRung = false
        }
    }

    func ring() {
        state.withLock { state in
            state.hasRung = true
            state.sleeper?.cancel()
        }
    }
}
