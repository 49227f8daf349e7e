// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing
package import VendorJSON

/// What came of one read of a switch.
package struct SwitchAnswer: Sendable {
    package var table = SwitchTable()
    package var problems: [String] = []
    /// Whether absence in it proves anything: a whole table, checked against itself.
    package var isComplete = true

    package init() {}

    mutating func doubt(_ problem: String) {
        problems.append(problem)
        isComplete = false
    }
}

/// FRR's `vtysh` output: JSON documents one after the other, each known by its shape.
///
/// - `show bgp summary json`, best before and after the table: who is up, how much he sent.
/// - `show ip route [bgp] json`: `{prefix: [entry]}`; only an entry that is selected and installed
///   is what the switch forwards by (a next hop's `fib` is set on hidden entries too).
///
/// FRR 8.4 prints `{}` and exits 0 when bgpd is dead, so an empty table counts only beside a
/// summary that agrees.
package func decodeFRR(_ bytes: [UInt8]) throws(JSONError) -> SwitchAnswer {
    var answer = SwitchAnswer()
    var summaries: [[IPAddress: SwitchNeighbor]] = []
    var tables = 0
    for document in try JSONValue.documents(bytes) {
        guard let object = document.object else {
            answer.doubt("a list where an object is expected")
            continue
        }
        if let neighbors = summary(object) {
            summaries.append(neighbors)
        } else if object["routes"] != nil, object["vrfName"] != nil {
            // `show bgp … json`: candidates, not the RIB.
            continue
        } else {
            tables += 1
            takeRoutes(object, vrf: nil, &answer)
        }
    }
    check(summaries, tables: tables, &answer)
    return answer
}

// MARK: - Summary

/// Nil if the object is not a summary. `{}` counts as a table: a dead bgpd prints it for both.
private func summary(_ object: [String: JSONValue]) -> [IPAddress: SwitchNeighbor]? {
    if let peers = object["peers"]?.object { return neighbors(peers) }
    let families = object.values.compactMap { $0["peers"]?.object }
    guard !families.isEmpty else { return nil }
    return families.map(neighbors).reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}

private func neighbors(_ peers: [String: JSONValue]) -> [IPAddress: SwitchNeighbor] {
    var neighbors: [IPAddress: SwitchNeighbor] = [:]
    for (name, peer) in peers {
        guard let address = IPAddress(name)?.unmapped else { continue }
        let state = peer["state"]?.text ?? "unknown"
        neighbors[address] = SwitchNeighbor(
            isEstablished: state == "Established",
            state: state,
            prefixesReceived: peer["pfxRcd"]?.integer
        )
    }
    return neighbors
}

// MARK: - Routes

private func takeRoutes(
    _ object: [String: JSONValue],
    vrf: String?,
    _ answer: inout SwitchAnswer
) {
    for (key, value) in object {
        if let entries = value.array, let prefix = Prefix(lenient: key) {
            for entry in entries { takeEntry(entry, prefix, vrf: vrf, &answer) }
        } else if let inner = value.object, vrf == nil {
            // `vrf all` puts each table below its VRF's name.
            takeRoutes(inner, vrf: key, &answer)
        } else {
            answer.doubt("\(key): not a prefix with its routes")
        }
    }
}

private func takeEntry(
    _ entry: JSONValue,
    _ prefix: Prefix,
    vrf: String?,
    _ answer: inout SwitchAnswer
) {
    guard let name = entry["protocol"]?.text else {
        answer.doubt("\(prefix): a route without a protocol")
        return
    }
    // A recursive next hop is followed by those that resolve it: BGP's own is the one that counts.
    let hops = (entry["nexthops"]?.array ?? []).filter { hop in
        (hop["active"]?.flag ?? false) && !(hop["resolver"]?.flag ?? false)
    }
    let addresses = hops.compactMap { $0["ip"]?.text }.compactMap { IPAddress($0)?.unmapped }
    let route = SwitchRoute(
        prefix: prefix,
        vrf: vrf ?? entry["vrfName"]?.text ?? "default",
        nextHops: Set(addresses).sorted(),
        protocolName: name,
        isBest: (entry["selected"]?.flag ?? false) && (entry["installed"]?.flag ?? false)
    )
    answer.table.routes[prefix, default: []].append(route)
}

// MARK: - Self-check

private func check(
    _ summaries: [[IPAddress: SwitchNeighbor]],
    tables: Int,
    _ answer: inout SwitchAnswer
) {
    let routes = answer.table.routes.values.joined()
    guard tables > 0 else { return answer.doubt("no routing table in the answer") }
    guard let last = summaries.last else {
        if answer.table.routes.isEmpty { answer.doubt("an empty table without a BGP summary") }
        return
    }
    answer.table.hasSummary = true
    answer.table.neighbors = last
    if last.isEmpty { answer.doubt("the BGP summary names no neighbour: bgpd may be dead") }
    if let first = summaries.first,
        first.mapValues(\.isEstablished) != last.mapValues(\.isEstablished)
    {
        answer.doubt("a BGP session changed while the table was read")
    }
    let received = last.values.filter(\.isEstablished).compactMap(\.prefixesReceived).reduce(0, +)
    if received > 0, !routes.contains(where: { $0.protocolName.hasPrefix("bgp") }) {
        answer.doubt("neighbours sent \(received) prefixes, the table has no BGP route")
    }
}
