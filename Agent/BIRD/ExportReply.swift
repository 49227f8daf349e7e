// SPDX-License-Identifier: Apache-2.0
import Routing

/// What a reply to `show route P exported|export|noexport 'u'` says.
enum ExportReply: Equatable {
    /// Rows of the prefix.
    case rows([BIRDRoute])
    /// The network is there, but no row of it.
    case none
    case notInTable
    case channelDown
    /// BIRD does not know the word, or no longer the protocol.
    case notUnderstood
    case unreadable(String)

    init(_ reply: Reply, prefix: Prefix) {
        switch reply.code {
        case 0:
            let rows = RouteReply(reply).routes.filter { $0.prefix == prefix }
            if reply.hasOverflow, rows.isEmpty {
                self = .unreadable("a line was too long for BIRD")
            } else {
                self = rows.isEmpty ? .none : .rows(rows)
            }
        case 8001: self = .notInTable
        // BIRD 1.6.
        case 8005: self = .channelDown
        case 9001 where Self.saysChannelIsDown(reply.text): self = .channelDown
        // 2.0.7 "syntax error, …"; 1.6 "IP address expected", "x is not a protocol".
        case 9001, 9002, 9003: self = .notUnderstood
        case 8004: self = .unreadable("BIRD is reconfiguring")
        default: self = .unreadable("BIRD answered \(reply.code)")
        }
    }

    /// 2.x: "No valid tables"; 3.x: "Requested 'show route export' to protocols which aren't
    /// accepting exports at all."
    private static func saysChannelIsDown(_ text: String) -> Bool {
        text.rest(after: "No valid tables") != nil || text.rest(after: "Requested ") != nil
    }
}

extension ProtocolReply {
    /// What all channels that are up say they sent; nil if one of them does not say.
    var exportedTotal: Int? {
        let up = channels.filter { $0.value.state == .up }
        let counts = up.compactMap(\.value.exported)
        guard !up.isEmpty, counts.count == up.count else { return nil }
        return counts.reduce(0) { $0 + Int($1) }
    }

    /// A row in `export` from a BIRD that has no `exported` only means that the filter accepts.
    /// Its counters tell two of the cases in which nothing was sent all the same.
    func acceptedAnswer(_ family: AddressFamily) -> ExportAnswer {
        let own = channels(serving: family)
        guard own.count == 1, let channel = own.first, channel.value.state == .up else {
            return .accepted
        }
        // `configure soft`: the filter was changed and no route was sent again.
        if channel.value.exported == 0 { return .notSent }
        guard channel.isExportLimited else { return .accepted }
        return .unknown("the export limit is hit, and this BIRD does not tell for which routes")
    }
}
