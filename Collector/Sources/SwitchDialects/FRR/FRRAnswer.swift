// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
package import VendorJSON

/// FRR's `vtysh` output: JSON documents one after the other, each known by its shape.
///
/// - `show bgp summary json`, best before and after the table: who is up, how much he sent.
/// - `show ip route [bgp] json`: `{prefix: [entry]}`; only an entry that is selected and installed
///   is what the switch forwards by (a next hop's `fib` is set on hidden entries too).
///
/// FRR 8.4 prints `{}` and exits 0 for the summary when there is no BGP instance and for a table
/// without routes, so an empty table counts only beside a summary that agrees.
package func decodeFRR(_ bytes: [UInt8]) throws(JSONError) -> SwitchAnswer {
    let documents = try unambiguousDocuments(bytes)
    var answer = SwitchAnswer()
    answer.mayTakeSummaryForTable = true
    var hasRIB = false
    var candidates: [([String: JSONValue], String)] = []
    for document in documents {
        guard let object = document.object else {
            answer.doubt("a list where an object is expected")
            continue
        }
        if let peers = frrPeers(object, &answer) {
            answer.addSummary(peers)
        } else if let table = object["routes"]?.object, let vrf = object["vrfName"]?.text {
            candidates.append((table, vrf))
        } else {
            hasRIB = true
            takeRoutes(object, vrf: nil, &answer)
        }
    }
    for (table, vrf) in candidates { takeCandidates(table, vrf: vrf, beside: hasRIB, &answer) }
    answer.conclude()
    return answer
}

// MARK: - Routes

/// `show bgp … json`: what BGP has, by its own choice. Beside a RIB it only explains what that lacks.
private func takeCandidates(
    _ object: [String: JSONValue],
    vrf: String,
    beside hasRIB: Bool,
    _ answer: inout SwitchAnswer
) {
    if !hasRIB {
        answer.isChoiceAlone = true
        let family = object.keys.lazy.compactMap { Prefix(lenient: $0)?.family }.first
        answer.addTable(vrf: vrf, family, isEmpty: object.isEmpty)
    }
    for (key, value) in object.sorted(by: { $0.key < $1.key }) {
        guard let prefix = Prefix(lenient: key), let entries = value.array else {
            answer.doubt("routes.\(key.prefix(80)): not a prefix with its paths")
            continue
        }
        var hops: [RouteEvidence: Set<IPAddress>] = [:]
        for (index, entry) in entries.enumerated() {
            let place = "routes.\(key)[\(index)]"
            for key in ["valid", "bestpath", "multipath"]
            where entry[key] != nil && entry[key]?.flag == nil {
                answer.doubt("\(place).\(key): not a boolean")
            }
            let isChosen = entry["bestpath"]?.flag ?? false || entry["multipath"]?.flag ?? false
            let isValid = entry["valid"]?.flag ?? false
            let found = candidateHops(entry["nexthops"], at: "\(place).nexthops", &answer)
            hops[isChosen && isValid ? .best : .accepted, default: []].formUnion(found)
        }
        for (evidence, addresses) in hops.sorted(by: { $0.key > $1.key }) {
            let route = SwitchRoute(
                prefix: prefix,
                vrf: vrf,
                nextHops: addresses.sorted(),
                protocolName: "bgp",
                isBest: !hasRIB && evidence == .best,
                evidence: evidence
            )
            let isKnown = answer.table.routes[prefix]?.contains {
                $0.vrf == vrf && $0.nextHops == route.nextHops
            }
            if isKnown != true { answer.add(route, at: key) }
        }
    }
}

private func candidateHops(
    _ list: JSONValue?,
    at place: String,
    _ answer: inout SwitchAnswer
) -> [IPAddress] {
    (list?.array ?? []).enumerated().compactMap { index, hop in
        guard let written = hop["ip"] else { return nil }
        let address = written.text.flatMap { IPAddress($0) }?.unmapped
        if address == nil { answer.doubt("\(place)[\(index)].ip: not an address") }
        return address
    }
}

/// In the order of the keys, so that the same bytes always give the same answer.
private func takeRoutes(
    _ object: [String: JSONValue],
    vrf: String?,
    _ answer: inout SwitchAnswer
) {
    let isNested = vrf == nil && object.values.contains { $0.object != nil }
    if !isNested {
        let first = object.lazy.compactMap { key, value in
            Prefix(lenient: key).map { ($0.family, value.array?.first?["vrfName"]?.text) }
        }.first
        answer.addTable(
            vrf: vrf ?? first?.1 ?? "default",
            first?.0,
            isEmpty: object.isEmpty
        )
    }
    for (key, value) in object.sorted(by: { $0.key < $1.key }) {
        let prefix = Prefix(lenient: key)
        if let entries = value.array, let prefix {
            for (index, entry) in entries.enumerated() {
                takeEntry(entry, prefix, vrf: vrf, at: "\(key)[\(index)]", &answer)
            }
        } else if let inner = value.object, vrf == nil, prefix == nil {
            // `vrf all` puts each table below its VRF's name.
            takeRoutes(inner, vrf: key, &answer)
        } else {
            let words = value.text.map { " (\($0.prefix(120)))" } ?? ""
            answer.doubt("\(key.prefix(80)): not a prefix with its routes\(words)")
        }
    }
}

private func takeEntry(
    _ entry: JSONValue,
    _ prefix: Prefix,
    vrf: String?,
    at place: String,
    _ answer: inout SwitchAnswer
) {
    guard let name = entry["protocol"]?.text else {
        return answer.doubt("\(place): a route without a protocol")
    }
    // FRR leaves the key out for "no": anything that is there has to be a boolean.
    for key in ["selected", "installed"] where entry[key] != nil && entry[key]?.flag == nil {
        answer.doubt("\(place).\(key): not a boolean")
    }
    let route = SwitchRoute(
        prefix: prefix,
        vrf: vrf ?? entry["vrfName"]?.text ?? "default",
        nextHops: nextHops(entry["nexthops"], at: "\(place).nexthops", &answer),
        protocolName: name,
        isBest: (entry["selected"]?.flag ?? false) && (entry["installed"]?.flag ?? false),
        age: entry["uptime"]?.text.flatMap(routeAge)
    )
    answer.add(route, at: place)
}

/// Gateways of active next hops; what is directly connected has none. A recursive next hop is
/// followed by those that resolve it: BGP's own is the one that counts.
private func nextHops(
    _ list: JSONValue?,
    at place: String,
    _ answer: inout SwitchAnswer
) -> [IPAddress] {
    guard let list else { return [] }
    guard let hops = list.array else {
        answer.doubt("\(place): not a list")
        return []
    }
    var addresses: Set<IPAddress> = []
    for (index, hop) in hops.enumerated() {
        guard hop["active"]?.flag ?? false, !(hop["resolver"]?.flag ?? false),
            let written = hop["ip"]
        else { continue }
        if let address = written.text.flatMap({ IPAddress($0) })?.unmapped {
            addresses.insert(address)
        } else {
            answer.doubt("\(place)[\(index)].ip: not an address")
        }
    }
    return addresses.sorted()
}
