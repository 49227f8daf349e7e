// SPDX-License-Identifier: Apache-2.0
import VendorJSON

/// The neighbours of `show bgp all summary vrf all` in its unicast families: TABLE_vrf → TABLE_af →
/// TABLE_saf → TABLE_neighbor. A family without neighbours is not in use.
///
/// The same VRF may stand twice, once without families.
func nxosPeers(_ vrfs: [JSONValue], _ answer: inout SwitchAnswer) -> [String: SummaryPeer] {
    var families: [[String: SummaryPeer]] = []
    for vrf in vrfs {
        for af in vrf.rows("af", "BGP summary", &answer) ?? [] {
            for saf in af.rows("saf", "BGP summary", &answer) ?? [] where isUnicast(saf) {
                families.append(nxosPeers(of: saf, &answer))
            }
        }
    }
    return mergedPeers(families)
}

/// SAFI 1; a neighbour of another family may send routes that are in no unicast table.
private func isUnicast(_ saf: JSONValue) -> Bool {
    saf["safi"]?.integer.map { $0 == 1 } ?? (saf["af-name"]?.text?.contains("Unicast") ?? true)
}

private func nxosPeers(
    of family: JSONValue,
    _ answer: inout SwitchAnswer
) -> [String: SummaryPeer] {
    var peers: [String: SummaryPeer] = [:]
    let rows = family.rows("neighbor", "BGP summary", &answer) ?? []
    for (index, row) in rows.enumerated() {
        guard let name = row["neighborid"]?.text, let state = row["state"]?.text else {
            answer.doubt("BGP summary: ROW_neighbor[\(index)]: no neighborid or no state")
            continue
        }
        let received = row["prefixreceived"]?.integer
        if row["prefixreceived"] != nil, received == nil {
            answer.doubt("BGP summary: \(name.prefix(64)): prefixreceived is not a number")
        }
        peers[name] = SummaryPeer(
            state: state,
            prefixesReceived: received
        )
    }
    return peers
}
