// SPDX-License-Identifier: Apache-2.0
import Routing
import Synchronization
import Verdicts

/// Sees which ways have changed since they were recorded last, and keeps those until they are written.
final class PathRecorder: Sendable {
    struct Key: Hashable, Sendable {
        var prefix: Prefix
        var node: String
    }

    /// A way since then; nil: there is none any more.
    struct Change: Sendable {
        var key: Key
        var at: Timestamp
        var trace: PathTrace?
    }

    private struct State {
        /// What was recorded last, as a hash: thirty thousand ways take a megabyte so, and thirty in full.
        var known: [Key: Int] = [:]
        var changes: [Change] = []
        var lost = 0
        var isBeginning = true

        mutating func note(_ path: PathTrace, isBeginning: Bool, at now: Timestamp) {
            let key = Key(prefix: path.prefix, node: path.node)
            let signature = path.signature
            guard known[key] != signature, !(isBeginning && path.isUnknown) else { return }
            known[key] = signature
            add(Change(key: key, at: now, trace: path.atRest))
        }

        mutating func add(_ change: Change) {
            guard changes.count < PathRecorder.limit else {
                lost += 1
                // The record does not say so: the next look must.
                known[change.key] = nil
                return
            }
            changes.append(change)
        }
    }

    private let state = Mutex(State())

    /// As many as a large fleet that changes as a whole, three times over.
    fileprivate static let limit = 100_000
    /// While sources speak for the first time, what is not known yet is no change.
    private static let beginning: Int64 = 70_000

    /// As an earlier collector left them.
    func begin(with paths: [PathTrace]) {
        state.withLock { state in
            for path in paths {
                let key = Key(prefix: path.prefix, node: path.node)
                // What has been seen since is newer.
                if state.known[key] == nil { state.known[key] = path.signature }
            }
        }
    }

    func note(_ paths: PathList, touched: [Int]?, startedAt: Timestamp, at now: Timestamp) {
        let isBeginning = now - startedAt < Self.beginning
        state.withLock { state in
            // What was not known at the beginning, and still is not, has been passed over until now.
            let areAll = touched == nil || !isBeginning && state.isBeginning
            state.isBeginning = isBeginning
            for position in areAll ? Array(paths.indices) : touched ?? [] {
                state.note(paths[position], isBeginning: isBeginning, at: now)
            }
            // Only where all are looked at some may be gone.
            guard areAll, !isBeginning else { return }
            let left = Set(paths.map { Key(prefix: $0.prefix, node: $0.node) })
            for key in state.known.keys where !left.contains(key) {
                state.known[key] = nil
                state.add(Change(key: key, at: now, trace: nil))
            }
        }
    }

    /// What has to be written, and how much could not be kept until now.
    func take() -> (changes: [Change], lost: Int) {
        state.withLock { state in
            defer { (state.changes, state.lost) = ([], 0) }
            return (state.changes, state.lost)
        }
    }

    func putBack(_ changes: [Change]) {
        state.withLock { state in
            let newer = state.changes
            state.changes = []
            for change in changes + newer { state.add(change) }
        }
    }
}

extension PathTrace {
    var isUnknown: Bool {
        stages.contains { if case .unknown = $0.state { true } else { false } }
    }

    /// What tells one state of a way from another: neither ages nor the reasons that hold them.
    var signature: Int {
        var hasher = Hasher()
        for result in stages {
            hasher.combine(result.stage)
            hasher.combine(result.at)
            if case .unknown = result.state {
                hasher.combine("unknown")
            } else {
                hasher.combine(result.state)
            }
        }
        hasher.combine(verdicts)
        return hasher.finalize()
    }

    /// Without the moments at which it was read: in a record they are the record's.
    var atRest: PathTrace {
        var trace = self
        for index in trace.stages.indices { trace.stages[index].readAt = nil }
        return trace
    }
}
