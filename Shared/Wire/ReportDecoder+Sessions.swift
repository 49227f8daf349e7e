// SPDX-License-Identifier: Apache-2.0
import Routing

extension ReportDecoder {
    mutating func sessions(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: inout ByteReader
    ) throws(WireError) -> [OfDaemon<BGPSession>] {
        let usual = BGPSession(name: "", protocolState: .up, state: .established)
        var sessions = [OfDaemon<BGPSession>](repeating: OfDaemon("", usual), count: rows)
        var counts = [Int](repeating: 0, count: rows)
        var channels: [BGPChannel] = []
        while let column = try column(bytes, &section) {
            if column.id > Column.Session.channelCount {
                try readChannels(column, bytes, &channels)
            } else if column.id == Column.Session.channelCount {
                channels = try readCounts(column, bytes, &counts)
            } else {
                try read(column, bytes, &sessions)
            }
        }
        var next = 0
        for row in 0..<rows where counts[row] > 0 {
            sessions[row].value.channels = Array(channels[next..<(next + counts[row])])
            next += counts[row]
        }
        return sessions
    }

    private mutating func read(
        _ column: Head,
        _ bytes: Span<UInt8>,
        _ sessions: inout [OfDaemon<BGPSession>]
    ) throws(WireError) {
        let rows = sessions.count
        switch column.id {
        case Column.Session.daemon: try strings(column, rows, bytes) { sessions[$0].daemon = $1 }
        case Column.Session.name: try strings(column, rows, bytes) { sessions[$0].value.name = $1 }
        case Column.Session.protocolState:
            try numbers(column, rows, bytes) { row, code in
                sessions[row].value.protocolState =
                    ProtocolState(rawValue: UInt8(clamping: code)) ?? .unknown
            }
        case Column.Session.state:
            try numbers(column, rows, bytes) { row, code in
                sessions[row].value.state = BGPState(rawValue: UInt8(clamping: code)) ?? .unknown
            }
        case Column.Session.flags:
            try numbers(column, rows, bytes) { row, flags in
                sessions[row].value.isDisabled = flags & 1 != 0
                sessions[row].value.isPeerRestarting = flags & 2 != 0
            }
        case Column.Session.neighbor:
            try addresses(column, rows, bytes) { sessions[$0].value.neighbor = $1 }
        case Column.Session.neighborAS:
            try optionals(column, rows, bytes) { sessions[$0].value.neighborAS = $1 }
        case Column.Session.localAS:
            try optionals(column, rows, bytes) { sessions[$0].value.localAS = $1 }
        case Column.Session.since:
            try moments(column, rows, bytes) { sessions[$0].value.since = $1 }
        case Column.Session.holdTime:
            try optionals(column, rows, bytes) { sessions[$0].value.holdTime = $1 }
        case Column.Session.silentSince:
            try moments(column, rows, bytes) { sessions[$0].value.silentSince = $1 }
        default: try readText(column, bytes, &sessions)
        }
    }

    private mutating func readText(
        _ column: Head,
        _ bytes: Span<UInt8>,
        _ sessions: inout [OfDaemon<BGPSession>]
    ) throws(WireError) {
        let rows = sessions.count
        switch column.id {
        case Column.Session.lastError:
            try strings(column, rows, bytes) { sessions[$0].value.lastError = $1 }
        case Column.Session.firstError:
            try strings(column, rows, bytes) { sessions[$0].value.firstError = $1 }
        case Column.Session.message:
            try strings(column, rows, bytes) { sessions[$0].value.message = $1 }
        case Column.Session.bfdState:
            try strings(column, rows, bytes) { sessions[$0].value.bfdState = $1 }
        default: skipped.fields += 1
        }
    }

    // MARK: - Channels

    private func readCounts(
        _ column: Head,
        _ bytes: Span<UInt8>,
        _ counts: inout [Int]
    ) throws(WireError) -> [BGPChannel] {
        var total = 0
        try numbers(column, counts.count, bytes) { (row, count) throws(WireError) in
            guard count <= UInt64(WireLimit.channels) else {
                let length = Int(clamping: count)
                throw .tooLong(what: "channels", length: length, limit: WireLimit.channels)
            }
            counts[row] = Int(count)
            total += Int(count)
        }
        return [BGPChannel](repeating: BGPChannel(name: "", state: .up), count: total)
    }

    private mutating func readChannels(
        _ column: Head,
        _ bytes: Span<UInt8>,
        _ channels: inout [BGPChannel]
    ) throws(WireError) {
        let rows = channels.count
        switch column.id {
        case Column.Session.channelName:
            try strings(column, rows, bytes) { channels[$0].name = $1 }
        case Column.Session.channelState:
            try numbers(column, rows, bytes) { row, code in
                channels[row].state = BGPChannel.State(rawValue: UInt8(clamping: code)) ?? .unknown
            }
        case Column.Session.channelFlags:
            try numbers(column, rows, bytes) { row, flags in
                channels[row].limitHit = flags & 1 != 0
                channels[row].isRecovering = flags & 2 != 0
            }
        case Column.Session.imported:
            try optionals(column, rows, bytes) { channels[$0].imported = $1 }
        case Column.Session.filtered:
            try optionals(column, rows, bytes) { channels[$0].filtered = $1 }
        case Column.Session.exported:
            try optionals(column, rows, bytes) { channels[$0].exported = $1 }
        case Column.Session.preferred:
            try optionals(column, rows, bytes) { channels[$0].preferred = $1 }
        default: skipped.fields += 1
        }
    }
}
