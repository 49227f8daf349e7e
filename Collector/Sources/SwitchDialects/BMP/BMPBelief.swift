// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// What a router's tables say, taken together.
extension BMPRouter {
    /// Of each prefix that is wanted, by VRF: what the router chose, where it tells (Loc-RIB), and what
    /// else its peers announce. One pass through all tables.
    package func routes(where isWanted: (Prefix) -> Bool) -> [Prefix: [SwitchRoute]] {
        var found: [Prefix: [String: Found]] = [:]
        var vrfsWithLoc: Set<String> = []
        for (key, peer) in peers where peer.isUp || peer.isProvisional {
            let vrf = Self.vrf(key, peer)
            let isPostTrue = !sender.maySendFalseWithdrawals(of: peer)
            let post = peer.tables[.postIn]
            for (kind, table) in peer.tables {
                if kind == .loc { vrfsWithLoc.insert(vrf) }
                table.forEachPrefix { prefix, hops in
                    guard isWanted(prefix) else { return }
                    var level = kind.level
                    if kind == .preIn, let post {
                        // What came through the policy counts, with the next hop that this gave it; what
                        // did not was refused, unless the router may be wrong about it.
                        guard post.nextHops(prefix).isEmpty else { return }
                        if isPostTrue { level = .announced }
                    }
                    found[prefix, default: [:]][vrf, default: Found()]
                        .add(hops, level, isPostTrue: isPostTrue)
                }
            }
        }
        return found.reduce(into: [:]) { routes, entry in
            routes[entry.key] = entry.value.sorted { $0.key < $1.key }.flatMap { vrf, found in
                found.routes(entry.key, vrf, hasLoc: vrfsWithLoc.contains(vrf))
            }
        }
    }

    package func routes(_ prefix: Prefix) -> [SwitchRoute] {
        routes { $0 == prefix }[prefix] ?? []
    }

    /// Of each prefix that is wanted the peers of a VRF that announce it.
    package func announcers(
        in vrf: String,
        where isWanted: (Prefix) -> Bool
    ) -> [Prefix: [IPAddress]] {
        var found: [Prefix: Set<IPAddress>] = [:]
        for (key, peer) in peers
        where (peer.isUp || peer.isProvisional) && Self.vrf(key, peer) == vrf {
            for kind in [BMPTableKind.preIn, .postIn] {
                peer.tables[kind]?.forEachPrefix { prefix, _ in
                    if isWanted(prefix) { found[prefix, default: []].insert(key.address) }
                }
            }
        }
        return found.mapValues { $0.sorted() }
    }

    /// What the tables tell of: a family that no peer sent anything of may not be monitored, and a VRF
    /// whose name is not told is none that anybody asks for.
    package var covered: Set<TableScope> {
        var covered: Set<TableScope> = []
        for (key, peer) in peers {
            let families = peer.tables.values.reduce(into: Set<AddressFamily>()) {
                $0.formUnion($1.toldFamilies)
            }
            let vrf = Self.vrf(key, peer)
            for family in families.union(peer.everTold) {
                covered.insert(TableScope(vrf: vrf, family: family))
            }
        }
        return covered
    }

    /// A VRF's peers, by address; nil: of whatever VRF.
    package func neighbors(in vrf: String?) -> [IPAddress: SwitchNeighbor] {
        var neighbors: [IPAddress: SwitchNeighbor] = [:]
        for (key, peer) in peers.sorted(by: { $0.key.distinguisher < $1.key.distinguisher })
        where key.kind != .locRIB && !peer.isProvisional
            && (vrf == nil || Self.vrf(key, peer) == vrf)
        {
            neighbors[key.address] = SwitchNeighbor(
                isEstablished: peer.isUp,
                state: peer.isUp ? "Established" : "down",
                prefixesReceived: nil
            )
        }
        return neighbors
    }

