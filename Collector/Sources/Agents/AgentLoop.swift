// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Facts
import Foundation
import Routing
import TLS
import Wire

/// The loop behind `AgentListener`; used by its thread alone.
final class AgentLoop {
    private let settings: AgentListener.Settings
    private var identity: TLSIdentity
    private let listener: Int32
    private let wakeup: Wakeup
    private let clock: @Sendable () -> Timestamp
    /// Milliseconds of the Unix epoch, as the machine has them now: the other clock nobody sets.
    private let timeOfDay: (@Sendable () -> Int64)?
    private let deliver: @Sendable (String, AgentUpdate) -> Void
    private let log: @Sendable (String) -> Void

    private let events: EventLoop
    private var connections: [UInt64: AgentConnection] = [:]
    private var connectionOfNode: [String: UInt64] = [:]
    private var nextToken: UInt64 = 16
    private var nextSweep = Timestamp.zero
    private var nextIdentityCheck = Timestamp.zero
    private var logged: Set<String> = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private(set) var counters = AgentListenerCounters()

    private let handshakes = OperationQueue()
    /// As many as there are connections.
    private let finished = Finished<(UInt64, TLSSession.Progress)>()
    /// Nil where no tokens are taken.
    private let desk: ProofDesk?

    private enum Token {
        static let listener: UInt64 = 1
        static let wakeup: UInt64 = 2
    }

    init(
        _ settings: AgentListener.Settings,
        _ identity: TLSIdentity,
        listener: Int32,
        wakeup: Wakeup,
        clock: @escaping @Sendable () -> Timestamp,
        timeOfDay: (@Sendable () -> Int64)?,
        deliver: @escaping @Sendable (String, AgentUpdate) -> Void,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        self.settings = settings
        self.identity = identity
        self.listener = listener
        self.wakeup = wakeup
        self.clock = clock
        self.timeOfDay = timeOfDay
        self.deliver = deliver
        self.log = log
        desk = settings.tokens.map { ProofDesk($0, wakeup) }
        events = try EventLoop()
        try events.add(listener, .read, token: Token.listener)
        try events.add(wakeup.descriptor, .read, token: Token.wakeup)
        // Two cores' worth: more threads would only take the loop's own time.
        handshakes.maxConcurrentOperationCount = 2
    }

    /// Waits for something to do, at most a second, and does it.
    func turn() {
        let patience = desk?.deadline.map { $0 - clock() } ?? 1_000
        for ready in events.wait(milliseconds: min(max(patience, 0), 1_000)) {
            switch ready.token {
            case Token.listener: acceptWaiting()
            case Token.wakeup: finishHandshakes()
            default: serve(ready)
            }
        }
        let now = clock()
        if let desk { settle(desk.turn(now: now, timeOfDay: timeOfDay?())) }
        if now >= nextSweep { sweep(now) }
    }

    // MARK: - Accepting

    /// 64 a turn, so that a storm of reconnects leaves time for the streams there are.
    private func acceptWaiting() {
        for _ in 0..<64 {
            guard let descriptor = TCPSocket.accept(listener) else { return }
            guard connections.count < settings.connectionLimit else {
                close(descriptor)
                count("too many connections", from: "any")
                continue
            }
            begin(descriptor)
        }
    }

    private func begin(_ descriptor: Int32) {
        do {
            let session = try TLSSession(identity.context, descriptor: descriptor)
            let token = nextToken
            nextToken += 1
            try events.add(descriptor, .read, token: token)
            connections[token] = AgentConnection(descriptor, session, now: clock())
            counters.accepted += 1
        } catch {
            close(descriptor)
            count("\(error)", from: "any")
        }
    }

    // MARK: - Handshakes

    private func shakeHands(_ token: UInt64, _ connection: AgentConnection) {
        try? events.change(connection.descriptor, [], token: token)
        connection.isShaking = true
        handshakes.addOperation { [finished, wakeup, session = connection.session] in
            finished.append((token, session.handshake()))
            wakeup.wake()
        }
    }

    private func finishHandshakes() {
        wakeup.drain()
        for (token, progress) in finished.takeAll() { finishHandshake(token, progress) }
    }

