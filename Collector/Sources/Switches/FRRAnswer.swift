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
    var routeCount = 0

    /// A sick switch repeats itself; the first problems say what is wrong.
    private static let problemLimit = 100

    package init() {}

    mutating func doubt(_ problem: String) {
        isComplete = false
        guard problems.count <= Self.problemLimit else { return }
        problems.append(problems.count == Self.problemLimit ? "more problems follow" : problem)
    }
}

/// FRR's `vtysh` output: JSON documents one after the other, each known by its shape.
///
/// - `show bgp summary json`, best before and after the table: who is up, how much he sent.
/// - `show ip route [bgp] json`: `{prefix: [entry]}`; only an entry that is selected and installed
///   is what the switch forwards by (a next hop's `fib` is set on hidden entries too).
///
/// FRR 8.4 prints `{}` and exits 0 for the summary when there is no BGP instance and for a table
/// without routes, so an empty table counts only beside a summary that agrees.
package func decodeFRR(_ bytes: [UInt8]) throws(JSONError) -> SwitchAnswer {
    let documents = try JSONValue.documents(bytes)
    if let twice = repeatedKey(bytes) {
        throw .notJSON(at: twice.at, beginning: "the key \(twice.key) a second time")
    }
    var answer = SwitchAnswer()
    var summaries: [[String: FRRPeer]] = []
    var tables: [Bool] = []
    for document in documents {
        guard let object = document.object else {
            answer.doubt("a list where an object is expected")
            continue
        }
        if let peers = frrPeers(object, &answer) {
            summaries.append(peers)
        } else if object["routes"]?.object == nil || object["vrfName"]?.text == nil {
            // With both it is `show bgp … json`: candidates, not the RIB.
            tables.append(object.isEmpty)
            takeRoutes(object, vrf: nil, &answer)
        }
    }
    check(summaries, emptyTables: tables, &answer)
    return answer
}

// MARK: - Routes

/// Full tables of large switches stay below; past it memory is the collector's first duty.
private let routeLimit = 200_000

/// In the order of the keys, so that the same bytes always give the same answer.
private func takeRoutes(
    _ object: [String: JSONValue],
    vrf: String?,
    _ answer: inout SwitchAnswer
) {
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
        isBest: (entry["selected"]?.flag ?? false) && (entry["installed"]?.flag ?? false)
    )
    guard answer.routeCount < routeLimit else {
        return answer.doubt("\(place): more than \(routeLimit) routes")
    }
    answer.routeCount += 1
    answer.table.routes[prefix, default: []].append(route)
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

// MARK: - Self-check

/// Absence needs proof: a table, and neighbours who agree with it.
private func check(
    _ summaries: [[String: FRRPeer]],
    emptyTables: [Bool],
    _ answer: inout SwitchAnswer
) {
    guard !emptyTables.isEmpty else { return answer.doubt("no routing table in the answer") }
    let hasBGP = answer.table.routes.values.joined().contains { $0.protocolName.hasPrefix("bgp") }
    guard !summaries.isEmpty else {
        if answer.table.routes.isEmpty { return answer.doubt("an empty table without a summary") }
        if !hasBGP, emptyTables.contains(true) {
            answer.doubt("no BGP route, and an empty answer: there may be no BGP instance")
        }
        return
    }
    // Summaries of several families may stand before and after the table.
    let half = summaries.count / 2
    let last = mergedPeers(summaries.suffix(max(half, 1)))
    let first = half > 0 ? mergedPeers(summaries.prefix(half)) : last
    if first.count != last.count || first.contains(where: { last[$0]?.isSame($1) != true }) {
        answer.doubt("a BGP session changed while the table was read")
    }
    answer.table.hasSummary = true
    answer.table.neighbors = neighbors(last)
    if last.isEmpty { answer.doubt("the BGP summary names no neighbour: bgpd may be dead") }
    let senders = last.values.count { $0.isEstablished && ($0.prefixesReceived ?? 0) > 0 }
    if senders > 0, !hasBGP {
        answer.doubt("\(senders) neighbours sent prefixes, the table has no BGP route")
    }
}
