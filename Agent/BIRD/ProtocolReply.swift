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
    /// `Neighbor graceful restart active`.
    var isPeerRestarting = false
    /// `Hold timer: 194.967/240`: what is left of how much.
    var holdTimer: HoldTimer?
    /// `Restart time` among our own capabilities, seconds: BIRD 2 lists them. And whether the neighbour's have
    /// `Graceful restart`.
    private(set) var restartTime: UInt32?
    private(set) var neighborKnowsRestart = false
    private var capabilities = Capabilities.none
    /// `Neighbor range`: waits for others to connect, each of which becomes a protocol of its own.
    var isListener = false
    private(set) var channels: [ChannelReply] = []

    /// All protocols of a reply, in BIRD's order, and how many rows could not be understood.
    static func all(_ reply: Reply) -> (protocols: [ProtocolReply], unknown: Int) {
        var protocols: [ProtocolReply] = []
        var unknown = 0
        // An empty line parts two protocols; details behind a lost row belong to nobody.
        var awaitsRow = false
        var isOpen = false
        for line in reply.lines {
            switch line.code {
            case 2002, 1002, 8000:
                if line.code == 8000, !awaitsRow { continue }
                let next = line.code == 1002 ? ProtocolReply(row: line.text) : nil
                if let next { protocols.append(next) }
                if next == nil, line.code != 2002 { unknown += 1 }
                isOpen = next != nil
                awaitsRow = line.code == 2002
            case 1006:
                awaitsRow = line.text.trimmed.isEmpty
                if isOpen { protocols[protocols.count - 1].take(line.text) }
            default: continue
            }
        }
        return (protocols, unknown)
    }

    /// Four words, then Since up to the first run of two blanks, then Info.
    init?(row: String) {
        var rest = row[...].utf8
        var words: [Substring] = []
        for _ in 0..<4 {
            rest = rest.drop { $0 == 0x20 }
            let word = rest.prefix { $0 != 0x20 }
            guard !word.isEmpty else { return nil }
            words.append(Substring(word))
            rest = rest.dropFirst(word.count)
        }
        let (since, info) = Self.split(Substring(rest).trimmed)
        name = words[0].bounded(64)
        kind = words[1].bounded(64)
        table = words[2].bounded(64)
        state = Self.states[String(words[3])] ?? .unknown
        self.since = since.bounded(64)
        self.info = info.bounded()
        bgpState = kind == "BGP" ? Self.bgpState(info.words.first ?? "") : nil
    }

    private static func split(_ text: Substring) -> (since: Substring, info: Substring) {
        let bytes = text.utf8
        for (index, next) in zip(bytes.indices, bytes.indices.dropFirst())
        where bytes[index] == 0x20 && bytes[next] == 0x20 {
            return (Substring(bytes[..<index]), Substring(bytes[index...]).trimmed)
        }
        return (text, "")
    }

    private mutating func take(_ text: String) {
        let words = text.words
        if words.count == 2, words[0] == "Channel" {
            // Sixteen families are more than BIRD knows.
            if channels.count < 16 { channels.append(ChannelReply(name: words[1].bounded(64))) }
        } else if words == ["Neighbor", "graceful", "restart", "active"] {
            isPeerRestarting = true
        } else if words.count == 2, words[1] == "capabilities" {
            capabilities = words[0] == "Local" ? .own : .neighbors
        } else if words == ["Graceful", "restart"] {
            if capabilities == .neighbors { neighborKnowsRestart = true }
        } else if let (label, value) = text.labelled {
            takeSession(label, value)
            takeChannel(label, value)
        }
    }

    private enum Capabilities { case none, own, neighbors }

    private mutating func takeSession(_ label: Substring, _ value: Substring) {
        switch label {
        case "BGP state": bgpState = Self.bgpState(value) ?? .unknown
        // `fe80::1%eth0` for a link-local neighbour.
        case "Neighbor address": neighbor = IPAddress(value.prefix { $0 != "%" })
        case "Neighbor range": isListener = true
        case "Neighbor AS": neighborAS = UInt32(value)
        case "Local AS": localAS = UInt32(value)
        case "Restart time" where capabilities == .own: restartTime = UInt32(value)
        // What follows the capabilities.
        case "Session": capabilities = .none
        case "Hold timer": holdTimer = HoldTimer(value)
        case "Last error": lastError = value.bounded()
        case "Message": message = value.bounded()
        default: return
        }
    }

    private mutating func takeChannel(_ label: Substring, _ value: Substring) {
        if channels.isEmpty, ChannelReply.isOldStyle(label) {
            channels.append(ChannelReply(name: "", state: state == .up ? .up : .down))
        }
        guard !channels.isEmpty else { return }
        channels[channels.count - 1].take(label, value)
    }
}

extension ProtocolReply {
    private static let states: [String: ProtocolState] = [
        "down": .down, "start": .start, "up": .up, "stop": .stop, "flush": .flush,
    ]

    private static let bgpStates: [String: BGPState] = [
        "Idle": .idle, "Connect": .connect, "Active": .active, "OpenSent": .openSent,
        "OpenConfirm": .openConfirm, "Established": .established, "Close": .close, "Down": .down,
        "Passive": .active,
    ]

    static func bgpState(_ word: Substring) -> BGPState? { bgpStates[String(word)] }
}
