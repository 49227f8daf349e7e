// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Incidents
package import Routing
import Synchronization
package import Verdicts

/// What the collector believes, as page, API and metrics show it: one immutable value.
package struct CollectorState: Sendable {
    /// How the store does.
    package struct Store: Sendable, Hashable {
        /// Why it cannot be written.
        package var failure: String?
        /// Incidents and messages that are not on disk yet.
        package var waiting: Int

        package init(failure: String?, waiting: Int) {
            self.failure = failure
            self.waiting = waiting
        }
    }

    package var snapshot: Snapshot
    package var judgement: Judgement
    package var incidents: [Incident]
    package var judgedAt: Timestamp
    /// Of all judgements.
    package var judgeDurations: Durations
    /// Nil where none is configured.
    package var store: Store?

    package init(
        snapshot: Snapshot,
        judgement: Judgement,
        incidents: [Incident],
        judgedAt: Timestamp,
        judgeDurations: Durations,
        store: Store? = nil
    ) {
        self.store = store
        self.snapshot = snapshot
        self.judgement = judgement
        self.incidents = incidents
        self.judgedAt = judgedAt
        self.judgeDurations = judgeDurations
    }
}

/// A change that watchers of `/api/v1/events` are told.
package struct BoardEvent: Sendable {
    let name: String
    let json: String
}

/// The newest state, for any number of readers, and the changes for those who listen.
package final class StateBoard: Sendable {
    private struct Board {
        var state: CollectorState?
        var watchers: [Int: AsyncStream<BoardEvent>.Continuation] = [:]
        var nextWatcher = 0
    }

    private let board = Mutex(Board())
    package let clock: @Sendable () -> Timestamp

    /// A browser tab keeps one; past that somebody is collecting connections.
    private static let watcherLimit = 256

    package init(clock: @escaping @Sendable () -> Timestamp) { self.clock = clock }

    package var state: CollectorState? { board.withLock { $0.state } }

    /// `touched` is where its paths may be other than the last state's; nil: anywhere.
    package func publish(
        _ state: CollectorState,
        _ transitions: [IncidentTransition],
        touched: [Int]? = nil
    ) {
        let (old, watchers) = board.withLock { board in
            defer { board.state = state }
            return (board.state, Array(board.watchers.values))
        }
        guard !watchers.isEmpty else { return }
        for event in changes(from: old, to: state, transitions, touched) {
            for watcher in watchers { watcher.yield(event) }
        }
    }

    /// Nil if too many listen already. A slow listener loses the oldest events, not the newest.
    func watch() -> (id: Int, events: AsyncStream<BoardEvent>)? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: BoardEvent.self,
            bufferingPolicy: .bufferingNewest(256)
        )
        return board.withLock { board in
            guard board.watchers.count < Self.watcherLimit else { return nil }
            board.nextWatcher += 1
            board.watchers[board.nextWatcher] = continuation
            return (board.nextWatcher, stream)
        }
    }

    func unwatch(_ id: Int) {
        board.withLock { $0.watchers.removeValue(forKey: id) }?.finish()
    }

    /// Ends every listener: the server stops.
    package func close() {
        let watchers = board.withLock { board in
            defer { board.watchers = [:] }
            return Array(board.watchers.values)
        }
        for watcher in watchers { watcher.finish() }
    }

    private func changes(
        from old: CollectorState?,
        to new: CollectorState,
        _ transitions: [IncidentTransition],
        _ touched: [Int]?
    ) -> [BoardEvent] {
        let now = new.judgedAt
        var events = transitions.map { event("incident", IncidentDocument($0)) }
        if transitions.isEmpty, old?.incidents.map(\.id) != new.incidents.map(\.id) {
            events.append(BoardEvent(name: "incident", json: "{}"))
        }
        events += changedPaths(from: old, to: new, touched).map {
            event("path", PathDocument($0, now: now))
        }
        let sources = SourceDocument.all(in: new, now: now)
        let before = old.map { SourceDocument.all(in: $0, now: now) } ?? []
        events += sources.filter { source in
            !before.contains { $0.name == source.name && $0.state == source.state }
        }.map { event("source", $0) }
        return events
    }

    /// Ages move all the time; only states count. One event stands for many.
    private func changedPaths(
        from old: CollectorState?,
        to new: CollectorState,
        _ touched: [Int]?
    ) -> [PathTrace] {
        let (before, after) = (old?.judgement.paths ?? [], new.judgement.paths)
        guard before.count == after.count else { return Array(after.prefix(1)) }
        let changed = (touched ?? Array(after.indices)).lazy.filter { position in
            let (old, new) = (before[position], after[position])
            return old.prefix != new.prefix || old.node != new.node
                || old.stages.map(\.state) != new.stages.map(\.state)
        }
        return changed.prefix(32).map { after[$0] }
    }

    private func event(_ name: String, _ document: some Encodable) -> BoardEvent {
        BoardEvent(name: name, json: String(decoding: json(document), as: UTF8.self))
    }
}
