// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing

/// Keeps up with one collection of the API server: a machine without a socket or a clock. A list in pages,
/// then a watch from where the list ended, and again a list when the server no longer knows that place.
///
///     listing ──last page──► watching ──410──► listing
///        ▲                     │  ▲
///        └──410 between pages──┘  └──ended, from the last resourceVersion──
///
/// Nothing that was delivered is taken back by a failure: a list replaces only when it is whole.
/// (Kubernetes API concepts: efficient detection of changes, retrieving large result sets in chunks,
/// streaming lists.)
struct Reflector<Object: ClusterObject> {
    typealias Update = WatchUpdate<Object.Fact>

    enum Request: Equatable {
        case list(continue: String?)
        case watch(resourceVersion: String)
        /// A watch that brings the list first; from 1.32 on.
        case streamedList
    }

    private enum Phase {
        case listing(next: String?)
        case watching(String)
        case streaming
    }

    private var phase = Phase.listing(next: nil)
    private var gathered: [String: Object.Fact] = [:]
    /// What each object contributed, by the object's key: one object may give several facts.
    private var keys: [String: Set<String>] = [:]
    private var gatheredKeys: [String: Set<String>] = [:]
    private var problem: String?
    /// The last list was implausibly short: the next that is so too is believed.
    private var isShortListExpected = false
    private var mayStream: Bool
    private var failures = 0
    /// How often in a row the server had forgotten the place, without an event between.
    private var expirations = 0
    /// Which question is asked: an answer to an earlier one counts no more.
    private(set) var generation = 0
    /// Nothing is asked before it.
    private(set) var notBefore = Timestamp.zero

    /// Twice the pods of the largest clusters' slices; past it memory is the first duty.
    static var objectLimit: Int { 200_000 }
    /// Until an implausible list is asked for again; milliseconds.
    private static var secondLook: Int64 { 10_000 }
    /// 1 s, doubled up to half a minute: an API server that comes back must not meet everybody at once.
    private static var longestPause: Int64 { 30_000 }

    init(mayStream: Bool) {
        self.mayStream = mayStream
        phase = mayStream ? .streaming : .listing(next: nil)
    }

    /// What to ask now.
    var request: Request {
        switch phase {
        case .listing(let next): .list(continue: next)
        case .watching(let version): .watch(resourceVersion: version)
        case .streaming: .streamedList
        }
    }

    // MARK: - Lists

    /// One item of a page.
    mutating func listed(_ bytes: [UInt8]) {
        do {
            gather(try JSONDecoder().decode(Object.self, from: Data(bytes)))
        } catch {
            // It would look absent: then the list proves nothing.
            problem = "an object cannot be read: \(shortened(error))"
        }
    }

    private mutating func gather(_ object: Object) {
        guard gatheredKeys.count < Self.objectLimit else {
            return problem = "more than \(Self.objectLimit) objects"
        }
        let facts = object.facts
        gatheredKeys[object.metadata.key] = Set(facts.keys)
        gathered.merge(facts) { $1 }
    }

    /// A page came whole.
    mutating func pageEnded(_ metadata: ListMetadata?, now: Timestamp, random: Int64) -> [Update] {
        guard let version = metadata?.resourceVersion, !version.isEmpty else {
            return failed("the list has no resourceVersion", now: now, random: random)
        }
        if let next = metadata?.continue, !next.isEmpty {
            phase = .listing(next: next)
            return []
        }
        return listEnded(version, now: now, random: random)
    }

    private mutating func listEnded(
        _ version: String,
        now: Timestamp,
        random: Int64
    ) -> [Update] {
        if let problem { return failed(problem, now: now, random: random) }
        if isImplausible(gatheredKeys.count), !isShortListExpected {
            isShortListExpected = true
            let words = "a list of \(gatheredKeys.count) objects where there were \(keys.count)"
            return failed(words, after: Self.secondLook, now: now, random: random)
        }
        isShortListExpected = false
        failures = 0
        phase = .watching(version)
        keys = gatheredKeys
        defer { forget() }
        return [.listed(gathered)]
    }

    /// Most of what was there is gone at once: an API server whose store is gone says so too.
    private func isImplausible(_ count: Int) -> Bool { keys.count >= 4 && count * 2 < keys.count }

    private mutating func forget() {
        gathered = [:]
        gatheredKeys = [:]
        problem = nil
    }

    // MARK: - Watches