    private func finishHandshake(_ token: UInt64, _ progress: TLSSession.Progress) {
        guard let connection = connections[token] else { return }
        connection.isShaking = false
        guard !connection.isDoomed else { return end(token, "handshake not finished in 10 s") }
        switch progress {
        case .done:
            let names = connection.session.peerNames
            connection.agent = AgentSession(
                names: names,
                takesTokens: desk != nil,
                asksCertificates: settings.files.ca != nil,
                patience: settings.patience,
                now: clock()
            )
            try? events.change(connection.descriptor, .read, token: token)
            // The first frames may have come with the last of the handshake.
            receive(token, connection)
        case .wantsRead: try? events.change(connection.descriptor, .read, token: token)
        case .wantsWrite: try? events.change(connection.descriptor, .write, token: token)
        case .ended: end(token, "closed during the handshake")
        case .failed(let reason): end(token, reason)
        }
    }

    // MARK: - Streams

    private func serve(_ ready: EventLoop.Ready) {
        guard let connection = connections[ready.token], !connection.isShaking else { return }
        guard connection.agent != nil else { return shakeHands(ready.token, connection) }
        if ready.canWrite { flush(ready.token, connection) }
        // The descriptor of one that is not read tells its end all the same.
        if connection.isPaused, ready.isBroken { return end(ready.token, "connection closed") }
        if ready.canRead || ready.isBroken { receive(ready.token, connection) }
    }

    private func receive(_ token: UInt64, _ connection: AgentConnection) {
        // Sixteen reads (1 MB) a turn: a flooding peer waits its turn like everybody.
        for _ in 0..<16 where !connection.isPaused {
            let (progress, count) = connection.session.read(into: &buffer)
            switch progress {
            case .done:
                let actions = connection.received(
                    buffer[..<count],
                    now: clock(),
                    timeOfDay: timeOfDay?()
                )
                if let tally = connection.agent?.takeTally() { counters.add(tally) }
                guard perform(actions, token, connection) else { return }
                if !connection.session.hasPending { return }
            case .wantsRead: return
            case .wantsWrite: return watch(token, connection)
            case .ended: return end(token, "connection closed")
            case .failed(let reason): return end(token, reason)
            }
        }
    }

    /// False once the connection is gone.
    private func perform(
        _ actions: [AgentSession.Action],
        _ token: UInt64,
        _ connection: AgentConnection
    ) -> Bool {
        for action in actions {
            switch action {
            case .send(let frame):
                connection.output += frame.encoded()
                // Replies are tiny; a peer that takes none of 64 KB is not an agent.
                guard connection.output.count <= 65_536 else {
                    end(token, "does not read replies")
                    return false
                }
            case .deliver(let node, let update):
                if case .connected = update { claim(node, token) }
                deliver(node, update)
            case .prove(let bearer):
                let answers = prove(bearer, token, connection)
                guard perform(answers, token, connection) else { return false }
            case .refuse(let reason):
                // What tells the agent why goes out if the socket takes it now.
                _ = connection.session.write(connection.output[...])
                end(token, reason)
                return false
            case .end:
                end(token, nil)
                return false
            }
        }
        flush(token, connection)
        return connections[token] != nil
    }

    private func prove(
        _ bearer: BearerToken,
        _ token: UInt64,
        _ connection: AgentConnection
    ) -> [AgentSession.Action] {
        let now = clock()
        let peer = TCPSocket.peerName(connection.descriptor)
        guard let outcome = desk?.ask(bearer, for: token, from: peer, now: now) else { return [] }
        return connection.agent?.reviewed(outcome, now: now) ?? []
    }

    /// Goes on with those whose token was reviewed.
    private func settle(_ answers: [TokenProofs.Answer]) {
        for (token, outcome) in answers {
            guard let connection = connections[token] else { continue }
            let actions = connection.agent?.reviewed(outcome, now: clock()) ?? []
            guard perform(actions, token, connection) else { continue }
            // What came while nothing was read.
            receive(token, connection)
        }
    }

    /// A node's newest connection is the one that counts: the older is a leftover of a lost link.
    private func claim(_ node: String, _ token: UInt64) {
        guard let old = connectionOfNode[node], old != token else {
            connectionOfNode[node] = token
            return
        }
        connectionOfNode[node] = token
        drop(old)
    }

