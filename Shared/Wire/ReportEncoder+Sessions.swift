// SPDX-License-Identifier: Apache-2.0
import Routing

extension ReportEncoder {
    mutating func write(_ rows: [OfDaemon<BGPSession>], _ isKeysOnly: Bool) {
        section(.sessions, rows.count) { encoder in
            encoder.strings(Column.Session.daemon, rows.count) { rows[$0].daemon }
            encoder.strings(Column.Session.name, rows.count) { rows[$0].value.name }
            guard !isKeysOnly else { return }
            encoder.writeStates(rows)
            encoder.writeTexts(rows)
            encoder.writeChannels(rows)
        }
    }

    private mutating func writeStates(_ rows: [OfDaemon<BGPSession>]) {
        numbers(Column.Session.protocolState, rows.count, usual: Usual.protocolUp) {
            UInt64(rows[$0].value.protocolState.rawValue)
        }
        numbers(Column.Session.state, rows.count, usual: Usual.established) {
            UInt64(rows[$0].value.state.rawValue)
        }
        numbers(Column.Session.flags, rows.count) { row in
            (rows[row].value.isDisabled ? 1 : 0) | (rows[row].value.isPeerRestarting ? 2 : 0)
        }
        addresses(Column.Session.neighbor, rows.count) { rows[$0].value.neighbor }
        optionals(Column.Session.neighborAS, rows.count) { rows[$0].value.neighborAS }
        optionals(Column.Session.localAS, rows.count) { rows[$0].value.localAS }
        ages(Column.Session.since, rows.count) { rows[$0].value.since }
    }

    private mutating func writeTexts(_ rows: [OfDaemon<BGPSession>]) {
        strings(Column.Session.lastError, rows.count) { rows[$0].value.lastError }
        strings(Column.Session.firstError, rows.count) { rows[$0].value.firstError }
        strings(Column.Session.message, rows.count) { rows[$0].value.message }
        optionals(Column.Session.holdTime, rows.count) { rows[$0].value.holdTime }
        ages(Column.Session.silentSince, rows.count) { rows[$0].value.silentSince }
        strings(Column.Session.bfdState, rows.count) { rows[$0].value.bfdState }
    }

    private mutating func writeChannels(_ rows: [OfDaemon<BGPSession>]) {
        numbers(Column.Session.channelCount, rows.count) { row in
            UInt64(min(rows[row].value.channels.count, WireLimit.channels))
        }
        var channels: [BGPChannel] = []
        channels.reserveCapacity(rows.count)
        for row in rows { channels += row.value.channels.prefix(WireLimit.channels) }
        strings(Column.Session.channelName, channels.count) { channels[$0].name }
        numbers(Column.Session.channelState, channels.count, usual: Usual.channelUp) {
            UInt64(channels[$0].state.rawValue)
        }
        numbers(Column.Session.channelFlags, channels.count) { row in
            (channels[row].limitHit ? 1 : 0) | (channels[row].isRecovering ? 2 : 0)
        }
        optionals(Column.Session.imported, channels.count) { channels[$0].imported }
        optionals(Column.Session.filtered, channels.count) { channels[$0].filtered }
        optionals(Column.Session.exported, channels.count) { channels[$0].exported }
        optionals(Column.Session.preferred, channels.count) { channels[$0].preferred }
        optionals(Column.Session.restartTime, rows.count) { rows[$0].value.restartTime }
    }
}
