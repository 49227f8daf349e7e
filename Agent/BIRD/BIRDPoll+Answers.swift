// SPDX-License-Identifier: Apache-2.0
import Routing

/// What each answer adds to the reading, and what is to be asked because of it.
extension BIRDPoll {
    /// A condition if the whole poll must end.
    mutating func answer(
        _ question: Command,
        _ reply: Reply,
        now: Timestamp
    ) -> BIRDCondition? {
        switch question {
        case .restrict:
            return reply.code == 16 ? nil : .unrestricted
        case .timeFormat, .echo: return nil
        case .status: return takeStatus(reply)
        case .protocols: return takeProtocols(reply, now: now)
        case .staticRoutes(let name): return takeStatics(reply, name)
        case .bfdSessions: takeBFD(reply)
        case .route(let prefix): return takeRoute(reply, prefix)
        case .exported(let prefix, let name): takeExported(reply, prefix, name)
        case .export(let prefix, let name): takeExport(reply, prefix, name)
        case .noExport(let prefix, let name): takeNoExport(reply, prefix, name)
        case .exportCount(let name): takeExportCount(reply, name)
        }
        return nil
    }

    private mutating func takeStatus(_ reply: Reply) -> BIRDCondition? {
        guard reply.code == 13 else { return .malformed("show status was answered \(reply.code)") }
        let status = StatusReply(reply)
        if status.isShuttingDown { return .shuttingDown }
        if !status.version.isEmpty { reading.version = status.version }
        reading.routerID = status.routerID
        reading.lastReboot = status.lastReboot
        reading.lastReconfiguration = status.lastReconfiguration
        reading.isReconfiguring = status.isReconfiguring
        reading.isRecovering = status.isRecovering
        serverTime = status.serverTime
        return nil
    }

    private mutating func takeProtocols(_ reply: Reply, now: Timestamp) -> BIRDCondition? {
        guard reply.code == 0 else {
            return .malformed("show protocols was answered \(reply.code)")
        }
        let listed = ProtocolReply.all(reply)
        // A list with a gap would make a session look deleted.
        guard listed.unknown == 0 else { return .malformed("a protocol's row cannot be read") }
        protocols = listed.protocols
        reading.sessions = protocols.compactMap { $0.session(serverTime: serverTime, now: now) }
            .sorted { $0.name < $1.name }
        guard reading.sessions.count <= Self.sessionLimit else {
            return .malformed("more than \(Self.sessionLimit) BGP sessions")
        }
        for entry in protocols where entry.kind == "BGP" {
            reading.sinceTexts[entry.name] = entry.since
        }
        questions += protocols.filter { $0.kind == "BFD" && $0.state == .up }
            .prefix(Self.bfdLimit).map { .bfdSessions($0.name) }
        // A static protocol that is down holds nothing, and cannot be asked.
        reading.isStaticDown = protocols.contains { $0.kind == "Static" && $0.state == .down }
        questions += protocols.filter { $0.kind == "Static" && $0.state == .up }
            .map { .staticRoutes($0.name) }
        planPrefixesAfterStatics()
        return nil
    }

    /// Of a session that does not use BFD nothing is said.
    private mutating func takeBFD(_ reply: Reply) {
        let states = BFDReply(reply).states
        for index in reading.sessions.indices {
            guard let neighbor = reading.sessions[index].neighbor, let state = states[neighbor]
            else { continue }
            reading.sessions[index].bfdState = state
        }
    }

    /// Only those inside the supernets: a BIRD may hold a million others.
    private mutating func takeStatics(_ reply: Reply, _ name: String) -> BIRDCondition? {
        if reply.hasOverflow { return .malformed("a static route's line is too long for BIRD") }
        if reply.code == 0 {
            reading.statics += StaticReply(reply, protocolName: name).statics.filter { route in
                supernets.contains { $0.contains(route.prefix) }
            }
        }
        guard reading.statics.count <= Self.staticLimit else {
            return .malformed("more than \(Self.staticLimit) static routes in the pod supernets")
        }
        planPrefixesAfterStatics()
        return nil
    }

    mutating func planPrefixesAfterStatics() {
        let isLast = !questions.contains { if case .staticRoutes = $0 { true } else { false } }
        guard isLast else { return }
        let own = reading.statics.map(\.prefix)
        // The kernel's first: what the node uses matters more than what BIRD was told.
        var chosen: Set<Prefix> = []
        for prefix in prefixes.sorted() + own.sorted() where chosen.count < Self.prefixLimit {
            chosen.insert(prefix)
        }
        questions += chosen.sorted().map { .route($0) }
    }

    /// A table that cannot be asked must not look like one that lacks the route.
    private mutating func takeRoute(_ reply: Reply, _ prefix: Prefix) -> BIRDCondition? {
        switch reply.code {
        case 0 where reply.hasOverflow: return .malformed("a route's line is too long for BIRD")
        case 0: add(RouteReply(reply).routes, of: prefix)
        case 8001: break
        // 3.x without any table of the family: "No valid tables".
        case 9001 where ExportReply(reply, prefix: prefix) == .channelDown: break
        // BIRD 1.6 is two daemons: this one does not speak the prefix's family.
        case 9001: return nil
        case 8004: return .reconfiguring
        default: return .malformed("show route was answered \(reply.code)")
        }
        for entry in protocols where entry.kind == "BGP" && !entry.isListener {
            guard entry.serves(prefix.family) else { continue }
            plan(ExportKey(uplink: entry.name, prefix: prefix), entry)
        }
        return nil
    }

