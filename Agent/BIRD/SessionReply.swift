// SPDX-License-Identifier: Apache-2.0
import Routing

extension ProtocolReply {
    /// The session as the rest of podpath knows it. Nil for other protocols, and for one that only
    /// waits for dynamic neighbours: nobody is meant to be at its other end.
    func session(serverTime: String, now: Timestamp) -> BGPSession? {
        guard kind == "BGP", !isListener else { return nil }
        let error = errorText
        return BGPSession(
            name: name,
            protocolState: state,
            state: state == .down ? .down : bgpState ?? .unknown,
            neighbor: neighbor,
            neighborAS: neighborAS,
            localAS: localAS,
            since: ServerTime.age(of: since, now: serverTime).map { now - $0 },
            lastError: error,
            firstError: error,
            message: message,
            // What stops by itself says why ("Automatic shutdown: …"); an operator does not.
            isDisabled: state == .down && error.isEmpty,
            isPeerRestarting: isPeerRestarting,
            holdTime: isUp ? holdTimer?.time : nil,
            silentSince: isUp ? holdTimer?.silence.map { now - $0 } : nil,
            restartTime: isUp && neighborKnowsRestart ? restartTime : nil,
            channels: channels.indices.map(channel)
        )
    }

    private var isUp: Bool { state == .up && bgpState == .established }

    /// BIRD 1.6 does not name its only channel; bird and bird6 are two daemons, so the neighbour
    /// is of the daemon's family.
    func channel(_ index: Int) -> BGPChannel {
        var channel = channels[index].value
        if channel.name.isEmpty, let family = neighbor?.family {
            channel.name = family == .ipv4 ? "ipv4" : "ipv6"
        }
        return channel
    }

    /// `Last error`, or what the row shows: behind the state, and alone where there is no state.
    private var errorText: String {
        guard lastError.isEmpty, let word = info.words.first else { return lastError }
        guard Self.bgpState(word) != nil else { return info }
        return info.trimmed.rest(afterCount: word.utf8.count).trimmed.bounded()
    }

    /// The channels that carry prefixes of a family. Without any (BIRD 1.6, session down) a
    /// session serves its neighbour's family.
    func channels(serving family: AddressFamily) -> [ChannelReply] {
        let name = family == .ipv4 ? "ipv4" : "ipv6"
        return channels.indices.filter {
            let channel = channel($0).name
            return channel == name || channel == name + "-mpls"
        }.map { channels[$0] }
    }

    func serves(_ family: AddressFamily) -> Bool {
        guard channels.isEmpty else { return !channels(serving: family).isEmpty }
        return neighbor.map { $0.family == family } ?? true
    }

    /// True only where BIRD says so: a state we do not know is asked about.
    func isDown(_ family: AddressFamily) -> Bool {
        switch state {
        case .down, .start, .stop, .flush: return true
        case .up, .unknown: break
        }
        let own = channels(serving: family)
        return !own.isEmpty
            && own.allSatisfy { $0.value.state == .down || $0.value.state == .flushing }
    }
}

extension Substring {
    fileprivate func rest(afterCount count: Int) -> Substring { Substring(utf8.dropFirst(count)) }
}
