// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing
import VendorJSON

/// The JSON documents of an answer, in none of which an object has a key twice: the parser would keep
/// one of the two without a word.
func unambiguousDocuments(_ bytes: [UInt8]) throws(JSONError) -> [JSONValue] {
    let documents = try JSONValue.documents(bytes)
    if let twice = repeatedKey(bytes) {
        throw .notJSON(at: twice.at, beginning: "the key \(twice.key) a second time")
    }
    return documents
}

/// What came of one read of a switch, whatever its dialect.
package struct SwitchAnswer: Sendable {
    package var table = SwitchTable()
    package var problems: [String] = []
    /// Whether absence in it proves anything: a whole table, checked against itself.
    package var isComplete = true
    /// What it tells is of two moments: to be asked for once more.
    package private(set) var isDisturbed = false
    /// Of each summary in the answer its neighbours, in the order they were asked for.
    private var summaries: [[String: SummaryPeer]] = []
    /// A routing table of the answer; the family is nil where only its routes would tell, and it has none.
    private struct Table {
        var vrf: String
        var family: AddressFamily?
        var isEmpty: Bool
    }

    private var tables: [Table] = []
    private var isTableLast = false
    /// An empty answer may have been meant for a summary: FRR prints `{}` for both.
    var mayTakeSummaryForTable = false
    private var routeCount = 0
    /// What is in it is BGP's choice, which another protocol's routes may hide: no RIB is in it.
    package internal(set) var isChoiceAlone = false
    /// Neighbours may come that are not configured one by one.
    var hasDynamicNeighbors = false

    /// A sick switch repeats itself; the first problems say what is wrong.
    private static let problemLimit = 100
    /// Full tables of large switches stay below; past it memory is the collector's first duty.
    private static let routeLimit = 200_000

    package init() {}

    package mutating func doubt(_ problem: String) {
        isComplete = false
        guard problems.count <= Self.problemLimit else { return }
        problems.append(problems.count == Self.problemLimit ? "more problems follow" : problem)
    }

    /// `place` is where it stands in the answer.
    mutating func add(_ route: SwitchRoute, at place: @autoclosure () -> String) {
        guard routeCount < Self.routeLimit else {
            return doubt("\(place()): more than \(Self.routeLimit) routes")
        }
        routeCount += 1
        table.routes[route.prefix, default: []].append(route)
    }

    /// A table was in the answer. `family` where its header or its routes tell.
    mutating func addTable(vrf: String, _ family: AddressFamily?, isEmpty: Bool) {
        tables.append(Table(vrf: vrf, family: family, isEmpty: isEmpty))
        isTableLast = true
    }

    /// Something of one prefix cannot be believed, and all else can.
    mutating func doubt(_ problem: String, of prefix: Prefix) {
        let wasComplete = isComplete
        doubt(problem)
        isComplete = wasComplete
        table.doubtful.insert(prefix)
    }

    mutating func addSummary(_ peers: [String: SummaryPeer]) {
        summaries.append(peers)
        isTableLast = false
    }

    /// There is a summary, and none after the last table.
    var endsInTable: Bool { isTableLast && !summaries.isEmpty }

    /// An empty table of unknown family is the other family's of one that is there, and IPv4's alone.
    private var covered: Set<TableScope> {
        var covered: Set<TableScope> = []
        for table in tables {
            if let family = table.family {
                covered.insert(TableScope(vrf: table.vrf, family: family))
            }
        }
        for table in tables where table.family == nil {
            let first = TableScope(vrf: table.vrf, family: .ipv4)
            let isTaken = covered.contains(first)
            covered.insert(isTaken ? TableScope(vrf: table.vrf, family: .ipv6) : first)
        }
        return covered
    }

    // MARK: - Self-check

    /// Absence needs proof: a table, and neighbours who agree with it.
    package mutating func conclude() {
        guard !tables.isEmpty else { return doubt("no routing table in the answer") }
        table.covered = covered
        if !table.doubtful.isEmpty, table.doubtful.isSuperset(of: table.routes.keys) {
            doubt("no prefix of it can be believed")
        }
        let hasBGP = table.routes.values.joined().contains(where: \.isBGP)
        guard !summaries.isEmpty else {
            if table.routes.isEmpty { return doubt("an empty table without a summary") }
            if !hasBGP, mayTakeSummaryForTable, tables.contains(where: \.isEmpty) {
                doubt("no BGP route, and an empty answer: there may be no BGP instance")
            }
            return
        }
        // Summaries of several families may stand before and after the table.
        let half = summaries.count / 2
        let last = mergedPeers(summaries.suffix(max(half, 1)))
        let first = half > 0 ? mergedPeers(summaries.prefix(half)) : last
        if first.count != last.count || first.contains(where: { last[$0]?.isSame($1) != true }) {
            isDisturbed = true
            doubt("a BGP session changed while the table was read")
        }
        table.hasSummary = true
        table.neighbors = neighbors(last)
        table.listsAllNeighbors = !hasDynamicNeighbors && !last.keys.contains { $0.contains("/") }
        if last.isEmpty { doubt("the BGP summary names no neighbour: BGP may not run") }
        let senders = last.values.count { $0.isEstablished && ($0.prefixesReceived ?? 0) > 0 }
        if senders > 0, !hasBGP {
            doubt("\(senders) neighbours sent prefixes, the table has no BGP route")
        }
    }
}

extension SwitchRoute {
    /// `bgp`, `bgp-64512`, `iBGP`, `eBGP`.
    var isBGP: Bool { protocolName.lowercased().contains("bgp") }
}
