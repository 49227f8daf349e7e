// SPDX-License-Identifier: Apache-2.0
package import Incidents
package import Logging
import Synchronization

/// One sink's queue: in order, bounded, retried with back-off. What it cannot hold is counted.
package final class Outbox: Sendable {
    private struct Waiting {
        var transitions: [IncidentTransition] = []
        var dropped = 0
        var delivered = 0
        var failed = 0
        /// Incidents this sink was told of: a resolve passes whatever the filter says by then.
        var told: Set<String> = []
    }

    package struct Counters: Sendable, Hashable {
        package var waiting: Int
        package var delivered: Int
        package var failed: Int
        package var dropped: Int
    }

    private let sink: any Sink
    private let filter: SinkFilter
    private let log: Logger
    private let waiting = Mutex(Waiting())
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let pause: @Sendable (Int64) async -> Void

    /// A storm of a thousand transitions is no longer something a person reads.
    private static let limit = 1_000

    package init(
        _ sink: any Sink,
        filter: SinkFilter,
        log: Logger,
        pause: @escaping @Sendable (Int64) async -> Void
    ) {
        self.sink = sink
        self.filter = filter
        self.log = log
        self.pause = pause
    }

    package var name: String { sink.name }

    package var counters: Counters {
        waiting.withLock {
            Counters(
                waiting: $0.transitions.count,
                delivered: $0.delivered,
                failed: $0.failed,
                dropped: $0.dropped
            )
        }
    }

    package func post(_ transition: IncidentTransition) {
        waiting.withLock { waiting in
            let id = transition.incident.id
            guard filter.passes(transition.incident) || waiting.told.contains(id) else { return }
            if transition.change == .resolved {
                waiting.told.remove(id)
            } else {
                waiting.told.insert(id)
            }
            waiting.transitions.append(transition)
            guard waiting.transitions.count > Self.limit else { return }
            waiting.transitions.removeFirst()
            waiting.dropped += 1
        }
        signal.continuation.yield()
    }

    /// Delivers until cancelled.
    package func run() async {
        for await _ in signal.stream {
            while let next = first(), !Task.isCancelled { await deliver(next) }
        }
    }

    private func first() -> IncidentTransition? { waiting.withLock { $0.transitions.first } }

    private func deliver(_ transition: IncidentTransition) async {
        // 1 s doubling to 60 s: chats limit to twenty messages a minute, and an outage of an hour
        // must neither hammer nor lose.
        var delay: Int64 = 1_000
        while !Task.isCancelled {
            do throws(SinkError) {
                try await sink.deliver(transition)
                finish(transition, isDelivered: true)
                return
            } catch {
                log.warning("sink \(sink.name): \(error)")
                waiting.withLock { $0.failed += 1 }
                guard error.isWorthRetrying else { return finish(transition, isDelivered: false) }
            }
            await pause(delay * Int64.random(in: 80...120) / 100)
            delay = min(delay * 2, 60_000)
        }
    }

    private func finish(_ transition: IncidentTransition, isDelivered: Bool) {
        waiting.withLock { waiting in
            if waiting.transitions.first == transition { waiting.transitions.removeFirst() }
            if isDelivered { waiting.delivered += 1 }
        }
    }
}
