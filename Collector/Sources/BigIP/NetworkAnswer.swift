// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
import VendorJSON

/// `net/route`.
package func decodeRoutes(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (routes: [LoadBalancerRoute], problems: [String]) {
    var routes: [LoadBalancerRoute] = []
    var problems: [String] = []
    for (index, row) in try JSONValue.answer(bytes, about: "tm:net:route:").items().enumerated() {
        let name = row["fullPath"]?.text ?? row["name"]?.text ?? "items[\(index)]"
        guard let (prefix, domain) = network(row["network"]?.text ?? "") else {
            problems.append("\(name): network is not a prefix")
            continue
        }
        routes.append(
            LoadBalancerRoute(name: name, prefix: prefix, routeDomain: domain, target: target(row))
        )
    }
    return (routes.sorted { ($0.prefix, $0.name) < ($1.prefix, $1.name) }, problems)
}

/// `default`, `default-inet6`, `default%1`, `10.16.0.0%1/16`, `10.16.0.0/16`, a bare address.
func network(_ text: String) -> (Prefix, Int?)? {
    let parts = trimmed(text).split(separator: "%", maxSplits: 1)
    guard let head = parts.first else { return nil }
    let tail = parts.count == 2 ? parts[1].split(separator: "/", maxSplits: 1) : []
    let domain = tail.first.flatMap { routeDomainNumber($0) }
    // A route of a domain nobody can name is no route of the default domain.
    guard parts.count == 1 || domain != nil else { return nil }
    if head == "default" || head == "any" { return Prefix("0.0.0.0/0").map { ($0, domain) } }
    if head == "default-inet6" || head == "any6" { return Prefix("::/0").map { ($0, domain) } }
    let written = tail.count == 2 ? "\(head)/\(tail[1])" : String(head)
    return Prefix(lenient: written).map { ($0, domain) }
}

private func target(_ row: JSONValue) -> LoadBalancerRoute.Target {
    if row["blackhole"]?.flag == true { return .blackhole }
    if let text = row["gw"]?.text {
        // A link-local gateway names its VLAN behind it.
        let parts = text.split(separator: "%", maxSplits: 1)
        if parts.count == 2, parts[1].hasPrefix("/") { return .interface(String(parts[1])) }
        return BigIPAddress(plain: text).address.map { .gateway($0) } ?? .other(text)
    }
    if let pool = row["pool"]?.text { return .pool(pool) }
    if let interface = row["tmInterface"]?.text { return .interface(interface) }
    return .other("no target")
}

/// A network that the unit is part of.
package struct SelfNetwork: Hashable, Sendable {
    package var name: String
    package var prefix: Prefix
    package var routeDomain: Int?
}

/// `net/self`: the networks the unit is part of.
package func decodeSelfIPs(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (networks: [SelfNetwork], problems: [String]) {
    var networks: [SelfNetwork] = []
    var problems: [String] = []
    for (index, row) in try JSONValue.answer(bytes, about: "tm:net:self:").items().enumerated() {
        guard let text = row["address"]?.text, let (prefix, domain) = network(text) else {
            problems.append("items[\(index)]: address is not a prefix")
            continue
        }
        let name = row["fullPath"]?.text ?? row["name"]?.text ?? "items[\(index)]"
        networks.append(SelfNetwork(name: name, prefix: prefix, routeDomain: domain))
    }
    return (networks.sorted { ($0.prefix, $0.name) < ($1.prefix, $1.name) }, problems)
}
