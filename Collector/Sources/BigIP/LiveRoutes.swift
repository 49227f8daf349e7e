// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing
import VendorJSON

/// `net/route/stats`: what `tmsh show net route` prints, routes learned by BGP and OSPF among them.
///
/// How versions call its columns is not documented, so they are known by what is in them: the destination
/// and the next hop by parts of the field's name, whatever its spelling. A row without a destination that
/// can be read is a problem: then the table is not known whole.
package func decodeLiveRoutes(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (routes: [LoadBalancerRoute], problems: [String]) {
    let statistics = try JSONValue.answer(bytes, about: "tm:net:route:").statistics()
    var routes: [LoadBalancerRoute] = []
    var problems = statistics.problems
    for row in statistics.rows {
        let columns = Columns(row.fields)
        guard let (prefix, domain) = network(columns["dest", "network"] ?? "") else {
            problems.append("\(row.place): no destination")
            continue
        }
        guard let origin = columns["origin", "source", "proto"] else {
            problems.append("\(row.place): no origin")
            continue
        }
        routes.append(
            LoadBalancerRoute(
                name: columns["name"] ?? "\(prefix)",
                prefix: prefix,
                routeDomain: domain,
                target: target(columns),
                isDynamic: origin.lowercased().contains("dynamic")
            )
        )
    }
    // A unit has connected networks at least.
    if statistics.rows.isEmpty { problems.append("no routes at all") }
    return (routes.sorted { ($0.prefix, $0.name) < ($1.prefix, $1.name) }, problems)
}

private func target(_ columns: Columns) -> LoadBalancerRoute.Target {
    let type = (columns["type"] ?? "").lowercased()
    let hop = columns["hop", "gw", "gateway"] ?? ""
    if type.contains("blackhole") || type.contains("reject") { return .blackhole }
    if let gateway = BigIPAddress(plain: hop).address { return .gateway(gateway) }
    if type.contains("pool") { return .pool(hop) }
    if hop.hasPrefix("/") { return .interface(hop) }
    return .other(String("\(type) \(hop)".prefix(64)))
}

/// The texts of a row by parts of their names.
private struct Columns {
    private let texts: [(name: String, text: String)]

    init(_ fields: JSONValue) {
        texts = (fields.object ?? [:]).sorted { $0.key < $1.key }.compactMap { name, _ in
            fields.field(name)?.text.map { (name.lowercased(), $0) }
        }
    }

    /// The first whose name has one of the parts in it, in their order.
    subscript(parts: String...) -> String? {
        for part in parts {
            if let found = texts.first(where: { $0.name.contains(part) }) { return found.text }
        }
        return nil
    }
}
