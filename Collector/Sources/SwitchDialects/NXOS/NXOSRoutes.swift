// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import VendorJSON

/// The routing tables of `show ip route vrf all` and `show ipv6 route vrf all`:
/// TABLE_vrf → TABLE_addrf → TABLE_prefix → TABLE_path.
func takeNXOSTables(_ vrfs: [JSONValue], _ answer: inout SwitchAnswer) {
    for (index, row) in vrfs.enumerated() {
        guard let vrf = row["vrf-name-out"]?.text else {
            answer.doubt("ROW_vrf[\(index)]: no name")
            continue
        }
        let families = row.rows("addrf", "VRF \(vrf.prefix(64))", &answer) ?? []
        for family in families {
            let prefixes = family.rows("prefix", "VRF \(vrf.prefix(64))", &answer) ?? []
            for prefix in prefixes { takePrefix(prefix, vrf: vrf, &answer) }
            let name = family["addrf"]?.text?.lowercased() ?? ""
            answer.addTable(
                vrf: vrf,
                name == "ipv4" ? .ipv4 : name == "ipv6" ? .ipv6 : familyOf(prefixes),
                isEmpty: prefixes.isEmpty
            )
        }
    }
}

private func familyOf(_ prefixes: [JSONValue]) -> AddressFamily? {
    prefixes.lazy.compactMap { $0["ipprefix"]?.text.flatMap { Prefix(lenient: $0) }?.family }.first
}

private func takePrefix(_ row: JSONValue, vrf: String, _ answer: inout SwitchAnswer) {
    guard let written = row["ipprefix"]?.text, let prefix = Prefix(lenient: written) else {
        let text = row["ipprefix"]?.text ?? "none"
        return answer.doubt("VRF \(vrf.prefix(64)): ipprefix \(text.prefix(80)): not a prefix")
    }
    let place = "VRF \(vrf.prefix(64)) \(prefix)"
    guard let rows = row.rows("path", place, &answer), !rows.isEmpty else {
        return answer.doubt("\(place): no paths")
    }
    var routes = NXOSRoutes(prefix: prefix, vrf: vrf)
    for path in rows {
        if let problem = routes.add(path) { return answer.doubt("\(place): \(problem)") }
    }
    if let count = row["ucast-nhops"], count.integer != routes.bestCount {
        let told = count.text ?? "?"
        return answer.doubt(
            "\(place): \(told) next hops are told, \(routes.bestCount) are there",
            of: prefix
        )
    }
    for route in routes.all { answer.add(route, at: place) }
}

/// The paths of one prefix, gathered by protocol and by whether the switch forwards by them.
struct NXOSRoutes {
    let prefix: Prefix
    let vrf: String
    private var hops: [Key: Set<IPAddress>] = [:]
    /// Of its paths the youngest: what changed last.
    private var ages: [Key: Int64] = [:]
    private(set) var bestCount = 0

    private struct Key: Hashable {
        let isBest: Bool
        let protocolName: String
    }

    init(prefix: Prefix, vrf: String) {
        self.prefix = prefix
        self.vrf = vrf
    }

    /// What is wrong with it, if anything is.
    mutating func add(_ path: JSONValue) -> String? {
        guard let name = path["clientname"]?.text, !name.isEmpty else {
            return "a path without clientname"
        }
        // A path that is not the best has no such key at all.
        let isBest = path["ubest"]?.flag
        if path["ubest"] != nil, isBest == nil { return "ubest: not a boolean" }
        var gateway: IPAddress?
        if let hop = path["ipnexthop"] {
            guard let address = hop.text.flatMap({ nxosAddress($0[...]) }) else {
                return "ipnexthop \(hop.text?.prefix(80) ?? "?"): not an address"
            }
            gateway = address
        }
        let age = path["uptime"]?.text.flatMap(routeAge)
        add(gateway, name, isBest: isBest ?? false, age: age)
        return nil
    }

    /// `gateway` nil: a device alone, or Null0.
    mutating func add(
        _ gateway: IPAddress?,
        _ protocolName: String,
        isBest: Bool,
        age: Int64? = nil
    ) {
        let key = Key(isBest: isBest, protocolName: String(protocolName.prefix(64)))
        hops[key, default: []].formUnion(gateway.map { [$0] } ?? [])
        ages[key] = [ages[key], age].compactMap(\.self).min()
        if isBest { bestCount += 1 }
    }

    /// What the switch forwards by first.
    var all: [SwitchRoute] {
        let keys = hops.keys.sorted {
            $0.isBest == $1.isBest ? $0.protocolName < $1.protocolName : $0.isBest
        }
        return keys.map { key in
            SwitchRoute(
                prefix: prefix,
                vrf: vrf,
                nextHops: (hops[key] ?? []).sorted(),
                protocolName: key.protocolName,
                isBest: key.isBest,
                age: ages[key]
            )
        }
    }
}

/// `10.1.0.1`, `10.1.0.1%management`, `::ffff:1.2.3.4%default:IPv4`: what follows the % is a VRF's
/// name, in which the next hop was found.
func nxosAddress(_ text: Substring) -> IPAddress? {
    IPAddress(text.prefix { $0 != "%" })?.unmapped
}
