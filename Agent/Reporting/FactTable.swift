// SPDX-License-Identifier: Apache-2.0
package import Wire

/// All the node knows now, with the generation in which each fact last changed.
///
/// Every collector's stream reads its own difference out of this one table, so a slow collector
/// costs no memory: changes to one key merge, and nothing is queued.
package struct FactTable {
    package private(set) var generation: UInt64 = 0
    private var entries: [FactKey: (fact: Fact, changed: UInt64)] = [:]
    /// Keys that are gone, and since which generation.
    private var removed: [FactKey: UInt64] = [:]
    /// Removals before this generation are forgotten: who is behind it needs a snapshot.
    private var removalsKnownSince: UInt64 = 0
    /// Removed keys kept: more than a node's facts would make a snapshot the shorter message.
    private static let removedLimit = 4_096

    package init() {}

    package var facts: [Fact] { entries.values.map(\.fact) }

    /// Makes `facts` the whole truth; false if nothing differs.
    @discardableResult
    package mutating func replace(with facts: [Fact]) -> Bool {
        let next = generation + 1
        var seen = Set<FactKey>(minimumCapacity: facts.count)
        var isChanged = false
        for fact in facts where seen.insert(fact.key).inserted {
            guard entries[fact.key]?.fact != fact else { continue }
            entries[fact.key] = (fact, next)
            removed[fact.key] = nil
            isChanged = true
        }
        for key in entries.keys where !seen.contains(key) {
            entries[key] = nil
            removed[key] = next
            isChanged = true
        }
        guard isChanged else { return false }
        generation = next
        forgetRemovals()
        return true
    }

    /// What changed after `base`, or nil if only a snapshot can tell.
    package func changes(since base: UInt64) -> (changed: [Fact], removed: [FactKey])? {
        guard base >= removalsKnownSince, base <= generation else { return nil }
        let changed = entries.values.filter { $0.changed > base }.map(\.fact)
        return (changed, removed.filter { $0.value > base }.map(\.key))
    }

    private mutating func forgetRemovals() {
        guard removed.count > Self.removedLimit else { return }
        removed = [:]
        removalsKnownSince = generation
    }
}
