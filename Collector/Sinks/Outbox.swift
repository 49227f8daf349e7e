// SPDX-License-Identifier: Apache-2.0
package import Incidents
package import Logging
import Synchronization

/// One sink's queue: in order, bounded, retried with back-off. What it cannot hold is counted.
package final class Outbox: Sendable {
    private struct State {
        var waiting: [Delivery] = []
        /// Gone from a full queue, and nobody has been told so yet.
        var dropped: [Int64] = []
        var counters = Counters()
        /// Incidents this sink was told of: what follows passes whatever the filter says by then.
        var told: Set<String>
    }

    package struct Counters: Sendable, Hashable {
        package var waiting = 0
        package var delivered = 0
        package var failed = 0
        package var dropped = 0
    }

    private let sink: any Sink
    private let filter: SinkFilter
    private let log: Logger
    private let state: Mutex<State>
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let pause: @Sendable (Int64) async -> Void
    private let ended: @Sendable (Int64, Delivery.Outcome) async -> Void

    /// A storm of a thousand transitions is no longer something a person reads.
    private static let limit = 1_000

    /// `told` are the ids of open incidents that the sink knows already; `ended` is called once for each delivery
    /// that will not be tried again.
    package init(
        _ sink: any Sink,
        filter: SinkFilter,
        told: Set<String> = [],
        log: Logger,
        pause: @escaping @Sendable (Int64) async -> Void,
        ended: @escaping @Sendable (Int64, Delivery.Outcome) async -> Void = { _, _ in }
    ) {
        self.sink = sink
        self.filter = filter
        self.log = log
        self.pause = pause
        self.ended = ended
        state = Mutex(State(told: told))
    }

    package var name: String { sink.name }

    package var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.waiting = state.waiting.count
            return counters
        }
    }

    /// Whether the sink is to be told; asked once for each transition, in order.
    package func wants(_ transition: IncidentTransition) -> Bool {
        state.withLock { state in
            let id = transition.incident.id
            guard filter.passes(transition.incident) || state.told.contains(id) else {
                return false
            }
            if transition.change == .resolved {
                state.told.remove(id)
            } else {
                state.told.insert(id)
            }
            return true
        }
    }

    package func post(_ delivery: Delivery) {
        state.withLock { state in
            state.waiting.append(delivery)
            guard state.waiting.count > Self.limit else { return }
            // The first may be under way.
            state.dropped.append(state.waiting.remove(at: 1).sequence)
            state.counters.dropped += 1
        }
        signal.continuation.yield()
    }

    /// Delivers until cancelled.
    package func run() async {
        for await _ in signal.stream {
            while let next = first(), !Task.isCancelled {
                await deliver(next)
                await settleDropped()
            }
        }
    }

    private func first() -> Delivery? { state.withLock { $0.waiting.first } }

    private func settleDropped() async {
        let dropped = state.withLock { state in
            defer { state.dropped = [] }
            return state.dropped
        }
        for sequence in dropped { await ended(sequence, .dropped) }
    }

    private func deliver(_ delivery: Delivery) async {
        // 1 s doubling to 60 s: chats limit to twenty messages a minute, and an outage of an hour
        // must neither hammer nor lose.
        var delay: Int64 = 1_000
        while !Task.isCancelled {
            do throws(SinkError) {
                try await sink.deliver(delivery.transition)
                return await finish(delivery, .delivered)
            } catch {
                log.warning("sink \(sink.name): \(error)")
                state.withLock { $0.counters.failed += 1 }
                guard error.isWorthRetrying else { return await finish(delivery, .refused) }
            }
            await settleDropped()
            await pause(delay * Int64.random(in: 80...120) / 100)
            delay = min(delay * 2, 60_000)
        }
    }

    private func finish(_ delivery: Delivery, _ outcome: Delivery.Outcome) async {
        await ended(delivery.sequence, outcome)
        state.withLock { state in
            if state.waiting.first?.sequence == delivery.sequence { state.waiting.removeFirst() }
            if outcome == .delivered { state.counters.delivered += 1 }
        }
    }
}
