// SPDX-License-Identifier: Apache-2.0
package import Routing

/// One poll of one daemon on a fresh control session: a machine without socket or clock.
///
///     greeting → restrict → timeformat → status → protocols → each static → each prefix:
///     route → for each session exported (→ noexport | export) → finished
///
/// One command is outstanding at a time, so BIRD's 1,023-byte read buffer is never at risk. Every
/// reply is read to its end; any breach ends the session at once.
package struct BIRDPoll {
    package enum Action: Equatable {
        case send([UInt8])
        /// The poll is over: close the socket.
        case finish(BIRDReading)
    }

    private let supernets: [Prefix]
    private let deadlineAt: Timestamp
    private var greetingAt: Timestamp?
    private var prefixes: [Prefix]
    private var reader = ReplyReader()
    private var reading = BIRDReading(condition: .starting)
    private var protocols: [ProtocolReply] = []
    private var serverTime = ""
    /// What is still to be asked, in order; the first is under way.
    private var questions: [Command] = []
    private var hasGreeted = false
    private var hasRetried = false
    /// False once `exported` was a syntax error: before 2.0.8.
    private var knowsExported = true

    /// The greeting comes at once from a live daemon; a frozen one accepts and says nothing.
    private static let greetingLimit: Int64 = 2_000
    private static let pollLimit: Int64 = 5_000
    /// A node owns one or a few CIDRs; Calico's blocks on one node are a few dozen.
    private static let prefixLimit = 64

    /// `prefixes` are the kernel's pod CIDRs; BIRD's own statics inside `supernets` are added.
    package init(prefixes: [Prefix], supernets: [Prefix], now: Timestamp) {
        self.supernets = supernets
        self.prefixes = Array(prefixes.prefix(Self.prefixLimit))
        deadlineAt = now + Self.pollLimit
        greetingAt = now + Self.greetingLimit
    }

    /// Nil once finished.
    package var deadline: Timestamp? { greetingAt.map { min($0, deadlineAt) } ?? deadlineAt }

    package mutating func connected(now: Timestamp) -> [Action] { [] }

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [Action] {
        do throws(ReplyError) {
            for case .reply(let reply) in try reader.read(bytes) {
                let actions = take(reply, now: now)
                if !actions.isEmpty { return actions }
            }
            return []
        } catch {
            return fail(.malformed("\(error)"))
        }
    }

    /// The connection could not be made or ended.
    package mutating func failed(_ condition: BIRDCondition, now: Timestamp) -> [Action] {
        fail(condition)
    }

    package mutating func timerFired(now: Timestamp) -> [Action] {
        guard let deadline, now >= deadline else { return [] }
        return fail(.noAnswer)
    }

    private func fail(_ condition: BIRDCondition) -> [Action] {
        var empty = BIRDReading(condition: condition)
        empty.version = reading.version
        return [.finish(empty)]
    }

    // MARK: - Replies

    private mutating func take(_ reply: Reply, now: Timestamp) -> [Action] {
        guard hasGreeted else { return greet(reply) }
        guard let question = questions.first else { return fail(.malformed("reply to nothing")) }
        // A table that is being reconfigured ends with 8004: ask once more, at once.
        if reply.code == 8004, !hasRetried {
            hasRetried = true
            return ask()
        }
        hasRetried = false
        questions.removeFirst()
        if let condition = answer(question, reply, now: now) { return fail(condition) }
        return ask()
    }

    private mutating func greet(_ reply: Reply) -> [Action] {
        guard reply.code == 1 else { return fail(.malformed("greeting \(reply.code)")) }
        hasGreeted = true
        greetingAt = nil
        let words = (reply.lines.last?.text ?? "").words
        reading.version = words.count > 1 ? words[1].bounded(64) : ""
        questions = [.restrict, .timeFormat, .status, .protocols]
        return ask()
    }

    private mutating func ask() -> [Action] {
        while let next = questions.first {
            if let line = next.line { return [.send(line)] }
            // A name that may not be sent: what it would have told stays unknown.
            questions.removeFirst()
            refuse(next)
        }
        reading.condition = .readable
        return [.finish(reading)]
    }

    private mutating func refuse(_ command: Command) {
        guard case .exported(let prefix, let name) = command else { return }
        let key = ExportKey(uplink: name, prefix: prefix)
        reading.exports[key] = .unknown("its name cannot be asked about")
    }

    /// A condition if the whole poll must end.
    private mutating func answer(
        _ question: Command,
        _ reply: Reply,
        now: Timestamp
    ) -> BIRDCondition? {
        switch question {
        case .restrict:
            return reply.code == 16 ? nil : .malformed("restrict answered \(reply.code)")
        case .timeFormat, .echo: return nil
        case .status: return takeStatus(reply)
        case .protocols: return takeProtocols(reply, now: now)
        case .staticRoutes(let name): takeStatics(reply, name)
        case .route(let prefix): takeRoute(reply, prefix)
        case .exported(let prefix, let name): takeExported(reply, prefix, name)
        case .export(let prefix, let name):
            let key = ExportKey(uplink: name, prefix: prefix)
            reading.exports[key] = exportAnswer(reply, whenSent: .accepted)
            if reading.exports[key] == nil { questions.insert(.noExport(prefix, name), at: 0) }
        case .noExport(let prefix, let name):
            let isRejected = reply.code == 0 && !RouteReply.routes(reply).isEmpty
            let answer: ExportAnswer =
                reply.code == 0
                ? (isRejected ? .rejectedByFilter : .notSent) : .unknown("answer \(reply.code)")
            reading.exports[ExportKey(uplink: name, prefix: prefix)] = answer
        }
        return nil
    }

    private mutating func takeStatus(_ reply: Reply) -> BIRDCondition? {
        guard reply.code == 13 else { return .malformed("status answered \(reply.code)") }
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
        guard reply.code == 0 else { return .malformed("protocols answered \(reply.code)") }
        protocols = ProtocolReply.all(reply).protocols
        reading.sessions = protocols.compactMap { $0.session(serverTime: serverTime, now: now) }
            .sorted { $0.name < $1.name }
        for entry in protocols where entry.kind == "BGP" {
            reading.sinceTexts[entry.name] = entry.since
        }
        // 1.6 has no channels; a static protocol that is down holds nothing.
        questions += protocols.filter { $0.kind == "Static" && $0.state == .up }
            .map { .staticRoutes($0.name) }
        if questions.isEmpty { planPrefixes() }
        return nil
    }

    private mutating func takeStatics(_ reply: Reply, _ name: String) {
        if reply.code == 0 {
            reading.statics += RouteReply.statics(reply, protocolName: name)
        }
        let isLast = !questions.contains {
            if case .staticRoutes = $0 { true } else { false }
        }
        if isLast { planPrefixes() }
    }

    private mutating func planPrefixes() {
        let own = reading.statics.map(\.prefix).filter { prefix in
            supernets.contains { $0.contains(prefix) }
        }
        prefixes = Array(Set(prefixes).union(own).sorted().prefix(Self.prefixLimit))
        questions += prefixes.map { .route($0) }
    }

    private mutating func takeRoute(_ reply: Reply, _ prefix: Prefix) {
        if reply.code == 0 {
            reading.routes += RouteReply.routes(reply).filter { $0.prefix == prefix }
        }
        let sessions = reading.sessions.filter { serves($0, prefix) }
        // Ask about the exports of this prefix before the next prefix.
        let isKnown = reply.code == 0 || reply.code == 14
        for session in sessions {
            let key = ExportKey(uplink: session.name, prefix: prefix)
            if reply.code == 8001 {
                reading.exports[key] = session.isEstablished ? .notInTable : .channelDown
            } else if !session.isEstablished {
                reading.exports[key] = .channelDown
            } else if !isKnown {
                reading.exports[key] = .unknown("answer \(reply.code)")
            } else {
                questions.append(
                    knowsExported ? .exported(prefix, session.name) : .export(prefix, session.name)
                )
            }
        }
    }

    private func serves(_ session: BGPSession, _ prefix: Prefix) -> Bool {
        let family = prefix.family == .ipv4 ? "ipv4" : "ipv6"
        return session.channels.isEmpty || session.channels.contains { $0.name == family }
    }

    private mutating func takeExported(_ reply: Reply, _ prefix: Prefix, _ name: String) {
        if isSyntaxError(reply) {
            // The protocol exists (it was just listed), so it is the word that is unknown.
            knowsExported = false
            questions = questions.map { question in
                if case .exported(let prefix, let name) = question { return .export(prefix, name) }
                return question
            }
            questions.insert(.export(prefix, name), at: 0)
            return
        }
        let answer = exportAnswer(reply, whenSent: .sent)
        reading.exports[ExportKey(uplink: name, prefix: prefix)] = answer
        if answer == nil { questions.insert(.noExport(prefix, name), at: 0) }
    }

    /// Nil: in the table, not sent; `noexport` tells why.
    private func exportAnswer(_ reply: Reply, whenSent sent: ExportAnswer) -> ExportAnswer? {
        switch reply.code {
        case 0, 14: RouteReply.routes(reply).isEmpty ? nil : sent
        case 8001: .notInTable
        case 8005: .channelDown
        case 9001 where isSyntaxError(reply): .unknown("BIRD does not know the question")
        case 9001: .channelDown
        default: .unknown("answer \(reply.code)")
        }
    }

    private func isSyntaxError(_ reply: Reply) -> Bool {
        reply.code == 9001 && (reply.lines.last?.text ?? "").lowercased().contains("syntax error")
    }
}
