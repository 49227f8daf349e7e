// SPDX-License-Identifier: Apache-2.0
import Routing

/// The lines under `Channel NAME`, by label. BIRD 1.6 has no channels: there the same lines stand
/// under the protocol itself.
struct ChannelReply: Equatable {
    var value: BGPChannel
    /// `[HIT]` beside the export limit: routes are held back.
    var isExportLimited = false
    /// BIRD's word for the state.
    private(set) var stateWord = ""

    init(name: String, state: BGPChannel.State = .unknown) {
        value = BGPChannel(name: name, state: state)
    }

    /// True of labels that BIRD 1.6 prints without a channel.
    static func isOldStyle(_ label: Substring) -> Bool {
        label == "Routes" || label.hasSuffix(" limit")
    }

    mutating func take(_ label: Substring, _ text: Substring) {
        switch label {
        case "State":
            stateWord = text.bounded(16)
            value.state = Self.states[stateWord] ?? .unknown
        case "Routes": takeCounters(text)
        // `pending waiting`, either or both: routes are held back until the peers are done.
        case "GR recovery": value.isRecovering = !text.isEmpty
        case "Import limit", "Receive limit":
            if isHit(text) { value.limitHit = true }
        case "Export limit":
            guard isHit(text) else { return }
            value.limitHit = true
            isExportLimited = true
        default: return
        }
    }

    private func isHit(_ text: Substring) -> Bool { text.words.contains("[HIT]") }

    /// `1 imported, 0 filtered, 1 exported, 1 preferred`, any of them absent.
    private mutating func takeCounters(_ text: Substring) {
        for part in text.split(separator: ",") {
            let words = part.words
            guard words.count == 2, let count = UInt32(words[0]) else { continue }
            switch words[1] {
            case "imported": value.imported = count
            case "filtered": value.filtered = count
            case "exported": value.exported = count
            case "preferred": value.preferred = count
            default: continue
            }
        }
    }

    /// 2.0: FLUSHING; later STOP and RESTART, both on the way down; PAUSE was never released.
    private static let states: [String: BGPChannel.State] = [
        "DOWN": .down, "START": .start, "UP": .up, "FLUSHING": .flushing, "STOP": .flushing,
        "RESTART": .flushing, "PAUSE": .start,
    ]
}
