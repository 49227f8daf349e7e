// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A collection that the API server is watched for. What was there stays through every failure: a
/// collection is emptied by a complete list only.
package struct Watched<Value: Sendable & Hashable>: Sendable, Equatable {
    package enum Condition: Sendable, Equatable {
        /// No complete list has come yet.
        case starting
        case synced
        /// The API server has no such resource: there are none, and that is known.
        case notOffered
    }

    package private(set) var condition = Condition.starting
    package private(set) var objects: [String: Value] = [:]
    package private(set) var failure: ReadFailure?
    /// Whether a watch is open.
    package private(set) var isWatched = false
    /// The last list, event or bookmark.
    package private(set) var lastHeard: Timestamp?

    package init() {}

    /// Whether an object that is not here is not there either.
    package var isComplete: Bool { condition != .starting }

    /// Whether its list came and nothing has failed since.
    package var isRead: Bool { condition == .synced && failure == nil }

    /// What is another now, as it was before; nil: it is new.
    @discardableResult
    package mutating func apply(
        _ update: WatchUpdate<Value>,
        at now: Timestamp
    ) -> [String: Value?] {
        if case .interrupted = update {
            isWatched = false
            return [:]
        }
        if let reason = trouble(update) {
            isWatched = false
            failure = ReadFailure(reason, at: now, after: failure)
            return [:]
        }
        failure = nil
        isWatched = true
        if case .opened = update { return [:] }
        lastHeard = now
        switch update {
        case .failed, .heard, .interrupted, .opened: return [:]
        case .listed(let all):
            condition = .synced
            return replace(with: all)
        case .notOffered:
            condition = .notOffered
            return replace(with: [:])
        case .changed(let changes):
            var before: [String: Value?] = [:]
            for (key, value) in changes where objects[key] != value {
                before.updateValue(objects[key], forKey: key)
                objects[key] = value
            }
            return before
        }
    }

    /// A resource that was there and is not offered any more may be one that an API server has not loaded
    /// yet, after its start.
    private func trouble(_ update: WatchUpdate<Value>) -> String? {
        switch update {
        case .failed(let reason): reason
        case .notOffered where !objects.isEmpty:
            "the API server does not offer the resource any more"
        default: nil
        }
    }

    private mutating func replace(with all: [String: Value]) -> [String: Value?] {
        var before: [String: Value?] = [:]
        for (key, value) in objects where all[key] != value {
            before.updateValue(value, forKey: key)
        }
        for key in all.keys where objects[key] == nil { before.updateValue(nil, forKey: key) }
        objects = all
        return before
    }
}

/// What the watch of one collection brings.
package enum WatchUpdate<Value: Sendable & Hashable>: Sendable, Equatable {
    /// Everything there is.
    case listed([String: Value])
    /// What changed since; nil: deleted.
    case changed([String: Value?])
    /// A watch begins: what happened since the last comes now.
    case opened
    /// Still there: a bookmark, or an event that changes nothing of what is kept.
    case heard
    /// The watch ended, as it must now and then: until the next begins nothing is heard of changes.
    case interrupted
    case notOffered
    case failed(String)
}

extension WatchUpdate: Codable where Value: Codable {}

extension WatchUpdate {
    /// Takes in what came after it, if both together are one update: then nothing of either is lost.
    mutating func merge(_ newer: WatchUpdate) -> Bool {
        switch (self, newer) {
        case (.changed(let changes), .changed(let more)):
            self = .changed(changes.merging(more) { $1 })
        case (.listed(var all), .changed(let changes)):
            for (key, value) in changes { all[key] = value }
            self = .listed(all)
        case (.listed, .heard), (.changed, .heard), (.heard, .heard): break
        case (_, .listed), (.failed, .failed), (.heard, _): self = newer
        default: return false
        }
        return true
    }
}
