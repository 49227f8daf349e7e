// SPDX-License-Identifier: Apache-2.0
package import Routing

/// One poll of one daemon on a fresh control session: a machine without socket or clock.
///
///     greeting → restrict → timeformat → status → protocols → each BFD → each static →
///     each prefix: route → for each session exported (→ noexport | export) → finished
///
/// One command is outstanding at a time, so BIRD's 1,023-byte read buffer is never at risk. Every
/// reply is read to its end; any breach ends the session at once.
package struct BIRDPoll {
    package enum Action: Equatable {
        case send([UInt8])
        /// The poll is over: close the socket.
        case finish(BIRDReading)
    }

    let supernets: [Prefix]
    var prefixes: [Prefix]
    var reading = BIRDReading(condition: .starting)
    var protocols: [ProtocolReply] = []
    var serverTime = ""
    /// What is still to be asked, in order; once greeted the first is under way.
    var questions: [Command] = []
    /// False once `export` was understood where `exported` was not: before 2.0.8.
    var knowsExported = true

    private let deadlineAt: Timestamp
    private var greetingAt: Timestamp?
    private var reader = ReplyReader()
    private var hasGreeted = false
    private var hasRetried = false
    private var isOver = false

    /// The greeting comes at once from a live daemon, after a tenth of a second from one that prints
    /// 100,000 routes to somebody else; a frozen one accepts and says nothing.
    package static let greetingLimit: Int64 = 1_000
    private static let pollLimit: Int64 = 5_000
    /// A node owns one or a few CIDRs; Calico's blocks on one node are a few dozen.
    static let prefixLimit = 64
    /// A daemon has one BFD protocol, or one for each of its VRFs.
    static let bfdLimit = 8
    /// A route server's; a frame to the collector holds the texts of as many.
    static let sessionLimit = 2_048
    /// A frame holds them beside all of the kernel's routes.
    static let staticLimit = 16_384
    /// Questions about exports in one poll: 0.03 ms each, so all fit well into the deadline.
    static let exportLimit = 2_048

    /// `prefixes` are the kernel's pod CIDRs; BIRD's own statics inside `supernets` are added.
    package init(prefixes: [Prefix], supernets: [Prefix], now: Timestamp) {
        self.supernets = supernets
        self.prefixes = prefixes
        deadlineAt = now + Self.pollLimit
        greetingAt = now + Self.greetingLimit
    }

    /// Nil once finished.
    package var deadline: Timestamp? {
        guard !isOver else { return nil }
        return greetingAt.map { min($0, deadlineAt) } ?? deadlineAt
    }

    /// BIRD speaks first: there is nothing to send yet.
    package mutating func connected(now: Timestamp) -> [Action] { [] }

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [Action] {
        guard !isOver else { return [] }
        var events: [ReplyReader.Event] = []
        var breach: ReplyError?
        do throws(ReplyError) {
            try reader.read(bytes, into: &events)
        } catch {
            breach = error
        }
        var actions: [Action] = []
        for case .reply(let reply) in events where !isOver { actions += take(reply, now: now) }
        if let breach, !isOver { actions += finish(.malformed(breach.description)) }
        return actions
    }

    /// The connection could not be made or ended.
    package mutating func failed(_ condition: BIRDCondition, now: Timestamp) -> [Action] {
        isOver ? [] : finish(condition)
    }

    package mutating func timerFired(now: Timestamp) -> [Action] {
        guard let deadline, now >= deadline else { return [] }
        return finish(hasGreeted ? .noAnswer : .noGreeting)
    }

    private mutating func finish(_ condition: BIRDCondition) -> [Action] {
        isOver = true
        reading.condition = condition
        guard condition != .readable else { return [.finish(reading)] }
        // No half lists: what was read up to here may miss just what is asked about.
        var empty = BIRDReading(condition: condition)
        empty.version = reading.version
        return [.finish(empty)]
    }

    // MARK: - Asking

    private mutating func take(_ reply: Reply, now: Timestamp) -> [Action] {
        guard hasGreeted else { return greet(reply) }
        guard let question = questions.first else {
            return finish(.malformed("a reply that nothing asked for"))
        }
        // A table that is being reconfigured ends with 8004: ask once more, at once.
        if reply.code == 8004, !hasRetried {
            hasRetried = true
            return ask()
        }
        hasRetried = false
        questions.removeFirst()
        if let condition = answer(question, reply, now: now) { return finish(condition) }
        return ask()
    }

    private mutating func greet(_ reply: Reply) -> [Action] {
        guard reply.code == 1 else { return finish(.malformed("its greeting is \(reply.code)")) }
        hasGreeted = true
        greetingAt = nil
        let words = reply.text.words
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
        return finish(.readable)
    }

    private mutating func refuse(_ command: Command) {
        switch command {
        case .staticRoutes: planPrefixesAfterStatics()
        case .exported(let prefix, let name), .export(let prefix, let name):
            let key = ExportKey(uplink: name, prefix: prefix)
            reading.exports[key] = .unknown("its name cannot be asked about")
        default: return
        }
    }
}
