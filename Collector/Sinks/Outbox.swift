// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Incidents
package import Logging
package import Routing
import Synchronization
import Verdicts

/// One sink's queue: in order, bounded, paced, retried with back-off. What it cannot hold is counted.
package final class Outbox: Sendable {
    private struct State {
        var queue: OutboxQueue
        var counters = Counters()
        /// Incidents this sink was told of: what follows passes whatever the filter says by then.
        var told: Set<String>
        /// It fails in what it does of its own accord.
        var isTroubled = false
        /// What was said last of how it does.
        var health: SinkHealth?
        /// It was for this collector to tell when that was last asked.
        var hadTurn = false
        /// How often it was seen that another has the turn.
        var losses = 0
    }

    package struct Counters: Sendable, Hashable {
        package var waiting = 0
        /// Transitions it took.
        package var delivered = 0
        /// Attempts it did not take.
        package var failed: [SinkError.Class: Int] = [:]
        /// Transitions that another collector told it.
        package var elsewhere = 0
        /// Transitions that it will never get, refused or dropped.
        package var lost: [Delivery.Outcome: Int] = [:]
        package var lastDelivery: Timestamp?
    }

    /// Where several collectors share the telling, so that one of them tells.
    package struct Turn: Sendable {
        package var isOurs: @Sendable () -> Bool
        /// Of what waits, the sequences of what was told by whoever had the turn.
        package var heard: @Sendable ([Delivery]) -> Set<Int64>
        package var told: @Sendable (Delivery) -> Void

        package init(
            isOurs: @escaping @Sendable () -> Bool,
            heard: @escaping @Sendable ([Delivery]) -> Set<Int64>,
            told: @escaping @Sendable (Delivery) -> Void
        ) {
            self.isOurs = isOurs
            self.heard = heard
            self.told = told
        }
    }

    /// What an outbox needs of the world outside.
    package struct Edge: Sendable {
        package var clock: @Sendable () -> Timestamp
        package var pause: @Sendable (Int64) async -> Void
        /// Called once for each delivery that will not be tried again.
        package var ended: @Sendable (Int64, Delivery.Outcome) async -> Void
        /// Called when the sink begins or ceases to fail.
        package var health: @Sendable (SinkHealth) -> Void
        /// Nil: nobody else tells.
        package var turn: Turn?

        package init(
            clock: @escaping @Sendable () -> Timestamp,
            pause: @escaping @Sendable (Int64) async -> Void,
            ended: @escaping @Sendable (Int64, Delivery.Outcome) async -> Void = { _, _ in },
            health: @escaping @Sendable (SinkHealth) -> Void = { _ in },
            turn: Turn? = nil
        ) {
            self.turn = turn
            self.clock = clock
            self.pause = pause
            self.ended = ended
            self.health = health
        }
    }

    private let sink: any Sink
    private let filter: SinkFilter
    private let log: Logger
    private let edge: Edge
    private let state: Mutex<State>
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// `told` are the ids of open incidents that the sink knows already.
    package init(
        _ sink: any Sink,
        filter: SinkFilter,
        told: Set<String> = [],
        log: Logger,
        edge: Edge
    ) {
        self.sink = sink
        self.filter = filter
        self.log = log
        self.edge = edge
        state = Mutex(State(queue: OutboxQueue(sink.bundling), told: told))
    }

    package var name: String { sink.name }

    package var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.waiting = state.queue.count
            counters.lost[.dropped] = state.queue.lost
            return counters
        }
    }

    /// Whether the sink is to be told; asked once for each transition, in order.
    package func wants(_ transition: IncidentTransition) -> Bool {
        let incident = transition.incident
        // Of its own failing it hears nothing by the time it can hear again.
        guard incident.verdict.failingSink != name else { return false }
        return state.withLock { state in
            guard filter.passes(incident) || state.told.contains(incident.id) else { return false }
            if transition.change == .resolved {
                state.told.remove(incident.id)
            } else {
                state.told.insert(incident.id)
            }
            return true
        }
    }

    package func post(_ delivery: Delivery) {
        state.withLock { $0.queue.append(delivery) }
        signal.continuation.yield()
    }

    /// Whose turn it is, or what others have told, may be another.
    package func look() {
        if let turn = edge.turn, !turn.isOurs() {
            state.withLock { state in
                state.hadTurn = false
                state.losses += 1
            }
        }
        signal.continuation.yield()
    }

    /// What it was told by another, and is to hear the end of.
    package func know(_ incident: String) {
        state.withLock { _ = $0.told.insert(incident) }
    }

    /// Delivers until cancelled.
    package func run() async {
        if counters.waiting == 0 { say(.well) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sink.run { self.hear($0) } }
            await send()
            group.cancelAll()
        }
    }

    private func send() async {
        var bucket = sink.pace.map(TokenBucket.init)
        for await _ in signal.stream {
            // Also with nothing waiting: from here on what comes is told.
            _ = await hasTurn()
            while !Task.isCancelled, counters.waiting > 0, await hasTurn() {
                let hasWaited = await waitForToken(&bucket)
                guard let batch = state.withLock({ $0.queue.take(isLate: hasWaited) }) else {
                    break
                }
                await deliver(batch, &bucket)
                await settleDropped()
            }
        }
    }

    /// While another tells, and once when it ceases to, what it has told is let go.
    private func hasTurn() async -> Bool {
        guard let turn = edge.turn else { return true }
        let losses = state.withLock(\.losses)
        let isOurs = turn.isOurs()
        let hadTurn = state.withLock { state in
            // What was lost since it was asked is not taken up by the answer from before.
            defer { state.hadTurn = isOurs && state.losses == losses }
            return state.hadTurn
        }
        if !(isOurs && hadTurn) {
            let heard = turn.heard(state.withLock { $0.queue.all })
            state.withLock { state in
                state.queue.remove(heard)
                state.counters.elsewhere += heard.count
            }
            for sequence in heard.sorted() { await edge.ended(sequence, .elsewhere) }
            await settleDropped()
        }
        return isOurs && counters.waiting > 0
    }

    /// Nobody else had it since this was taken up.
    private var hasTurnStill: Bool {
        guard let turn = edge.turn else { return true }
        return turn.isOurs() && state.withLock { $0.hadTurn }
    }

    /// Whether there was none at first.
    private func waitForToken(_ bucket: inout TokenBucket?) async -> Bool {
        var hasWaited = false
        while !Task.isCancelled, let wait = bucket?.take(at: edge.clock()) {
            hasWaited = true
            await edge.pause(wait)
        }
        return hasWaited
    }

    private func deliver(_ batch: [Delivery], _ bucket: inout TokenBucket?) async {
        guard let first = batch.first, let last = batch.last else { return }
        let cluster = first.transition.incident.cluster
        var notice = Notice(
            batch.map(\.transition),
            // With the moment: a collector that lost its store counts from the beginning.
            key: "\(cluster)-\(first.transition.at.milliseconds)-\(first.sequence)"
                + (batch.count > 1 ? "-\(last.sequence)" : "")
        )
        var backOff = BackOff()
        while !Task.isCancelled {
            guard hasTurnStill else { return state.withLock { $0.queue.release() } }
            do throws(SinkError) {
                try await sink.deliver(notice)
                return await finish(batch, .delivered)
            } catch {
                note(error)
                if error.class == .rejected {
                    guard !notice.isShort else { return await finish(batch, .refused) }
                    notice.isShort = true
                }
                await settleDropped()
                await edge.pause(backOff.delay(after: error, jitter: .random(in: 0.8...1.2)))
                _ = await waitForToken(&bucket)
            }
        }
    }

    /// What the sink found of its own accord.
    private func hear(_ error: SinkError?) {
        let isOver = state.withLock { state in
            defer { state.isTroubled = error != nil }
            return error == nil && state.isTroubled
        }
        if let error {
            log.warning("sink \(sink.name): \(error)")
            say(.failing(error.description))
        }
        if isOver { say(.well) }
    }

    private func note(_ error: SinkError) {
        log.warning("sink \(sink.name): \(error)")
        state.withLock { $0.counters.failed[error.class, default: 0] += 1 }
        say(.failing(error.description))
    }

    private func finish(_ batch: [Delivery], _ outcome: Delivery.Outcome) async {
        // What it refuses nobody need tell it again.
        if let turn = edge.turn { batch.forEach(turn.told) }
        for delivery in batch { await edge.ended(delivery.sequence, outcome) }
        let now = edge.clock()
        state.withLock { state in
            state.queue.settle(batch)
            if outcome == .delivered {
                state.counters.delivered += batch.count
                state.counters.lastDelivery = now
            } else {
                state.counters.lost[outcome, default: 0] += batch.count
            }
        }
        guard outcome == .delivered else {
            let ids = batch.map(\.transition.incident.id).joined(separator: ", ")
            return log.error("sink \(sink.name) was never told of \(ids)")
        }
        if !state.withLock({ $0.isTroubled }) { say(.well) }
    }

    private func settleDropped() async {
        let dropped = state.withLock { $0.queue.takeDropped() }
        for sequence in dropped { await edge.ended(sequence, .dropped) }
    }

    /// A change of words while it fails is none of health.
    private func say(_ health: SinkHealth) {
        let isNews = state.withLock { state in
            defer { if state.health?.isWell != health.isWell { state.health = health } }
            return state.health?.isWell != health.isWell
        }
        if isNews { edge.health(health) }
    }
}
