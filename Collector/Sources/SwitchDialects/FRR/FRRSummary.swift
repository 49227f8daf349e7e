// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import VendorJSON

/// The neighbours of a summary, or nil if the object is none: `peers` alone for one family, below
/// the family's name for several, and those below the VRF's name with `vrf all`.
///
/// `{}` counts as a table: without a BGP instance FRR prints it for both.
func frrPeers(
    _ object: [String: JSONValue],
    depth: Int = 0,
    _ answer: inout SwitchAnswer
) -> [String: SummaryPeer]? {
    if let peers = object["peers"]?.object {
        if object["dynamicPeers"]?.integer ?? 0 > 0 { answer.hasDynamicNeighbors = true }
        return readPeers(peers, &answer)
    }
    guard depth < 2 else { return nil }
    var families: [[String: SummaryPeer]] = []
    for (_, value) in object.sorted(by: { $0.key < $1.key }) {
        guard let inner = value.object else { continue }
        if let peers = frrPeers(inner, depth: depth + 1, &answer) { families.append(peers) }
    }
    return families.isEmpty ? nil : mergedPeers(families)
}

private func readPeers(
    _ peers: [String: JSONValue],
    _ answer: inout SwitchAnswer
) -> [String: SummaryPeer] {
    var read: [String: SummaryPeer] = [:]
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
        read[name] = SummaryPeer(
            state: state,
            prefixesReceived: received,
            dropped: peer["connectionsDropped"]?.integer
        )
    }
    return read
}
