// SPDX-License-Identifier: Apache-2.0
import Routing

/// Routes of `show route …`.
enum RouteReply {
    private static let destinations: [String: Destination] = [
        "unicast": .unicast, "blackhole": .blackhole, "unreachable": .unreachable,
        "prohibited": .prohibit, "prohibit": .prohibit, "recursive": .other,
    ]

    /// `P unicast [static1 13:10:52] * (200)` and next hops on lines that begin with a tab; in
    /// BIRD 1.6 `P dev X [static1 T] * (200)` on one line.
    static func routes(_ reply: Reply) -> [BIRDRoute] {
        var routes: [BIRDRoute] = []
        var table = "master"
        var current: Prefix?
        for line in reply.lines where line.code == 1007 {
            let text = line.text
            if text.hasPrefix("Table "), text.hasSuffix(":") {
                table = text.dropFirst(6).dropLast().bounded(64)
            } else if text.first == "\t" || text.hasPrefix(" \t") {
                if let hop = nextHop(text), !routes.isEmpty {
                    routes[routes.count - 1].nextHops.append(hop)
                }
            } else if let route = route(text, table, &current) {
                routes.append(route)
            }
        }
        return routes
    }

    private static func route(
        _ text: String,
        _ table: String,
        _ current: inout Prefix?
    ) -> BIRDRoute? {
        guard let open = text.firstIndex(of: "["), let close = text[open...].firstIndex(of: "]")
        else { return nil }
        var words = text[..<open].words
        // A later route of the same prefix has a blank prefix column.
        if let first = words.first, let prefix = Prefix(lenient: first), first.contains("/") {
            current = prefix
            words.removeFirst()
        }
        guard let prefix = current else { return nil }
        let name = text[text.index(after: open)..<close].words.first ?? ""
        let marks = text[text.index(after: close)...].words
        var route = BIRDRoute(
            prefix: prefix,
            table: table,
            protocolName: name.bounded(64),
            destination: words.first.flatMap { destinations[$0] } ?? .unicast,
            isBest: marks.contains { $0.hasPrefix("*") || $0.hasPrefix("!") }
        )
        if let hop = nextHop(words.joined(separator: " ")) { route.nextHops = [hop] }
        return route
    }

    /// `via G on X weight n` or `dev X`.
    static func nextHop(_ text: String) -> NextHop? {
        let words = text.words
        guard words.count >= 2 else { return nil }
        if words[0] == "dev" { return NextHop(device: words[1].bounded(64)) }
        guard words[0] == "via", let gateway = IPAddress(words[1]) else { return nil }
        let device = words.count >= 4 && words[2] == "on" ? words[3].bounded(64) : nil
        return NextHop(gateway: gateway, device: device)
    }

    /// `show static 'n'`: `P` and a tab line since 2.0, `P dev X` on one line in 1.6.
    static func statics(_ reply: Reply, protocolName: String) -> [BIRDStatic] {
        var statics: [BIRDStatic] = []
        for line in reply.lines where line.code == 1009 {
            let words = line.text.words
            var rest = words[...]
            if let first = words.first, let prefix = Prefix(lenient: first), first.contains("/") {
                statics.append(
                    BIRDStatic(prefix: prefix, protocolName: protocolName, isDormant: false)
                )
                rest = rest.dropFirst()
            }
            guard !statics.isEmpty else { continue }
            if rest.contains("(dormant)") { statics[statics.count - 1].isDormant = true }
            if rest.count >= 2, rest.first == "dev" {
                statics[statics.count - 1].device = rest[rest.startIndex + 1].bounded(64)
            }
        }
        return statics
    }
}
