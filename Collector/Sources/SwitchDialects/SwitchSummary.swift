// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A neighbour as a summary tells it, by his address or, unnumbered, by his interface.
struct SummaryPeer: Hashable {
    var state: String
    var prefixesReceived: Int?
    /// How often the session was lost: it betrays one that went and came between two summaries.
    var dropped: Int?

    /// What is longer or greater than any switch means it is cut down.
    init(state: some StringProtocol, prefixesReceived: Int?, dropped: Int? = nil) {
        self.state = String(state.prefix(64))
        self.prefixesReceived = prefixesReceived.map { min(max($0, 0), Int(UInt32.max)) }
        self.dropped = dropped
    }

    var isEstablished: Bool { state == "Established" }

    /// `Active` and `Connect` alternate on a session that is down: that is no change.
    func isSame(_ other: SummaryPeer) -> Bool {
        isEstablished == other.isEstablished && dropped == other.dropped
    }

    /// The same session as another family's summary tells it.
    func merging(_ other: SummaryPeer) -> SummaryPeer {
        var merged = isEstablished ? self : other
        merged.prefixesReceived = [prefixesReceived, other.prefixesReceived].compactMap(\.self)
            .reduce(nil) { ($0 ?? 0).addingReportingOverflow($1).partialValue }
        return merged
    }
}

func mergedPeers(_ summaries: some Sequence<[String: SummaryPeer]>) -> [String: SummaryPeer] {
    summaries.reduce(into: [:]) { $0.merge($1) { $0.merging($1) } }
}

/// Unnumbered sessions have no address to be known by, here or in a node's BIRD.
func neighbors(_ peers: [String: SummaryPeer]) -> [IPAddress: SwitchNeighbor] {
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
