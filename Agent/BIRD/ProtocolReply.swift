// SPDX-License-Identifier: Apache-2.0
import Routing

/// One protocol of `show protocols all`, read by label, never by column or order.
struct ProtocolReply: Equatable {
    var name: String
    /// `BGP`, `Static`, `Kernel`, …
    var kind: String
    var table: String
    var state: ProtocolState
    /// BIRD's own text; a change of it means that the protocol bounced.
    var since: String
    var info: String
    var bgpState: BGPState?
    var neighbor: IPAddress?
    var neighborAS: UInt32?
    var localAS: UInt32?
    var lastError = ""
    var message = ""
    var channels: [BGPChannel] = []
    /// False in BIRD 1.6, where routes and limits stand under the protocol itself.
    private var hasChannels = false

    /// All protocols of a reply, in BIRD's order, and how many lines were not understood.
    static func all(_ reply: Reply) -> (protocols: [ProtocolReply], unknown: Int) {
        var protocols: [ProtocolReply] = []
        var unknown = 0
        for line in reply.lines {
            switch line.code {
            case 1002:
                guard let next = ProtocolReply(row: line.text) else {
                    unknown += 1
                    continue
                }
                protocols.append(next)
            case 1006 where !protocols.isEmpty: protocols[protocols.count - 1].take(line.text)
            default: continue
            }
        }
        return (protocols, unknown)
    }

    /// Four words, then Since up to the first run of two blanks, then Info.
    init?(row: String) {
        var rest = row[...]
        var words: [String] = []
        for _ in 0..<4 {
            rest = rest.drop { $0 == " " }
            words.append(String(rest.prefix { $0 != " " }))
            rest = rest.drop { $0 != " " }
        }
        guard words.allSatisfy({ !$0.isEmpty }) else { return nil }
        rest = rest.drop { $0 == " " }
        let (since, info) = Self.split(rest)
        name = words[0].bounded(64)
        kind = words[1].bounded(64)
        table = words[2].bounded(64)
        state = Self.states[words[3]] ?? .unknown
        self.since = since.bounded(64)
        self.info = info.bounded()
        if kind == "BGP", let word = self.info.words.first { bgpState = Self.bgpStates[word] }
    }

    private static func split(_ text: Substring) -> (String, String) {
        var previous: Character?
        for index in text.indices {
            if text[index] == " ", previous == " " {
                return (text[..<index].trimmed, text[index...].trimmed)
            }
            previous = text[index]
        }
        return (text.trimmed, "")
    }

    private static let states: [String: ProtocolState] = [
        "down": .down, "start": .start, "up": .up, "stop": .stop, "flush": .flush,
    ]

    private static let bgpStates: [String: BGPState] = [
        "Idle": .idle, "Connect": .connect, "Active": .active, "OpenSent": .openSent,
        "OpenConfirm": .openConfirm, "Established": .established, "Close": .close, "Down": .down,
        "Passive": .active,
    ]

    private static let channelStates: [String: BGPChannel.State] = [
        "DOWN": .down, "START": .start, "UP": .up, "FLUSHING": .flushing, "STOP": .flushing,
        "PAUSE": .start,
    ]

    private mutating func take(_ text: String) {
        if let name = text.trimmed.split(separator: " ").last, text.trimmed.hasPrefix("Channel ") {
            hasChannels = true
            // Sixteen families are more than BIRD knows.
            if channels.count < 16 {
                channels.append(BGPChannel(name: name.bounded(64), state: .unknown))
            }
            return
        }
        if hasChannels { takeChannel(text) } else { takeSession(text) }
    }

    private mutating func takeSession(_ text: String) {
        if let value = text.value(of: "BGP state") { bgpState = Self.bgpStates[value] ?? .unknown }
        if let value = text.value(of: "Neighbor address") {
            // `fe80::1%eth0` for a link-local neighbour.
            neighbor = IPAddress(value.prefix { $0 != "%" })
        }
        if let value = text.value(of: "Neighbor AS") { neighborAS = UInt32(value) }
        if let value = text.value(of: "Local AS") { localAS = UInt32(value) }
        if let value = text.value(of: "Last error") { lastError = value.bounded() }
        if let value = text.value(of: "Message") { message = value.bounded() }
        takeOldStyle(text)
    }

    /// BIRD 1.6 has no channels: the protocol itself counts routes and has the limits.
    private mutating func takeOldStyle(_ text: String) {
        let isLimit = text.contains("limit:")
        guard isLimit || text.value(of: "Routes") != nil else { return }
        if channels.isEmpty {
            channels.append(BGPChannel(name: "ipv4", state: state == .up ? .up : .down))
        }
        if isLimit, text.contains("[HIT]") { channels[0].limitHit = true }
        takeCounters(text)
    }

    private mutating func takeChannel(_ text: String) {
        guard !channels.isEmpty else { return }
        let index = channels.count - 1
        if let value = text.value(of: "State") {
            channels[index].state = Self.channelStates[value] ?? .unknown
        }
        if text.contains("limit:"), text.contains("[HIT]") { channels[index].limitHit = true }
        if let value = text.value(of: "Last error") { lastError = value.bounded() }
        takeCounters(text)
    }

    private mutating func takeCounters(_ text: String) {
        guard let value = text.value(of: "Routes"), !channels.isEmpty else { return }
        let index = channels.count - 1
        for part in value.split(separator: ",") {
            channels[index].imported = counter("imported", in: part) ?? channels[index].imported
            channels[index].filtered = counter("filtered", in: part) ?? channels[index].filtered
            channels[index].exported = counter("exported", in: part) ?? channels[index].exported
            channels[index].preferred = counter("preferred", in: part) ?? channels[index].preferred
        }
    }

    /// The session as the rest of podpath knows it; nil for other protocols.
    func session(serverTime: String, now: Timestamp) -> BGPSession? {
        guard kind == "BGP" else { return nil }
        let isAutomatic = (lastError + info).contains("Automatic shutdown")
        return BGPSession(
            name: name,
            protocolState: state,
            state: state == .down ? .down : bgpState ?? .unknown,
            neighbor: neighbor,
            neighborAS: neighborAS,
            localAS: localAS,
            since: ServerTime.age(of: since, now: serverTime).map { now - $0 },
            lastError: errorText,
            message: message,
            isDisabled: state == .down && !isAutomatic,
            channels: channels
        )
    }

    /// `Last error`, or where BIRD shows it only in the row what stands after the state.
    private var errorText: String {
        guard lastError.isEmpty, let word = info.words.first, Self.bgpStates[word] != nil else {
            return lastError
        }
        return info.dropFirst(word.count).trimmed
    }
}
