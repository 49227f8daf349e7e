// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Incidents
import Routing
import Sinks
import Supervision

/// Tells the service manager that the collector judges: each sign of life is a round of the engine's that was asked
/// for and finished. What devices, sinks or a disk do has no part in it.
struct ServiceWatch {
    let engine: Engine
    let board: StateBoard

    /// Until cancelled; not at all where nobody listens.
    func run() async {
        let notifier = ServiceNotifier(now: Self.now())
        guard notifier.isWanted else { return }
        await engineHasFinished(after: 0)
        notifier.ready()
        while !Task.isCancelled {
            notifier.tell(status: status)
            await rest(until: notifier.deadline)
            let before = engine.rounds
            engine.look()
            await engineHasFinished(after: before)
            if !Task.isCancelled { notifier.timerFired(now: Self.now()) }
        }
        notifier.stopping()
    }

    private func engineHasFinished(after count: Int) async {
        while engine.rounds <= count, !Task.isCancelled { await Self.pause(100) }
    }

    /// A minute where no sign of life is wanted: then it is for the status alone.
    private func rest(until deadline: Timestamp?) async {
        await Self.pause(deadline.map { max(0, $0 - Self.now()) } ?? 60_000)
    }

    private var status: String {
        guard let state = board.state else { return "" }
        let firing = state.incidents.count { $0.state == .firing }
        return "\(state.snapshot.nodes.count) nodes, \(firing) incidents"
    }

    private static func pause(_ milliseconds: Int64) async {
        try? await Task.sleep(for: .milliseconds(milliseconds))
    }

    private static func now() -> Timestamp { Timestamp(milliseconds: monotonicMilliseconds()) }
}