    /// One line of a watch.
    mutating func received(_ line: [UInt8], now: Timestamp, random: Int64) -> [Update] {
        let event: WatchEvent<Object>
        do {
            event = try JSONDecoder().decode(WatchEvent<Object>.self, from: Data(line))
        } catch {
            // What changed is not known: only a new list tells.
            return relist("an event cannot be read: \(shortened(error))", now: now, random: random)
        }
        switch event {
        case .put(let object): return put(object, now: now, random: random)
        case .deleted(let object): return remove(object)
        case .bookmark(let version, let isInitialEnd):
            if case .streaming = phase {
                return isInitialEnd ? listEnded(version, now: now, random: random) : []
            }
            phase = .watching(version)
            (failures, expirations) = (0, 0)
            return [.heard]
        case .error(let status):
            let words = status.message ?? status.reason ?? "error \(status.code ?? 0)"
            guard status.code != 410 else { return expired(now: now, random: random) }
            return failed("the watch says: \(words.prefix(200))", now: now, random: random)
        }
    }

    private mutating func put(_ object: Object, now: Timestamp, random: Int64) -> [Update] {
        (failures, expirations) = (0, 0)
        guard case .watching = phase else {
            gather(object)
            return []
        }
        advance(object)
        let facts = object.facts
        var changes: [String: Object.Fact?] = facts.mapValues { $0 }
        for gone in (keys[object.metadata.key] ?? []).subtracting(facts.keys) {
            changes.updateValue(nil, forKey: gone)
        }
        guard keys[object.metadata.key] != nil || keys.count < Self.objectLimit else {
            return failed("more than \(Self.objectLimit) objects", now: now, random: random)
        }
        keys[object.metadata.key] = Set(facts.keys)
        return changes.isEmpty ? [.heard] : [.changed(changes)]
    }

    private mutating func remove(_ object: Object) -> [Update] {
        (failures, expirations) = (0, 0)
        guard case .watching = phase else {
            for key in gatheredKeys.removeValue(forKey: object.metadata.key) ?? [] {
                gathered[key] = nil
            }
            return []
        }
        advance(object)
        let gone = keys.removeValue(forKey: object.metadata.key) ?? Set(object.facts.keys)
        guard !gone.isEmpty else { return [.heard] }
        var changes: [String: Object.Fact?] = [:]
        for key in gone { changes.updateValue(nil, forKey: key) }
        return [.changed(changes)]
    }

    /// The place in history is opaque, and only ever replaced by a later one.
    private mutating func advance(_ object: Object) {
        if let version = object.metadata.resourceVersion { phase = .watching(version) }
    }

    // MARK: - Ends

    /// The watch ended as it must after its time, or before.
    mutating func watchEnded(after lasted: Int64, now: Timestamp, random: Int64) -> [Update] {
        if case .streaming = phase {
            return relist("the streamed list ended early", now: now, random: random)
        }
        // A server that ends each watch at once is not well.
        guard lasted < 1_000 else { return [] }
        pause(now: now, random: random)
        return []
    }

    /// The server has forgotten that place in its history.
    ///
    /// Once it is asked for a list at once; a history that is shorter than a list takes is a failure.
    mutating func expired(now: Timestamp, random: Int64) -> [Update] {
        expirations += 1
        begin()
        guard expirations > 1 else { return [] }
        pause(now: now, random: random)
        return [.failed("the server forgets its history faster than it is read")]
    }

    /// The server does not know streamed lists after all.
    mutating func streamingRefused() {
        mayStream = false
        begin()
    }

    mutating func failed(
        _ reason: String,
        after pause: Int64? = nil,
        now: Timestamp,
        random: Int64
    ) -> [Update] {
        // A list begins anew: its pages belong together. A watch goes on from where it was.
        if case .watching = phase { generation += 1 } else { begin() }
        self.pause(atLeast: pause ?? 0, now: now, random: random)
        return [.failed(reason)]
    }

    /// Nothing more is asked until then.
    mutating func rest(until moment: Timestamp) { notBefore = moment }

    private mutating func relist(_ reason: String, now: Timestamp, random: Int64) -> [Update] {
        begin()
        pause(now: now, random: random)
        return [.failed(reason)]
    }

    private mutating func begin() {
        generation += 1
        forget()
        phase = mayStream ? .streaming : .listing(next: nil)
    }

    /// `random` is anything in 0..<1000: from half to one and a half of the pause.
    private mutating func pause(atLeast least: Int64 = 0, now: Timestamp, random: Int64) {
        let wait = min(1_000 << Int64(min(failures, 6)), Self.longestPause)
        failures += 1
        notBefore = now + max(least, wait * (500 + random) / 1_000)
    }
}