    /// Asks even where the default table lacks the prefix: a session may have a table of its own.
    private mutating func plan(_ key: ExportKey, _ entry: ProtocolReply) {
        if entry.isDown(key.prefix.family) {
            reading.exports[key] = .channelDown
        } else if questions.count >= Self.exportLimit {
            reading.exports[key] = .unknown("too many exports to ask about")
        } else {
            questions.append(.exported(key.prefix, key.uplink))
        }
    }

    private mutating func add(_ routes: [BIRDRoute], of prefix: Prefix) {
        for route in routes where route.prefix == prefix {
            let isKnown = reading.routes.contains {
                $0.prefix == prefix && $0.table == route.table
                    && $0.protocolName == route.protocolName
            }
            if !isKnown { reading.routes.append(route) }
        }
    }

    // MARK: - Exports

    private mutating func takeExported(_ reply: Reply, _ prefix: Prefix, _ name: String) {
        switch ExportReply(reply, prefix: prefix) {
        case .rows(let rows): record(.sent, rows, prefix, name)
        case .none: questions.insert(.noExport(prefix, name), at: 0)
        // Whether the word is unknown or the protocol has just gone, `export` tells.
        case .notUnderstood: questions.insert(.export(prefix, name), at: 0)
        case let other: record(verdict(other), [], prefix, name)
        }
    }

    private mutating func takeExport(_ reply: Reply, _ prefix: Prefix, _ name: String) {
        let outcome = ExportReply(reply, prefix: prefix)
        if outcome != .notUnderstood { forgetExported() }
        switch outcome {
        case .rows(let rows):
            let entry = protocols.first { $0.name == name }
            record(entry?.acceptedAnswer(prefix.family) ?? .accepted, rows, prefix, name)
        case .none: questions.insert(.noExport(prefix, name), at: 0)
        case let other: record(verdict(other), [], prefix, name)
        }
    }

    /// Asked only where `exported` or `export` had no row: a row says that the filter is why.
    private mutating func takeNoExport(_ reply: Reply, _ prefix: Prefix, _ name: String) {
        switch ExportReply(reply, prefix: prefix) {
        case .rows(let rows): record(.rejectedByFilter, rows, prefix, name)
        case .none: record(.notSent, [], prefix, name)
        case let other: record(verdict(other), [], prefix, name)
        }
    }

    /// A row also shows a route that stands in no default table.
    private mutating func record(
        _ answer: ExportAnswer,
        _ rows: [BIRDRoute],
        _ prefix: Prefix,
        _ name: String
    ) {
        reading.exports[ExportKey(uplink: name, prefix: prefix)] = answer
        add(rows, of: prefix)
    }

    private mutating func forgetExported() {
        guard knowsExported else { return }
        knowsExported = false
        questions = questions.map { question in
            if case .exported(let prefix, let name) = question { return .export(prefix, name) }
            return question
        }
        // Every uplink's once, after all that is asked about it.
        questions += protocols.filter { $0.kind == "BGP" && !$0.isListener }
            .map { .exportCount($0.name) }
    }

    /// A BIRD without `exported` runs the filter anew for each question. If it accepts another number
    /// of routes now than were sent, the filter was changed and the routes were not (`configure
    /// soft`): which of them the peer has is not known, unless it has none.
    private mutating func takeExportCount(_ reply: Reply, _ name: String) {
        guard let entry = protocols.first(where: { $0.name == name }),
            let accepted = Self.routeCount(reply)
        else { return }
        let sent = entry.exportedTotal
        guard let sent, sent > 0, sent != accepted else { return }
        let reason = "the filter accepts \(accepted) routes now and \(sent) were sent"
        for (key, answer) in reading.exports where key.uplink == name {
            guard [.accepted, .rejectedByFilter, .notSent].contains(answer) else { continue }
            reading.exports[key] = .unknown(reason)
        }
    }

    /// `1 of 3 routes for 3 networks in table master4`, a line a table; with several a total follows.
    private static func routeCount(_ reply: Reply) -> Int? {
        let counts = reply.lines.compactMap { line -> Int? in
            let words = line.text.words
            guard words.count > 3, words[1] == "of", words[3] == "routes" else { return nil }
            return Int(words[0])
        }
        return counts.isEmpty ? nil : counts.reduce(0, +)
    }

    private func verdict(_ reply: ExportReply) -> ExportAnswer {
        switch reply {
        case .notInTable: .notInTable
        case .channelDown: .channelDown
        case .notUnderstood: .unknown("BIRD does not understand the question")
        case .unreadable(let reason): .unknown(reason)
        case .rows, .none: .unknown("BIRD answered something else")
        }
    }
}
