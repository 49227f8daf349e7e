// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import VendorJSON

/// A neighbour as a summary tells it, by his address or, unnumbered, by his interface.
struct FRRPeer: Hashable {
    var state: String
    var prefixesReceived: Int?
    /// How often the session was lost: it betrays one that went and came between two summaries.
    var dropped: Int?

    var isEstablished: Bool { state == "Established" }

    /// `Active` and `Connect` alternate on a session that is down: that is no change.
    func isSame(_ other: FRRPeer) -> Bool {
        isEstablished == other.isEstablished && dropped == other.dropped
    }

    /// The same session as another family's summary tells it.
    func merging(_ other: FRRPeer) -> FRRPeer {
        var merged = isEstablished ? self : other
        merged.prefixesReceived = [prefixesReceived, other.prefixesReceived].compactMap(\.self)
            .reduce(nil) { ($0 ?? 0).addingReportingOverflow($1).partialValue }
        return merged
    }
}

/// The neighbours of a summary, or nil if the object is none: `peers` alone for one family, below
/// the family's name for several, and those below the VRF's name with `vrf all`.
///
/// `{}` counts as a table: without a BGP instance FRR prints it for both.
func frrPeers(
    _ object: [String: JSONValue],
    depth: Int = 0,
    _ answer: inout SwitchAnswer
) -> [String: FRRPeer]? {
    if let peers = object["peers"]?.object { return readPeers(peers, &answer) }
    guard depth < 2 else { return nil }
    var families: [[String: FRRPeer]] = []
    for (_, value) in object.sorted(by: { $0.key < $1.key }) {
        guard let inner = value.object else { continue }
        if let peers = frrPeers(inner, depth: depth + 1, &answer) { families.append(peers) }
    }
    return families.isEmpty ? nil : mergedPeers(families)
}

func mergedPeers(_ summaries: some Sequence<[String: FRRPeer]>) -> [String: FRRPeer] {
    summaries.reduce(into: [:]) { $0.merge($1) { $0.merging($1) } }
}

/// Unnumbered sessions have no address to be known by, here or in a node's BIRD.
func neighbors(_ peers: [String: FRRPeer]) -> [IPAddress: SwitchNeighbor] {
    var neighbors: [IPAddress: SwitchNeighbor] = [:]
    for (name, peer) in peers {
        guard let address = IPAddress(name)?.unmapped else { continue }
        neighbors[address] = SwitchNeighbor(
            isEstablished: peer.isEstablished,
            state: peer.state,
            prefixesReceived: peer.prefixesReceived
        )
    }
    return neighbors
}

private func readPeers(
    _ peers: [String: JSONValue],
    _ answer: inout SwitchAnswer
) -> [String: FRRPeer] {
    var read: [String: FRRPeer] = [:]
    for (name, peer) in peers.sorted(by: { $0.key < $1.key }) {
        // Without its state a session is neither up nor down.
        guard let state = peer["state"]?.text else {
            answer.doubt("peers.\(name.prefix(80)).state: missing")
            continue
        }
        let received = peer["pfxRcd"]?.integer
        if peer["pfxRcd"] != nil, received == nil {
            answer.doubt("peers.\(name.prefix(80)).pfxRcd: not a number")
        }
        read[name] = FRRPeer(
            state: String(state.prefix(64)),
            prefixesReceived: received.map { min(max($0, 0), Int(UInt32.max)) },
            dropped: peer["connectionsDropped"]?.integer
        )
    }
    return read
}
