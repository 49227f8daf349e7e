// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing

/// What a router's tables say of a prefix, taken together.
extension BMPRouter {
    /// By VRF what the router chose, where it tells (Loc-RIB), and what else its peers announce.
    package func routes(_ prefix: Prefix) -> [SwitchRoute] {
        var found: [String: Found] = [:]
        for (key, peer) in peers where peer.isUp || peer.isProvisional {
            let vrf = Self.vrf(key, peer)
            for (kind, table) in peer.tables {
                let hops = table.nextHops(prefix)
                if kind == .loc { found[vrf, default: Found()].hasLoc = true }
                guard !hops.isEmpty else { continue }
                found[vrf, default: Found()].add(hops, kind)
            }
            if peer.tables[.postIn] != nil { found[vrf, default: Found()].hasPost = true }
        }
        return found.sorted { $0.key < $1.key }.flatMap { vrf, found in
            found.routes(prefix, vrf, isPostTrue: !sender.maySendFalseWithdrawals)
        }
    }

    /// Every prefix of any table, in order.
    package var prefixes: [Prefix] {
        var all: Set<Prefix> = []
        for peer in peers.values {
            for table in peer.tables.values { all.formUnion(table.prefixes) }
        }
        return all.sorted()
    }

    /// The router's peers, by address.
    package var neighbors: [IPAddress: SwitchNeighbor] {
        var neighbors: [IPAddress: SwitchNeighbor] = [:]
        for (key, peer) in peers where key.kind != .locRIB && !peer.isProvisional {
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
        for (key, peer) in peers.sorted(by: { $0.key.address < $1.key.address })
        where peer.isUp && hidesAnnouncements(peer) {
            problems.append(
                "peer \(key.address): its announcements come as withdrawals; the router must keep what "
                    + "it receives (soft-reconfiguration inbound)"
            )
        }
        return problems
    }

    /// FRR withdraws what it does not keep, table by table.
    private func hidesAnnouncements(_ peer: BMPPeer) -> Bool {
        guard sender.needsAdjRIBIn else { return false }
        return peer.tables.values.contains(where: \.hasWithdrawn)
            && !peer.tables.values.contains(where: \.hasAnnounced)
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
        var hasLoc = false
        var hasPost = false
        private var loc: Set<IPAddress> = []
        private var accepted: Set<IPAddress> = []
        private var announced: Set<IPAddress> = []

        mutating func add(_ hops: [IPAddress], _ kind: BMPTableKind) {
            switch kind {
            case .loc: loc.formUnion(hops)
            case .postIn: accepted.formUnion(hops)
            case .preIn: announced.formUnion(hops)
            // What the router tells others is not what it has.
            case .preOut, .postOut: break
            }
        }

        /// Where what came through the policy may be wrong, what was announced counts as accepted, and
        /// that the router chose nothing counts for nothing.
        func routes(_ prefix: Prefix, _ vrf: String, isPostTrue: Bool) -> [SwitchRoute] {
            let taken = isPostTrue && hasPost ? accepted : accepted.union(announced)
            let refused = announced.subtracting(taken)
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
            let others = taken.subtracting(loc)
            let isChosen = !hasLoc || (loc.isEmpty && !isPostTrue)
            return [
                route(loc, .best, isBest: true), route(others, .accepted, isBest: isChosen),
                route(refused.subtracting(loc), .announced, isBest: false),
            ].compactMap(\.self)
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
    guard !router.isInMessage else {
        answer.doubt("the stream ends in the middle of a message")
        return answer
    }
    for problem in router.problems { answer.doubt(problem) }
    for prefix in router.prefixes {
        for route in router.routes(prefix) { answer.add(route, at: "\(prefix)") }
    }
    answer.table.neighbors = router.neighbors
    return answer
}
