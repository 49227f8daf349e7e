// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What may be believed of one switch now, all its ways taken together: the fresh way that tells most
/// decides, the others confirm, contradict or explain. A class, so that each of thousands of paths is handed one
/// reference.
final class SwitchSight: Sendable {
    let facts: SwitchFacts
    let way: SwitchWay
    let view: SwitchView
    let table: SwitchTable
    let readAt: Timestamp
    let now: Timestamp
    let others: [(way: SwitchWay, view: SwitchView)]
    /// Whether the switch forwards any node's pod CIDR by several next hops of that node.
    let usesSeveralPaths: Bool
    /// What was gone so often that it may flap, by whatever way that was seen.
    let unsteady: Set<Prefix>

    var name: String { facts.name }
    var vrf: String { facts.vrf }
    var source: String { "switch \(facts.name)" }
    /// What was looked at, in the evidence's words.
    func fact(_ prefix: Prefix) -> String {
        way == .polled ? "RIB \(prefix)" : "\(way.word) \(prefix)"
    }

    /// Nil if no way is fresh.
    init?(
        _ facts: SwitchFacts,
        _ owners: OwnedCIDRs,
        _ addressOwners: [IPAddress: String],
        at now: Timestamp
    ) {
        guard let (way, view) = facts.believed(at: now),
            let table = view.readings.current(at: now), let readAt = view.readings.latest?.at
        else { return nil }
        self.facts = facts
        self.way = way
        self.view = view
        self.table = table
        self.readAt = readAt
        self.now = now
        others = facts.others(than: way, at: now)
        usesSeveralPaths = table.usesSeveralPaths(in: facts.vrf, owners, addressOwners)
        unsteady = ([view] + others.map(\.view)).reduce(into: []) { all, view in
            for (prefix, history) in view.histories where history.absences.count >= flapCount {
                all.insert(prefix)
            }
        }
    }

    /// The same, later.
    init(_ sight: SwitchSight, at now: Timestamp) {
        facts = sight.facts
        way = sight.way
        view = sight.view
        table = sight.table
        readAt = sight.readAt
        self.now = now
        others = sight.others
        usesSeveralPaths = sight.usesSeveralPaths
        unsteady = sight.unsteady
    }

    func best(_ prefix: Prefix) -> SwitchRoute? { table.best(prefix, vrf: vrf) }

    /// True if `predicate` holds of a prefix in both of the last two reads; of what comes by itself, if it
    /// holds now and nothing about the prefix changed for a while.
    func confirmed(_ prefix: Prefix, _ predicate: (SwitchTable) -> Bool) -> Bool {
        guard way != .polled else { return view.readings.confirmed(predicate) }
        return predicate(table) && now - unchangedSince(prefix) >= Self.grace
    }

    /// What came by itself has been so since then.
    private func unchangedSince(_ prefix: Prefix) -> Timestamp {
        view.histories[prefix]?.changedAt ?? view.firstReadAt ?? now
    }

    /// When what proves a state of the prefix had been asked for at the latest.
    var provenSince: Timestamp {
        guard way == .polled else { return now - Self.grace }
        return view.readings.previous?.began ?? now
    }

    /// True if `predicate` holds in both of the last two reads, whatever brought them.
    func confirmed(_ predicate: (SwitchTable) -> Bool) -> Bool {
        view.readings.confirmed(predicate)
    }

    /// What its BGP summary says of one of these addresses, an established session before any other.
    func neighbor(of addresses: Set<IPAddress>) -> SwitchNeighbor? {
        // In order: of two of which none is up the word must be the same in every process.
        let known = addresses.sorted().compactMap { table.neighbors[$0] }
        return known.first(where: \.isEstablished) ?? known.first
    }
}

extension SwitchTable {
    /// Whether any owned CIDR has several next hops, all of its owner.
    fileprivate func usesSeveralPaths(
        in vrf: String,
        _ owners: OwnedCIDRs,
        _ addressOwners: [IPAddress: String]
    ) -> Bool {
        routes.contains { prefix, routes in
            guard routes.contains(where: { $0.nextHops.count > 1 }), let owner = owners[prefix],
                let best = best(prefix, vrf: vrf), best.nextHops.count > 1
            else { return false }
            return best.nextHops.allSatisfy { addressOwners[$0] == owner }
        }
    }
}

// MARK: - Presence

extension SwitchSight {
    /// How long a route must be gone by a push: BIRD's restart without recovery takes it away for 1.2 s.
    static let grace: Int64 = 5_000

    enum Presence {
        case here(SwitchRoute)
        /// Nothing tells of it, one way or the other.
        case unread(reason: String)
        /// Something says that it went, not enough to be believed.
        case doubted(reason: String)
        /// `provenSince`: when the first of the reads that prove it began.
        case absent(provenSince: Timestamp)
    }

