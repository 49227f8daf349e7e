// SPDX-License-Identifier: Apache-2.0
import Routing

/// Configured routes of `show static 'n'`: `P` and a line with a tab for each next hop since 2.0,
/// `P dev X` on one line in 1.6, `P blackhole` on one line in all.
struct StaticReply {
    private(set) var statics: [BIRDStatic] = []
    /// Lines that could not be understood.
    private(set) var unknown = 0
    private let protocolName: String
    /// Whether next-hop lines belong to the last of `statics`.
    private var isOpen = false
    /// A route is dormant only if none of its next hops works.
    private var hasActiveHop = false

    init(_ reply: Reply, protocolName: String) {
        self.protocolName = protocolName
        for line in reply.lines where line.code == 1009 { take(line.text) }
    }

    private mutating func take(_ text: String) {
        let words = text.words
        // An empty line parts two protocols where none was named.
        guard let first = words.first else { return }
        guard text.utf8.first != 0x09 else { return takeHop(words) }
        let prefix = Prefix(lenient: first)
        isOpen = prefix != nil
        hasActiveHop = false
        guard let prefix else { return unknown += 1 }
        statics.append(BIRDStatic(prefix: prefix, protocolName: protocolName, isDormant: false))
        let rest = Array(words.dropFirst())
        if rest.first == "dev" || rest.first == "via" { takeHop(rest) }
    }

    private mutating func takeHop(_ words: [Substring]) {
        guard isOpen else { return }
        let index = statics.count - 1
        if words.contains("(dormant)") {
            statics[index].isDormant = !hasActiveHop
        } else {
            hasActiveHop = true
            statics[index].isDormant = false
        }
        if statics[index].device == nil, let hop = nextHop(words) {
            statics[index].device = hop.device
        }
    }
}
