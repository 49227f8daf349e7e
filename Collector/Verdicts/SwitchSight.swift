// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What may be believed of one switch now, all its ways taken together: the fresh way that tells most
/// decides, the others confirm, contradict or explain.
struct SwitchSight {
    let facts: SwitchFacts
    let way: SwitchWay
    let view: SwitchView
    let table: SwitchTable
    let readAt: Timestamp
    let now: Timestamp
    let others: [(way: SwitchWay, view: SwitchView)]
    /// Whether the switch forwards any pod CIDR by several next hops.
    let usesSeveralPaths: Bool

    var name: String { facts.name }
    var vrf: String { facts.vrf }
    var source: String { "switch \(facts.name)" }

    /// Nil if no way is fresh.
    init?(_ facts: SwitchFacts, at now: Timestamp) {
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
        usesSeveralPaths = view.histories.values.contains { $0.widest > 1 }
    }

    func best(_ prefix: Prefix) -> SwitchRoute? { table.best(prefix, vrf: vrf) }

    /// True if `predicate` holds in both of the last two reads.
    func confirmed(_ predicate: (SwitchTable) -> Bool) -> Bool {
        view.readings.confirmed(predicate)
    }

    /// What its BGP summary says of one of these addresses, an established session before any other.
    func neighbor(of addresses: Set<IPAddress>) -> SwitchNeighbor? {
        let known = addresses.compactMap { table.neighbors[$0] }
        return known.first(where: \.isEstablished) ?? known.first
    }
}

// MARK: - Presence

extension SwitchSight {
    /// How long a route must be gone by a push: BIRD's restart without recovery takes it away for 1.2 s.
    static let grace: Int64 = 5_000

    enum Presence {
        case here(SwitchRoute)
        /// Something says that it went, not enough to be believed.
        case doubted(reason: String)
        /// `provenSince`: when the first of the reads that prove it began.
        case absent(provenSince: Timestamp)
    }

    /// 1. In the table, and no other way has seen it go since that was read → here.
    /// 2. Absent twice in a row, or once and for some time on another way too → absent.
    /// 3. Else → doubted.
    func presence(of prefix: Prefix) -> Presence {
        if let route = best(prefix) {
            guard let (way, _) = withdrawn(prefix) else { return .here(route) }
            return .doubted(reason: "withdrawn over \(way.words), not read again since")
        }
        if confirmed({ $0.best(prefix, vrf: vrf) == nil }), let previous = view.readings.previous {
            return .absent(provenSince: previous.at - (view.readings.lastDuration ?? 0))
        }
        let gone = others.compactMap { $0.view.histories[prefix]?.goneSince }.min()
        guard let gone, now - gone >= Self.grace else {
            return .doubted(reason: "absent in the last read, the next must agree")
        }
        return .absent(provenSince: min(gone, view.latestBegan ?? gone))
    }

    /// Another way that saw it go after what is believed was read: that will be read again at once.
    private func withdrawn(_ prefix: Prefix) -> (way: SwitchWay, since: Timestamp)? {
        guard let began = view.latestBegan else { return nil }
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

    /// BGP's route that the switch has and does not forward by.
    private func unused(_ prefix: Prefix) -> String? {
        table.hidden(prefix, vrf: vrf).first.map { route in
            "it does not use \(route.protocolName)'s route\(via(route.nextHops))"
        }
    }

    /// What BMP says of it: how far it came.
    private func heard(_ prefix: Prefix) -> String? {
        guard let feed = others.first(where: { $0.way == .bmp }),
            let heard = feed.view.readings.latest?.value
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
        (1..<prefix.length).reversed().lazy.compactMap { length -> Prefix? in
            guard let wider = Prefix(containing: prefix.address, length: length),
                best(wider) != nil
            else { return nil }
            return wider
        }.first
    }
}

private func via(_ hops: [IPAddress]) -> String {
    hops.isEmpty ? "" : " via " + hops.map(\.description).joined(separator: ", ")
}
