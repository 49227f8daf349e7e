// SPDX-License-Identifier: Apache-2.0
import Routing

/// The routes of one table: for each prefix where it leads to, or for each of its paths where the peer
/// sends several of a family.
struct PeerTable: Sendable {
    /// Next hops, each once: a node announces all it has with one.
    private var hops: [IPAddress] = []
    private var hopIndices: [IPAddress: UInt32] = [:]
    private var single: [Prefix: UInt32] = [:]
    /// Of families with ADD-PATH.
    private var several: [Prefix: [UInt32: UInt32]] = [:]
    private var pathCount = 0
    /// What End-of-RIB was told for, and what ever came.
    private(set) var completeFamilies: Set<AddressFamily> = []
    private(set) var hasAnnounced = false
    /// Families of which anything ever came.
    private(set) var seenFamilies: Set<AddressFamily> = []
    private(set) var hasWithdrawn = false

    /// A switch has a few dozen neighbours; a full table of the Internet some thousand next hops.
    private static let hopLimit = 65_536
    /// A route server sends dozens of paths of a prefix; thousands are an attack.
    private static let pathLimit = 256

    var count: Int { single.count + pathCount }
    var prefixes: [Prefix] { Array(single.keys) + Array(several.keys) }

    /// `path` is nil where the family has one a prefix. False if the table is full: what it lacks then
    /// proves nothing.
    mutating func announce(_ prefix: Prefix, path: UInt32?, by hop: IPAddress, limit: Int) -> Bool {
        hasAnnounced = true
        if !seenFamilies.contains(prefix.family) { seenFamilies.insert(prefix.family) }
        guard let index = indexOf(hop), count < limit || nextHops(prefix) != [] else {
            return false
        }
        guard let path else {
            single[prefix] = index
            return true
        }
        var paths = several[prefix] ?? [:]
        guard paths.count < Self.pathLimit || paths[path] != nil else { return false }
        if paths.updateValue(index, forKey: path) == nil { pathCount += 1 }
        several[prefix] = paths
        return true
    }

    mutating func withdraw(_ prefix: Prefix, path: UInt32?) {
        hasWithdrawn = true
        guard let path else { return single[prefix] = nil }
        if several[prefix]?.removeValue(forKey: path) != nil { pathCount -= 1 }
        if several[prefix]?.isEmpty == true { several[prefix] = nil }
    }

    mutating func complete(_ family: AddressFamily) { completeFamilies.insert(family) }

    /// Families of which what is not here is not there either, once all was told.
    var toldFamilies: Set<AddressFamily> { completeFamilies.union(seenFamilies) }

    func nextHops(_ prefix: Prefix) -> [IPAddress] {
        if let index = single[prefix] { return [hops[Int(index)]] }
        return several.isEmpty ? [] : (several[prefix] ?? [:]).values.map { hops[Int($0)] }
    }

    func forEachPrefix(_ body: (Prefix, [IPAddress]) -> Void) {
        for (prefix, index) in single { body(prefix, [hops[Int(index)]]) }
        for (prefix, paths) in several { body(prefix, paths.values.map { hops[Int($0)] }) }
    }

    private mutating func indexOf(_ hop: IPAddress) -> UInt32? {
        if let known = hopIndices[hop] { return known }
        guard hops.count < Self.hopLimit else { return nil }
        let index = UInt32(clamping: hops.count)
        hops.append(hop)
        hopIndices[hop] = index
        return index
    }
}