    /// Why what is not in the tables may still be on the router.
    package var problems: [String] {
        var problems = doubts.map(\.words).sorted()
        for (key, peer) in peers.sorted(by: { $0.key.address < $1.key.address }) where peer.isUp {
            if let problem = problem(peer) { problems.append("peer \(key.address): \(problem)") }
        }
        return problems
    }

    private func problem(_ peer: BMPPeer) -> String? {
        let (pre, post) = (peer.tables[.preIn], peer.tables[.postIn])
        // FRR withdraws what it does not keep.
        if sender.needsAdjRIBIn, let pre, pre.hasWithdrawn, !pre.hasAnnounced {
            return "its announcements come as withdrawals; the router must keep what it receives "
                + "(soft-reconfiguration inbound)"
        }
        if sender.maySendFalseWithdrawals(of: peer), pre == nil, let post, post.hasWithdrawn {
            return "its withdrawals may be none; the router must send routes before the policy too"
        }
        return nil
    }

    private static func vrf(_ key: BMPPeerKey, _ peer: BMPPeer) -> String {
        switch key.kind {
        case .global, .local: "default"
        case .locRIB where key.distinguisher == 0: "default"
        case .locRIB, .routeDistinguisher:
            peer.tableName
                ?? "RD \(key.distinguisher >> 32 & 0xffff):\(key.distinguisher & 0xffff_ffff)"
        }
    }

    /// One prefix in one VRF.
    private struct Found {
        private var loc: Set<IPAddress> = []
        private var accepted: Set<IPAddress> = []
        private var refused: Set<IPAddress> = []
        private var mayLocBeWrong = false

        mutating func add(_ hops: [IPAddress], _ level: RouteEvidence, isPostTrue: Bool) {
            mayLocBeWrong = mayLocBeWrong || !isPostTrue
            switch level {
            case .announced: refused.formUnion(hops)
            case .accepted: accepted.formUnion(hops)
            case .best, .inRIB, .inHardware: loc.formUnion(hops)
            }
        }

        func routes(_ prefix: Prefix, _ vrf: String, hasLoc: Bool) -> [SwitchRoute] {
            func route(_ hops: Set<IPAddress>, _ level: RouteEvidence, isBest: Bool) -> SwitchRoute?
            {
                guard !hops.isEmpty else { return nil }
                return SwitchRoute(
                    prefix: prefix,
                    vrf: vrf,
                    nextHops: hops.sorted(),
                    protocolName: "bgp",
                    isBest: isBest,
                    evidence: level
                )
            }
            // That the router chose nothing counts for nothing where it may say so wrongly.
            let isChosen = !hasLoc || (loc.isEmpty && mayLocBeWrong)
            return [
                route(loc, .best, isBest: true),
                route(accepted.subtracting(loc), .accepted, isBest: isChosen),
                route(refused.subtracting(loc).subtracting(accepted), .announced, isBest: false),
            ].compactMap(\.self)
        }
    }
}

extension BMPTableKind {
    /// What a route in it proves, unless another table tells otherwise.
    fileprivate var level: RouteEvidence {
        switch self {
        case .loc: .best
        case .preIn, .postIn, .preOut, .postOut: .accepted
        }
    }
}

/// A recorded stream: what would be believed at its end.
package func decodeBMP(_ bytes: [UInt8]) -> SwitchAnswer {
    var answer = SwitchAnswer()
    var router = BMPRouter()
    do throws(BGPError) {
        try router.received(bytes, now: .zero)
    } catch {
        answer.doubt("\(error)")
        return answer
    }
    guard router.initiatedAt != nil else {
        answer.doubt("no Initiation message: this is not a router's whole stream")
        return answer
    }
    guard !router.isInMessage else {
        answer.doubt("the stream ends in the middle of a message")
        return answer
    }
    for problem in router.problems { answer.doubt(problem) }
    for (prefix, routes) in router.routes(where: { _ in true }).sorted(by: { $0.key < $1.key }) {
        for route in routes { answer.add(route, at: "\(prefix)") }
    }
    answer.table.neighbors = router.neighbors(in: nil)
    return answer
}
