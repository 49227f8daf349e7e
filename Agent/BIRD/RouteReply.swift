// SPDX-License-Identifier: Apache-2.0
import Routing

/// Routes of `show route …`.
///
/// `P unicast [static1 13:10:52] * (200)` and next hops on lines that begin with a tab; in BIRD 1.6
/// `P dev X [static1 T] * (200)`, on one line unless it is `multipath`.
struct RouteReply {
    private(set) var routes: [BIRDRoute] = []
    /// Lines that could not be understood.
    private(set) var unknown = 0
    private var table = "master"
    /// The prefix of the last row: a later route of the same prefix has a blank prefix column.
    private var prefix: Prefix?
    /// Whether next-hop lines belong to the last of `routes`.
    private var isOpen = false

    /// More next hops than any multipath route has.
    private static let hopLimit = 512

    init(_ reply: Reply) {
        for line in reply.lines where line.code == 1007 { take(line.text) }
    }

    private mutating func take(_ text: String) {
        let words = text.words
        guard let first = words.first else {
            // The empty line before the next table.
            isOpen = false
            return
        }
        if first == "Table", words.count == 2, text.utf8.last == UInt8(ascii: ":") {
            table = words[1].utf8.count > 1 ? String(words[1].dropLast()).bounded(64) : table
            (prefix, isOpen) = (nil, false)
        } else if text.utf8.first == 0x09 {
            takeHop(words)
        } else if !takeRow(text) {
            isOpen = false
            // `1 of 1 routes for 1 networks in table master4`
            if !text.holds(" routes for ") { unknown += 1 }
        }
    }

    private mutating func takeHop(_ words: [Substring]) {
        guard let hop = nextHop(words) else { return unknown += 1 }
        guard isOpen, routes[routes.count - 1].nextHops.count < Self.hopLimit else { return }
        routes[routes.count - 1].nextHops.append(hop)
    }

    private mutating func takeRow(_ text: String) -> Bool {
        let bytes = text[...].utf8
        guard let open = bytes.firstIndex(of: UInt8(ascii: "[")),
            let close = bytes[open...].firstIndex(of: UInt8(ascii: "]"))
        else { return false }
        var words = Substring(bytes[..<open]).words
        if bytes.first != 0x20 {
            prefix = words.first.flatMap { Prefix(lenient: $0) }
            words = Array(words.dropFirst())
        }
        guard let prefix else { return false }
        let source = Substring(bytes[bytes.index(after: open)..<close]).words
        let marks = Substring(bytes[bytes.index(after: close)...]).words
        add(prefix, words, source: source.first ?? "", marks: marks)
        return true
    }

    private mutating func add(
        _ prefix: Prefix,
        _ words: [Substring],
        source: Substring,
        marks: [Substring]
    ) {
        // `P mpls 100 unicast`: a label may stand between prefix and destination.
        let kind = words.first == "mpls" ? words.dropFirst(2) : words[...]
        routes.append(
            BIRDRoute(
                prefix: prefix,
                table: table,
                protocolName: source.bounded(64),
                destination: kind.first.flatMap { destinations[String($0)] } ?? .other,
                // `!` is best too, but the kernel did not take it.
                isBest: marks.first == "*" || marks.first == "!",
                nextHops: nextHop(Array(kind)).map { [$0] } ?? []
            )
        )
        isOpen = true
    }
}

/// The last three begin a next hop in BIRD 1.6, which does not print `unicast`.
private let destinations: [String: Destination] = [
    "unicast": .unicast, "blackhole": .blackhole, "unreachable": .unreachable,
    "prohibited": .prohibit, "prohibit": .prohibit, "dev": .unicast, "via": .unicast,
    "multipath": .unicast,
]

/// `via G on X [onlink] [weight n]` or `dev X`.
func nextHop(_ words: [Substring]) -> NextHop? {
    guard words.count >= 2 else { return nil }
    if words[0] == "dev" { return NextHop(device: words[1].bounded(64)) }
    guard words[0] == "via" else { return nil }
    // `show static` appends the device of a link-local gateway: `fe80::1%eth0`.
    let parts = words[1].split(separator: "%", maxSplits: 1)
    guard let gateway = parts.first.flatMap({ IPAddress($0) }) else { return nil }
    let named = words.count >= 4 && words[2] == "on" ? words[3] : parts.dropFirst().first
    return NextHop(gateway: gateway, device: named.map { $0.bounded(64) })
}
