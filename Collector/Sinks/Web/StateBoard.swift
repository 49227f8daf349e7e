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

    /// Who tells people, where several collectors share that.
    package struct Telling: Sendable, Hashable {
        package var tells: Bool
        /// Nil: nobody is known to.
        package var holder: String?
        /// Why the Lease cannot be had.
        package var failure: String?

        package init(tells: Bool, holder: String?, failure: String?) {
            self.tells = tells
            self.holder = holder
            self.failure = failure
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
    package var telling: Telling?

    package init(
        snapshot: Snapshot,
        judgement: Judgement,
        incidents: [Incident],
        judgedAt: Timestamp,
        judgeDurations: Durations,
        store: Store? = nil,
        telling: Telling? = nil
    ) {
        self.telling = telling
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
    /// Which judgement it is of.
    let state: Int
    let name: String
    let json: String

    /// As it is sent; without a name it is a comment, which tells only that somebody is there.
    var frame: String {
        name.isEmpty ? ": \n\n" : "id: \(state)\nevent: \(name)\ndata: \(json)\n\n"
    }
}

/// How often what people read has changed, but for ages.
struct Generation: Sendable, Hashable {
    var incidents = 0
    var paths = 0
}

/// The newest state, for any number of readers, and the changes for those who listen.
package final class StateBoard: Sendable {
    private struct Board {
        var state: CollectorState?
        var generation = Generation()
        var watchers: [Int: AsyncStream<BoardEvent>.Continuation] = [:]
        var nextWatcher = 0
    }

    private let board = Mutex(Board())
    package let clock: @Sendable () -> Timestamp
    /// Tells this run's generations from another's.
    let epoch = String(UInt32.random(in: 0...UInt32.max), radix: 36)

    /// A browser tab keeps one; past that somebody is collecting connections.
    private static let watcherLimit = 256

    package init(clock: @escaping @Sendable () -> Timestamp) { self.clock = clock }

    package var state: CollectorState? { board.withLock { $0.state } }

    /// Both of the same moment; nil while the collector starts.
    var current: (state: CollectorState, generation: Generation)? {
        board.withLock { board in board.state.map { ($0, board.generation) } }
    }

    /// `touched` is where its paths may be other than the last state's; nil: anywhere.
    package func publish(
        _ state: CollectorState,
        _ transitions: [IncidentTransition],
        touched: [Int]? = nil
    ) {
        // There is one who publishes: what is read here is still the last when the next is laid down.
        let last = self.state
        let haveIncidentsMoved = haveIncidentsMoved(from: last, to: state, transitions)
        let havePathsMoved = havePathsMoved(from: last, to: state, touched)
        let (old, watchers) = board.withLock { board in
            defer { board.state = state }
            if haveIncidentsMoved { board.generation.incidents += 1 }
            if havePathsMoved { board.generation.paths += 1 }
            return (board.state, Array(board.watchers.values))
        }
        guard !watchers.isEmpty else { return }
        for event in changes(from: old, to: state, transitions, touched) {
            for watcher in watchers { tell(watcher, event) }
        }
    }

    /// Whoever could not be told of everything is told that: `lost` is the newest event until the next, which is
    /// then lost as well and told so.
    private func tell(_ watcher: AsyncStream<BoardEvent>.Continuation, _ event: BoardEvent) {
        guard case .dropped = watcher.yield(event) else { return }
        watcher.yield(BoardEvent(state: event.state, name: "lost", json: "{}"))
    }

    /// Who listens, until nobody holds it: also where what was asked for is never sent.
    final class Watcher: Sendable {
        private let id: Int
        private let board: StateBoard

        fileprivate init(_ id: Int, _ board: StateBoard) {
            self.id = id
            self.board = board
        }

        deinit { board.unwatch(id) }

        func beat() { board.beat(id) }
    }

    /// Nil if too many listen already. A slow listener loses the oldest events, not the newest.
    func watch() -> (watcher: Watcher, events: AsyncStream<BoardEvent>)? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: BoardEvent.self,
            bufferingPolicy: .bufferingNewest(256)
        )
        let id: Int? = board.withLock { board in
            guard board.watchers.count < Self.watcherLimit else { return nil }
            board.nextWatcher += 1
            board.watchers[board.nextWatcher] = continuation
            return board.nextWatcher
        }
        return id.map { (Watcher($0, self), stream) }
    }

    private func beat(_ id: Int) {
        board.withLock { $0.watchers[id] }?.yield(BoardEvent(state: 0, name: "", json: ""))
    }

    private func unwatch(_ id: Int) {
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

    private func haveIncidentsMoved(
        from old: CollectorState?,
        to new: CollectorState,
        _ transitions: [IncidentTransition]
    ) -> Bool {
        guard let old, transitions.isEmpty, old.incidents.count == new.incidents.count else {
            return true
        }
        // Open ones stand first; what is resolved stays as it is.
        return zip(old.incidents, new.incidents).lazy
            .prefix { $0.state != .resolved || $1.state != .resolved }
            .contains { $0 != $1 }
    }

    private func havePathsMoved(
        from old: CollectorState?,
        to new: CollectorState,
        _ touched: [Int]?
    ) -> Bool {
        guard let old, old.judgement.paths.count == new.judgement.paths.count else { return true }
        let (before, after) = (old.judgement.paths, new.judgement.paths)
        return (touched ?? Array(after.indices)).contains { !before[$0].reads(as: after[$0]) }
    }

    private func changes(
        from old: CollectorState?,
        to new: CollectorState,
        _ transitions: [IncidentTransition],
        _ touched: [Int]?
    ) -> [BoardEvent] {
        let now = new.judgedAt
        func event(_ name: String, _ document: some Encodable) -> BoardEvent {
            let body = String(decoding: json(document), as: UTF8.self)
            return BoardEvent(state: new.judgeDurations.count, name: name, json: body)
        }
        var events = transitions.map { event("incident", IncidentDocument($0)) }
        if isOtherIncidents(old?.incidents, new.incidents, besides: transitions) {
            events.append(BoardEvent(state: new.judgeDurations.count, name: "incident", json: "{}"))
        }
        if let paths = changedPaths(from: old, to: new, touched) {
            events += paths.map { event("path", PathDocument($0, now: now)) }
        } else {
            events.append(BoardEvent(state: new.judgeDurations.count, name: "path", json: "{}"))
        }
        let sources = SourceDocument.all(in: new, now: now)
        let before = old.map { SourceDocument.all(in: $0, now: now) } ?? []
        events += sources.filter { source in
            !before.contains {
                $0.name == source.name && $0.state == source.state && $0.holder == source.holder
                    && $0.tells == source.tells
            }
        }.map { event("source", $0) }
        events += changedSilences(from: old, to: new).map {
            event("silence", SilenceDocument($0, now: now))
        }
        return events
    }

    /// What no transition tells: one that is being confirmed or no longer is, or that is silenced.
    private func isOtherIncidents(
        _ old: [Incident]?,
        _ new: [Incident],
        besides transitions: [IncidentTransition]
    ) -> Bool {
        guard let old else { return true }
        let told = Set(transitions.map(\.incident.key))
        let before = Dictionary(old.map { ($0.key, $0) }) { first, _ in first }
        let isOther = new.contains { incident in
            let old = before[incident.key]
            return !told.contains(incident.key)
                && (old?.state != incident.state || old?.silences != incident.silences)
        }
        guard !isOther else { return true }
        let keys = Set(new.map(\.key))
        return old.contains { $0.state != .resolved && !keys.contains($0.key) }
    }

    private func changedSilences(
        from old: CollectorState?,
        to new: CollectorState
    ) -> [Silence] {
        let before = old?.snapshot.silences.all ?? [:]
        return new.snapshot.silences.all.values.filter { before[$0.id] != $0 }
            .sorted { $0.id < $1.id }
    }

    /// As many as are told one by one; of more, or of others than before, only that there are some.
    private static let pathLimit = 32

    /// Ages move all the time; only states and verdicts count. Nil if there are too many to tell.
    private func changedPaths(
        from old: CollectorState?,
        to new: CollectorState,
        _ touched: [Int]?
    ) -> [PathTrace]? {
        let (before, after) = (old?.judgement.paths ?? [], new.judgement.paths)
        guard before.count == after.count else { return nil }
        let changed = (touched ?? Array(after.indices)).lazy.filter { position in
            let (old, new) = (before[position], after[position])
            return old.prefix != new.prefix || old.node != new.node || old.verdicts != new.verdicts
                || old.stages.map(\.state) != new.stages.map(\.state)
                || old.stages.map(\.at) != new.stages.map(\.at)
        }
        let first = Array(changed.prefix(Self.pathLimit + 1))
        guard first.count <= Self.pathLimit,
            first.allSatisfy({ before[$0].prefix == after[$0].prefix })
        else { return nil }
        return first.map { after[$0] }
    }
}

extension PathTrace {
    /// Whether people read the same, but for ages.
    fileprivate func reads(as other: PathTrace) -> Bool {
        prefix == other.prefix && node == other.node && verdicts == other.verdicts
            && stages.elementsEqual(other.stages) {
                $0.stage == $1.stage && $0.at == $1.at && $0.state == $1.state
                    && $0.detail == $1.detail
            }
    }
}
