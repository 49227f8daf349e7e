// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
package import VendorJSON

/// Arista's `show ip route [bgp] vrf all | json` and `show ip bgp summary vrf all | json`, as documents
/// one after the other, or as the `result` list of the eAPI (JSON-RPC `runCmds`).
///
/// A route's key is its prefix; `hardwareProgrammed` tells whether the chips have it.
package func decodeEOS(_ bytes: [UInt8]) throws(JSONError) -> SwitchAnswer {
    let documents = try unambiguousDocuments(bytes)
    var answer = SwitchAnswer()
    for document in documents {
        if let error = document["error"] {
            let words = error["message"]?.text ?? ""
            answer.doubt("error \(error["code"]?.text ?? ""): \(words.prefix(120))")
        } else if let results = document["result"]?.array {
            for result in results { takeResult(result, &answer) }
        } else {
            takeResult(document, &answer)
        }
    }
    answer.conclude()
    return answer
}

private func takeResult(_ result: JSONValue, _ answer: inout SwitchAnswer) {
    if let errors = result["errors"]?.array {
        let words = errors.compactMap(\.text).joined(separator: ", ")
        return answer.doubt("the switch says: \(words.prefix(120))")
    }
    guard let vrfs = result["vrfs"]?.object else {
        return answer.doubt("no vrfs: neither a routing table nor a BGP summary")
    }
    let sorted = vrfs.sorted { $0.key < $1.key }
    if sorted.contains(where: { $0.value["peers"] != nil }) {
        answer.addSummary(mergedPeers(sorted.map { eosPeers($0.value, &answer) }))
        return
    }
    for (name, vrf) in sorted {
        guard let routes = vrf["routes"]?.object else {
            answer.doubt("VRF \(name.prefix(64)): no routes")
            continue
        }
        let family = routes.keys.lazy.compactMap { Prefix(lenient: $0)?.family }.first
        answer.addTable(vrf: name, family, isEmpty: routes.isEmpty)
        for (key, route) in routes.sorted(by: { $0.key < $1.key }) {
            takeRoute(route, key, vrf: name, &answer)
        }
    }
    if sorted.isEmpty { answer.doubt("vrfs: no VRF") }
}

private func takeRoute(
    _ route: JSONValue,
    _ key: String,
    vrf: String,
    _ answer: inout SwitchAnswer
) {
    let place = "VRF \(vrf.prefix(64)) \(key.prefix(80))"
    guard let prefix = Prefix(lenient: key) else { return answer.doubt("\(place): not a prefix") }
    guard let kind = route["routeType"]?.text else {
        return answer.doubt("\(place): no routeType")
    }
    for name in ["hardwareProgrammed", "kernelProgrammed"]
    where route[name] != nil && route[name]?.flag == nil {
        return answer.doubt("\(place): \(name): not a boolean")
    }
    guard let vias = route["vias"] == nil ? [] : route["vias"]?.array else {
        return answer.doubt("\(place): vias: not a list")
    }
    var hops: Set<IPAddress> = []
    for via in vias {
        // Over VXLAN the next hop is the tunnel's other end.
        guard let written = via["nexthopAddr"] ?? via["vtepAddr"] else { continue }
        guard let address = written.text.flatMap({ IPAddress($0) })?.unmapped else {
            return answer.doubt("\(place): nexthopAddr: not an address")
        }
        hops.insert(address)
    }
    answer.add(
        SwitchRoute(
            prefix: prefix,
            vrf: vrf,
            nextHops: hops.sorted(),
            protocolName: String(kind.prefix(64)),
            // One entry a prefix: it is the best there is, and in use once the chips have it.
            isBest: route["hardwareProgrammed"]?.flag ?? true,
            evidence: route["hardwareProgrammed"]?.flag ?? false ? .inHardware : .inRIB
        ),
        at: place
    )
}

private func eosPeers(_ vrf: JSONValue, _ answer: inout SwitchAnswer) -> [String: SummaryPeer] {
    var peers: [String: SummaryPeer] = [:]
    for (name, peer) in (vrf["peers"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        guard let state = peer["peerState"]?.text else {
            answer.doubt("BGP summary: \(name.prefix(64)): no peerState")
            continue
        }
        let received = peer["prefixReceived"]?.integer
        if peer["prefixReceived"] != nil, received == nil {
            answer.doubt("BGP summary: \(name.prefix(64)): prefixReceived is not a number")
        }
        peers[name] = SummaryPeer(
            state: state,
            prefixesReceived: received
        )
    }
    return peers
}