    /// Of a CIDR of a node with these addresses:
    /// 1. in the table, and no other way has seen it go since that was read → here;
    /// 2. its family, VRF, neighbour or row was not read → unread;
    /// 3. absent twice in a row, or by a push for a while, or once by each → absent;
    /// 4. else → doubted.
    func presence(of prefix: Prefix, announcedBy addresses: Set<IPAddress>) -> Presence {
        if let route = best(prefix) {
            guard let (way, _) = withdrawn(prefix) else { return .here(route) }
            return .doubted(reason: "withdrawn over \(way.words), not read again since")
        }
        if let reason = unread(prefix, addresses) { return .unread(reason: reason) }
        if confirmed(prefix, { $0.best(prefix, vrf: vrf) == nil }) {
            return .absent(provenSince: provenSince)
        }
        let gone = others.compactMap { $0.view.histories[prefix]?.goneSince }.min()
        guard let gone, now - gone >= Self.grace, way == .polled else {
            return .doubted(reason: "absent in the last read, the next must agree")
        }
        return .absent(provenSince: min(gone, view.readings.latest?.began ?? gone))
    }

    private func unread(_ prefix: Prefix, _ addresses: Set<IPAddress>) -> String? {
        guard table.covers(prefix, vrf: vrf) else {
            let family = prefix.family == .ipv4 ? "IPv4" : "IPv6"
            return "\(family) of VRF \(vrf) is not read on the switch"
        }
        if table.doubtful.contains(prefix) { return "its row could not be read" }
        if !table.untold.isDisjoint(with: addresses) {
            return "the switch is still telling what this neighbour announced"
        }
        guard way == .bmp, !addresses.isEmpty, neighbor(of: addresses) == nil else { return nil }
        return "the switch's BMP does not tell of this neighbour"
    }

    /// Another way that saw it go after what is believed was read: that will be read again at once.
    private func withdrawn(_ prefix: Prefix) -> (way: SwitchWay, since: Timestamp)? {
        guard let began = view.readings.latest?.began else { return nil }
        for (way, view) in others {
            if let gone = view.histories[prefix]?.goneSince, gone > began { return (way, gone) }
        }
        return nil
    }

    /// Where the way of an absent prefix through the switch ends, or what is there in its place.
    func explanation(of prefix: Prefix) -> (found: String?, words: String)? {
        if let other = table.otherVRF(prefix, than: vrf) {
            return ("in VRF \(other)", "it has it in VRF \(other)")
        }
        let above = covering(prefix).map { "only \($0)" }
        let reason = unused(prefix) ?? heard(prefix)
        let words = [reason, above.map { "it has \($0)" }].compactMap(\.self)
        return words.isEmpty ? nil : (above, words.joined(separator: ", "))
    }

    /// A route that the switch has and does not forward by, and how far that came.
    private func unused(_ prefix: Prefix) -> String? {
        let hidden = table.hidden(prefix, vrf: vrf)
        guard let route = hidden.max(by: { $0.evidence < $1.evidence }) else { return nil }
        switch route.evidence {
        case .announced: return "its import policy refuses it"
        case .accepted where way == .polled:
            return
                "BGP has it\(via(route.nextHops)) and does not choose it: its next hop may not resolve"
        case .accepted, .best, .inRIB, .inHardware:
            return "it does not use \(route.protocolName)'s route\(via(route.nextHops))"
        }
    }

    /// What BMP says of it: how far it came.
    private func heard(_ prefix: Prefix) -> String? {
        guard let feed = others.first(where: { $0.way == .bmp }),
            let heard = feed.view.readings.latest?.value, heard.covers(prefix, vrf: vrf)
        else { return nil }
        let routes = heard.routes[prefix]?.filter { $0.vrf == vrf } ?? []
        guard let furthest = routes.max(by: { $0.evidence < $1.evidence }) else {
            return "no neighbour announces it to the switch (BMP)"
        }
        switch furthest.evidence {
        case .announced: return "its import policy refuses it (BMP)"
        case .accepted, .best, .inRIB, .inHardware:
            return "BGP has it\(via(furthest.nextHops)), the RIB does not (BMP)"
        }
    }

    /// The longest prefix around it, a default route apart.
    private func covering(_ prefix: Prefix) -> Prefix? {
        guard prefix.length > 1 else { return nil }
        for length in (1..<prefix.length).reversed() {
            if let wider = Prefix(containing: prefix.address, length: length), best(wider) != nil {
                return wider
            }
        }
        return nil
    }
}

private func via(_ hops: [IPAddress]) -> String {
    hops.isEmpty ? "" : " via " + hops.map(\.description).joined(separator: ", ")
}
