// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
import GRDB
package import Incidents
package import Routing
import Synchronization

/// What a collector remembers over its own end: incidents with their timelines, silences, what has still to be
/// told to whom, and how each pod CIDR's way changed.
///
/// Nothing waits for a disk that fails: what cannot be written stays in memory, is told all the same, and is
/// written when that works again.
package final class Store: Sendable {
    /// What an earlier collector left.
    package struct Memory: Sendable {
        package var entries: [LedgerEntry] = []
        package var silences: [Silence] = []
        /// Not sent yet, or not known to have been, by sequence.
        package var waiting: [Delivery] = []
        /// Ids of open incidents that a sink was told of, by its name.
        package var told: [String: Set<String>] = [:]
        /// Those of them of which each word has reached it.
        package var heard: [String: Set<String>] = [:]
        package var lastSequence: Int64 = 0

        package init() {}
    }

    package enum Health: Sendable, Hashable {
        case good
        case failing(String, since: Timestamp)
    }

    private struct State {
        var backlog = Backlog()
        var health = Health.good
        /// A write is under way for longer than anybody waits: no other is begun behind it.
        var isStuck = false
    }

    let pool: DatabasePool
    private let file: StoreFile
    let path: String
    private let state = Mutex(State())
    let say: @Sendable (String) -> Void
    let clock: @Sendable () -> Timestamp
    let recorder = PathRecorder()

    /// How long an alert waits for the disk before it is told without.
    private static let patience: Duration = .seconds(1)

    /// Throws a `StoreError`; a damaged file is moved aside, and `say` is told so.
    package init(
        path: String,
        clock: @escaping @Sendable () -> Timestamp,
        say: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        do {
            file = try StoreFile(path: path)
            if file.wasDamaged {
                say("\(path): it was damaged, and is kept as \(path).damaged; incidents begin anew")
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(path: path, reason: words(error))
        }
        pool = file.pool
        self.path = path
        self.clock = clock
        self.say = say
    }

    /// Whoever comes next may have the file.
    package func close() {
        try? pool.close()
        file.release()
    }

    /// What an earlier collector left: what is open, what was resolved last, and what is still to be told.
    package var inherited: Memory { file.memory }

    package var health: Health { state.withLock { $0.health } }

    /// How much waits for the disk.
    package var waiting: Int {
        state.withLock { $0.backlog.entries.count + $0.backlog.deliveries.count }
    }

    // MARK: - Writing

    /// Keeps incidents as they stand and what is to be told of them, together or not at all. Returns when that is
    /// on disk, or when the disk takes too long or fails: then it is kept here.
    package func keep(_ entries: [LedgerEntry], _ deliveries: [Delivery]) async {
        state.withLock { $0.backlog.add(entries, deliveries) }
        await flush()
    }

    package func keep(_ silence: Silence) async {
        state.withLock { $0.backlog.silences[silence.id] = silence }
        await flush()
    }

    package func end(_ sequence: Int64, _ outcome: Delivery.Outcome) async {
        state.withLock { $0.backlog.end(sequence, outcome) }
        await flush()
    }

    /// Writes what waits.
    package func flush() async {
        let isIdle = state.withLock { $0.isStuck || $0.backlog.isEmpty }
        guard !isIdle else { return }
        let patience = Self.patience
        let race = FirstOnly()
        await withCheckedContinuation { continuation in
            race.arm(continuation)
            let watch = Task {
                try? await Task.sleep(for: patience)
                race.end {
                    state.withLock { $0.isStuck = true }
                    became(.failing("it does not answer for \(patience)", since: clock()))
                }
            }
            Task {
                await write()
                guard !race.end() else { return watch.cancel() }
                state.withLock { $0.isStuck = false }
                await flush()
            }
        }
    }

    private func write() async {
        // The end of a transaction is what fails on a full disk: until then nothing is let go.
        let taken = Mutex(Backlog())
        do {
            try await pool.write { [self] db in
                let backlog = take()
                taken.withLock { $0 = backlog }
                try backlog.write(to: db)
            }
            became(.good)
        } catch {
            let backlog = taken.withLock { $0 }
            state.withLock { $0.backlog.putBack(backlog) }
            became(.failing(words(error), since: clock()))
        }
    }

    private func take() -> Backlog {
        state.withLock { state in
            defer { state.backlog = Backlog() }
            return state.backlog
        }
    }

    func became(_ health: Health) {
        let news: String? = state.withLock { state in
            switch (state.health, health) {
            case (.good, .failing(let reason, _)):
                state.health = health
                return "\(path): \(reason); incidents are kept in memory until it can be written"
            case (.failing, .good):
                state.health = .good
                return "\(path): it can be written again"
            case (.good, .good), (.failing, .failing): return nil
            }
        }
        if let news { say(news) }
    }

    // MARK: - Reading

    /// Those that ended in a range, the last that were detected first.
    package func incidents(_ range: PastIncidents) async throws(StoreError) -> [Incident] {
        try await read { db in try Incident.stored(range, db) }
    }

    /// The newest occurrence of an incident.
    package func incident(_ id: String) async throws(StoreError) -> Incident? {
        try await read { db in try Incident.stored(id: id, db) }
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw StoreError(path: path, reason: words(error))
        }
    }

    /// A consistent copy in one file, of a store that a collector may be writing.
    package static func backUp(_ path: String, to copy: String) throws(StoreError) {
        do {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(10)
            let source = try DatabaseQueue(path: path, configuration: configuration)
            try source.backup(to: try DatabaseQueue(path: copy))
        } catch {
            throw StoreError(path: path, reason: words(error))
        }
    }
}

/// SQLite's words without the statement, which may hold anything.
func words(_ error: any Error) -> String {
    guard let error = error as? DatabaseError else { return "\(error)" }
    return error.message ?? "\(error.resultCode)"
}

/// Resumes once, whoever comes first.
private final class FirstOnly: Sendable {
    private let continuation = Mutex<CheckedContinuation<Void, Never>?>(nil)

    func arm(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation.withLock { $0 = continuation }
    }

    /// True for the first, who may do something before anybody goes on.
    @discardableResult
    func end(_ first: () -> Void = {}) -> Bool {
        let waiting = continuation.withLock { continuation in
            defer { continuation = nil }
            if continuation != nil { first() }
            return continuation
        }
        waiting?.resume()
        return waiting != nil
    }
}
