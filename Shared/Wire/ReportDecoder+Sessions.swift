// SPDX-License-Identifier: Apache-2.0
import Routing

extension ReportDecoder {
    mutating func sessions(
        _ rows: Int,
        _ bytes: Span<UInt8>,
        _ section: ByteReader
    ) throws(WireError) -> [OfDaemon<BGPSession>] {
        let columns = try columns(bytes, section, known: Column.Session.last)
        var states = try SessionStates(columns, bytes)
        var texts = try SessionTexts(columns, bytes)
        var channels = try ChannelColumns(columns, bytes)
        let table = self.tables.strings
        let strings = table.span
        // Channels count as facts: a few bytes must not become many.
        var left = rowsLeft
        let sessions = try facts(rows) { () throws(WireError) in
            var session = try states.next(bytes, now: now)
            session.name = try texts.names.string(bytes, strings)
            session.lastError = try texts.lastErrors.string(bytes, strings)
            session.firstError = try texts.firstErrors.string(bytes, strings)
            session.message = try texts.messages.string(bytes, strings)
            session.bfdState = try texts.bfdStates.string(bytes, strings)
            let count = try channels.count(bytes, atMost: min(WireLimit.channels, left))
            left -= count
            session.channels = try facts(count) { () throws(WireError) in
                try channels.next(bytes, strings)
            }
            return OfDaemon(try texts.daemons.string(bytes, strings), session)
        }
        rowsLeft = left
        return sessions
    }
}

private struct SessionStates {
    private var protocolStates: NumberColumn
    private var states: NumberColumn
    private var flags: NumberColumn
    private var neighbors: AddressColumn
    private var neighborASes: NumberColumn
    private var localASes: NumberColumn
    private var since: NumberColumn
    private var holdTimes: NumberColumn
    private var silentSince: NumberColumn
    private var restartTimes: NumberColumn

    init(_ columns: SectionColumns, _ bytes: Span<UInt8>) throws(WireError) {
        let up = Usual.protocolUp
        protocolStates = try columns.numbers(Column.Session.protocolState, bytes, usual: up)
        states = try columns.numbers(Column.Session.state, bytes, usual: Usual.established)
        flags = try columns.numbers(Column.Session.flags, bytes)
        neighbors = columns.addresses(Column.Session.neighbor)
        neighborASes = try columns.numbers(Column.Session.neighborAS, bytes)
        localASes = try columns.numbers(Column.Session.localAS, bytes)
        since = try columns.numbers(Column.Session.since, bytes)
        holdTimes = try columns.numbers(Column.Session.holdTime, bytes)
        silentSince = try columns.numbers(Column.Session.silentSince, bytes)
        restartTimes = try columns.numbers(Column.Session.restartTime, bytes)
    }

    mutating func next(_ bytes: Span<UInt8>, now: Timestamp) throws(WireError) -> BGPSession {
        let flags = try flags.next(bytes)
        return BGPSession(
            name: "",
            protocolState: ProtocolState(rawValue: try protocolStates.code(bytes)) ?? .unknown,
            state: BGPState(rawValue: try states.code(bytes)) ?? .unknown,
            neighbor: try neighbors.next(bytes),
            neighborAS: try neighborASes.optional(bytes),
            localAS: try localASes.optional(bytes),
            since: try since.moment(bytes, before: now),
            isDisabled: flags & 1 != 0,
            isPeerRestarting: flags & 2 != 0,
            holdTime: try holdTimes.optional(bytes),
            silentSince: try silentSince.moment(bytes, before: now),
            restartTime: try restartTimes.optional(bytes)
        )
    }
}

private struct SessionTexts {
    var daemons: NumberColumn
    var names: NumberColumn
    var lastErrors: NumberColumn
    var firstErrors: NumberColumn
    var messages: NumberColumn
    var bfdStates: NumberColumn

    init(_ columns: SectionColumns, _ bytes: Span<UInt8>) throws(WireError) {
        daemons = try columns.numbers(Column.Session.daemon, bytes)
        names = try columns.numbers(Column.Session.name, bytes)
        lastErrors = try columns.numbers(Column.Session.lastError, bytes)
        firstErrors = try columns.numbers(Column.Session.firstError, bytes)
        messages = try columns.numbers(Column.Session.message, bytes)
        bfdStates = try columns.numbers(Column.Session.bfdState, bytes)
    }
}

/// One value a channel, of all sessions in turn.
private struct ChannelColumns {
    private var counts: NumberColumn
    private var names: NumberColumn
    private var states: NumberColumn
    private var flags: NumberColumn
    private var imported: NumberColumn
    private var filtered: NumberColumn
    private var exported: NumberColumn
    private var preferred: NumberColumn

    init(_ columns: SectionColumns, _ bytes: Span<UInt8>) throws(WireError) {
        counts = try columns.numbers(Column.Session.channelCount, bytes)
        names = try columns.numbers(Column.Session.channelName, bytes)
        states = try columns.numbers(Column.Session.channelState, bytes, usual: Usual.channelUp)
        flags = try columns.numbers(Column.Session.channelFlags, bytes)
        imported = try columns.numbers(Column.Session.imported, bytes)
        filtered = try columns.numbers(Column.Session.filtered, bytes)
        exported = try columns.numbers(Column.Session.exported, bytes)
        preferred = try columns.numbers(Column.Session.preferred, bytes)
    }

    /// How many of them the next session has.
    mutating func count(_ bytes: Span<UInt8>, atMost limit: Int) throws(WireError) -> Int {
        let count = try counts.next(bytes)
        guard count <= UInt64(limit) else {
            throw .tooLong(what: "channels", length: Int(clamping: count), limit: limit)
        }
        return Int(count)
    }

    mutating func next(
        _ bytes: Span<UInt8>,
        _ strings: Span<String>
    ) throws(WireError) -> BGPChannel {
        let flags = try flags.next(bytes)
        return BGPChannel(
            name: try names.string(bytes, strings),
            state: BGPChannel.State(rawValue: try states.code(bytes)) ?? .unknown,
            imported: try imported.optional(bytes),
            filtered: try filtered.optional(bytes),
            exported: try exported.optional(bytes),
            preferred: try preferred.optional(bytes),
            limitHit: flags & 1 != 0,
            isRecovering: flags & 2 != 0
        )
    }
}