    private func flush(_ token: UInt64, _ connection: AgentConnection) {
        while !connection.output.isEmpty {
            let (progress, count) = connection.session.write(connection.output[...])
            switch progress {
            case .done: connection.output.removeFirst(count)
            case .wantsRead, .wantsWrite: return watch(token, connection)
            case .ended: return end(token, "connection closed")
            case .failed(let reason): return end(token, reason)
            }
        }
        watch(token, connection)
    }

    private func watch(_ token: UInt64, _ connection: AgentConnection) {
        var interest: EventLoop.Interest = connection.isPaused ? [] : .read
        if !connection.output.isEmpty { interest.insert(.write) }
        guard connection.interest != interest else { return }
        connection.interest = interest
        try? events.change(connection.descriptor, interest, token: token)
    }

    // MARK: - Ending

    /// Every half second: streams and handshakes past their deadline.
    private func sweep(_ now: Timestamp) {
        nextSweep = now + 500
        if let desk { settle(desk.sweep(now: now)) }
        for (token, connection) in connections {
            if let agent = connection.agent {
                let actions = agent.timerFired(now: now)
                // Who waited in vain for a review tells that they take too long.
                if agent.isPaused, !actions.isEmpty { desk?.gaveUp(token, now: now) }
                _ = perform(actions, token, connection)
            } else if now - connection.opened > 10_000 {
                // The pool may hold the session: then it is ended when it comes back.
                if connection.isShaking {
                    connection.isDoomed = true
                } else {
                    end(token, "handshake not finished in 10 s")
                }
            }
        }
        if now >= nextIdentityCheck { checkIdentity(now) }
        counters.connections = connections.count
    }

    /// Every ten seconds: connections to come get new files; those that run keep the old ones.
    private func checkIdentity(_ now: Timestamp) {
        nextIdentityCheck = now + 10_000
        switch identity.refresh() {
        case .none: return
        case .renewed: log("certificate and key are read again")
        case .refused(let reason):
            log("the new certificate or key cannot be used, the old ones are: \(reason)")
        }
    }

    /// `reason` nil: the agent said goodbye.
    private func end(_ token: UInt64, _ reason: String?) {
        guard let connection = connections[token] else { return }
        let peer = TCPSocket.peerName(connection.descriptor)
        let node = connection.agent?.node
        drop(token)
        if let node, connectionOfNode[node] == token {
            connectionOfNode[node] = nil
            deliver(node, .disconnected(reason.map { .lost(reason: $0) } ?? .left))
        }
        if let reason, node == nil || reason != "connection closed" { count(reason, from: peer) }
    }

    private func drop(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        desk?.forget(token)
        events.remove(connection.descriptor)
        connection.session.close()
        close(connection.descriptor)
    }

    /// Counts a refusal, and logs it once for each peer and reason.
    private func count(_ reason: String, from peer: String) {
        // Reasons hold numbers that differ: their first words make the counter's label.
        let label = reason.split(separator: ":").first.map(String.init) ?? reason
        if counters.refused.count < 64 || counters.refused[label] != nil {
            counters.refused[label, default: 0] += 1
        }
        // A scanner may come from a thousand addresses; past that they are only counted.
        // That nobody can be proved is one matter, whomever it befalls.
        let whose = label == AgentSession.unproved ? "" : peer
        guard logged.count < 1_000, logged.insert(whose + label).inserted else { return }
        log("refused \(peer): \(reason)")
    }
}

/// One accepted connection.
final class AgentConnection {
    let descriptor: Int32
    let session: TLSSession
    let opened: Timestamp
    var agent: AgentSession?
    var output: [UInt8] = []
    var interest = EventLoop.Interest.read
    /// The handshake pool has the session now.
    var isShaking = false
    /// Past its deadline while the pool had it.
    var isDoomed = false
    var isPaused: Bool { agent?.isPaused ?? false }

    init(_ descriptor: Int32, _ session: TLSSession, now: Timestamp) {
        self.descriptor = descriptor
        self.session = session
        opened = now
    }

    func received(
        _ bytes: ArraySlice<UInt8>,
        now: Timestamp,
        timeOfDay: Int64?
    ) -> [AgentSession.Action] {
        agent?.clockOffset = timeOfDay.map { $0 - now.milliseconds } ?? 0
        return agent?.received(bytes, now: now) ?? []
    }
}
