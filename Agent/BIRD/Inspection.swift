// SPDX-License-Identifier: Apache-2.0
import Routing

/// Recorded control-socket bytes, as one JSON object: what `podpath-agent inspect` prints.
/// `isComplete` is false for a reply that was cut off, or bytes that are not BIRD's.
package func inspect(_ bytes: [UInt8]) -> (json: String, isComplete: Bool) {
    var reader = ReplyReader(replyLimit: .max)
    var inspection = Inspection()
    var rest = bytes[...]
    while !rest.isEmpty {
        let end = rest.firstIndex(of: 0x0a).map { $0 + 1 } ?? rest.endIndex
        do throws(ReplyError) {
            for event in try reader.read(Array(rest[..<end])) { inspection.take(event) }
        } catch {
            inspection.unknownLines += 1
        }
        rest = rest[end...]
    }
    if !reader.isIdle { inspection.final = nil }
    return (inspection.json, inspection.final != nil)
}

private struct Inspection {
    var final: Int?
    var status: StatusReply?
    var protocols: [ProtocolReply] = []
    var routes: [BIRDRoute] = []
    var statics: [BIRDStatic] = []
    var asynchronous: [String] = []
    var unknownLines = 0

    mutating func take(_ event: ReplyReader.Event) {
        switch event {
        case .asynchronous(let text), .messagesLost(let text): asynchronous.append(text)
        case .reply(let reply): take(reply)
        }
    }

    private mutating func take(_ reply: Reply) {
        final = reply.code
        if reply.lines.contains(where: { $0.code == 1000 || $0.code == 13 }) {
            status = StatusReply(reply)
        }
        let listed = ProtocolReply.all(reply)
        protocols += listed.protocols
        let (routes, statics) = (RouteReply(reply), StaticReply(reply, protocolName: ""))
        self.routes += routes.routes
        self.statics += statics.statics
        let strange = reply.lines.count { line in !Self.codes.contains { $0.contains(line.code) } }
        unknownLines += listed.unknown + routes.unknown + statics.unknown + strange
    }

    /// BIRD's doc/reply_codes, 1.6 to 3.3; 8000, a line that BIRD cut, is not among them.
    private static let codes = [0...24, 1000...1028, 2002...2005, 8001...8009, 9000...9003]

    var json: String {
        JSONText.object([
            ("final", final.map { .string(padded($0)) } ?? .null),
            ("status", status.map(object)),
            ("protocols", .nonEmpty(protocols.map(object))),
            ("routes", .nonEmpty(routes.map(object))),
            ("statics", .nonEmpty(statics.map(object))),
            ("asynchronous", .nonEmpty(asynchronous.map { .string($0) })),
            ("unknownLines", .number(Int64(unknownLines))),
        ]).text
    }

    private func padded(_ code: Int) -> String {
        let digits = String(code)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private func object(_ status: StatusReply) -> JSONText {
        .object([
            ("version", .nonEmpty(status.version)),
            ("routerID", status.routerID.map { .string($0.description) }),
            ("serverTime", .nonEmpty(status.serverTime)),
            ("lastReboot", .nonEmpty(status.lastReboot)),
            ("lastReconfiguration", .nonEmpty(status.lastReconfiguration)),
            ("state", .nonEmpty(status.state)),
        ])
    }

    private func object(_ entry: ProtocolReply) -> JSONText {
        .object([
            ("name", .string(entry.name)), ("protocol", .string(entry.kind)),
            ("table", .nonEmpty(entry.table == "---" ? "" : entry.table)),
            ("state", .string("\(entry.state)")), ("since", .nonEmpty(entry.since)),
            ("info", .nonEmpty(entry.info)),
            ("bgpState", entry.bgpState.map { .string($0.name) }),
            ("neighborAddress", entry.neighbor.map { .string($0.description) }),
            ("neighborAS", entry.neighborAS.map { .number(Int64($0)) }),
            ("localAS", entry.localAS.map { .number(Int64($0)) }),
            ("lastError", .nonEmpty(entry.lastError)),
            (
                "channels",
                .nonEmpty(
                    entry.channels.indices.map {
                        object(entry.channel($0), stateWord: entry.channels[$0].stateWord)
                    }
                )
            ),
        ])
    }

    private func object(_ channel: BGPChannel, stateWord: String) -> JSONText {
        func number(_ value: UInt32?) -> JSONText? { value.map { .number(Int64($0)) } }
        // BIRD 1.6 has no word for it: the channel is as up as its protocol.
        let state = stateWord.isEmpty ? (channel.state == .up ? "UP" : "DOWN") : stateWord
        return .object([
            ("name", .nonEmpty(channel.name)), ("state", .nonEmpty(state)),
            ("imported", number(channel.imported)), ("filtered", number(channel.filtered)),
            ("exported", number(channel.exported)), ("preferred", number(channel.preferred)),
            ("limitHit", .bool(channel.limitHit)),
        ])
    }

    private func object(_ route: BIRDRoute) -> JSONText {
        .object([
            ("prefix", .string(route.prefix.description)), ("table", .nonEmpty(route.table)),
            ("protocol", .string(route.protocolName)),
            ("destination", .string(route.destination.name)), ("best", .bool(route.isBest)),
            ("nextHops", .nonEmpty(route.nextHops.map(object))),
        ])
    }

    private func object(_ hop: NextHop) -> JSONText {
        .object([
            ("via", hop.gateway.map { .string($0.description) }),
            ("device", hop.device.map { .string($0) }),
        ])
    }

    private func object(_ route: BIRDStatic) -> JSONText {
        .object([
            ("prefix", .string(route.prefix.description)), ("dormant", .bool(route.isDormant)),
        ])
    }
}
