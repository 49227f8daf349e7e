// SPDX-License-Identifier: Apache-2.0
import BIRD
import EventLoop
import Glibc
import Netlink
import Routing

/// One BIRD daemon: a fresh session each poll, and where BIRD has `echo` a second session that
/// only hints that something moved. Polling is the truth.
final class BIRDInstance {
    private(set) var path: String
    /// Where else BIRD may turn up, if nobody said where it is.
    private let otherPlaces: [String]
    private let interval: Int64
    private let supernets: [Prefix]
    private let token: UInt64
    private let loop: EventLoop
    private let log: AgentLog

    private var poll: BIRDPoll?
    private var socket: ControlSocket?
    private var pollBegan = Timestamp.zero
    private var nextPoll: Timestamp
    /// Hints that came while a poll was under way, or lately: when to look again.
    private var hintedPolls: [Timestamp] = []

    private var echo: EchoSession?
    private var echoSocket: ControlSocket?
    private var nextEcho: Timestamp

    private var disabling = Disabling()
    /// Polls in a row without an answer.
    private var silences = 0
    /// It was read once: then it is there that BIRD comes back.
    private var hasAnswered = false

    /// What the last whole poll gave, and since when its condition holds.
    private(set) var reading: BIRDReading?
    private(set) var conditionSince: Timestamp

    /// BIRD can be asked ten times a second for a while (0.1 ms of its time each).
    private static let spacing: Int64 = 100
    /// A log line comes while BIRD is still at it: look at once, and when it has settled.
    private static let afterHint: [Int64] = [0, 150, 600]
    /// While a session is down it is looked at each second: its return is news too.
    private static let restless: Int64 = 1_000
    /// One greeting that came too late on a loaded machine must not blind a slow interval.
    private static let longestRest: Int64 = 5_000
    /// A new echo session is tried every 30 s; it is a hint only.
    private static let echoRetry: Int64 = 30_000

    init(
        path: String,
        otherPlaces: [String] = [],
        interval: Int64,
        supernets: [Prefix],
        token: UInt64,
        loop: EventLoop,
        log: AgentLog,
        now: Timestamp
    ) {
        self.path = path
        self.otherPlaces = otherPlaces
        self.interval = interval
        self.supernets = supernets
        self.token = token
        self.loop = loop
        self.log = log
        nextPoll = now
        nextEcho = now
        conditionSince = now
    }

    /// A frozen BIRD is named within one interval: its silence takes the greeting's deadline, and
    /// some of the turn.
    private var period: Int64 { max(interval / 2, interval - BIRDPoll.greetingLimit - 200) }

    var deadline: Timestamp {
        let polling =
            poll?.deadline
            ?? max(min(nextPoll, hintedPolls.min() ?? nextPoll), pollBegan + Self.spacing)
        return echo == nil ? min(polling, nextEcho) : polling
    }

    /// Something moved: look now, and again soon.
    func hint(now: Timestamp) {
        hintedPolls = Self.afterHint.map { now + $0 }
    }

    /// True if there is a new reading.
    func timerFired(_ kernel: KernelRIB, now: Timestamp) -> Bool {
        if echo == nil, now >= nextEcho { openEcho(now: now) }
        if var current = poll {
            let actions = current.timerFired(now: now)
            poll = current
            return perform(actions, now: now)
        }
        guard now >= pollBegan + Self.spacing else { return false }
        let isHinted = hintedPolls.contains { now >= $0 }
        hintedPolls.removeAll { now >= $0 }
        guard isHinted || now >= nextPoll else { return false }
        return begin(kernel.localPrefixes, now: now)
    }

    /// True if there is a new reading.
    func ready(isEcho: Bool, now: Timestamp) -> Bool {
        guard !isEcho else {
            receiveEcho(now: now)
            return false
        }
        guard let socket, var current = poll else { return false }
        // A reply of 8 MB is the cap; 32 reads of 64 KB a turn leave room for everything else.
        for _ in 0..<32 {
            let actions: [BIRDPoll.Action]
            switch socket.read() {
            case .bytes(let bytes): actions = current.received(bytes, now: now)
            case .nothing:
                poll = current
                return false
            case .ended: actions = current.failed(.closed, now: now)
            case .failed(let condition): actions = current.failed(condition, now: now)
            }
            poll = current
            if perform(actions, now: now) { return true }
            guard let next = poll else { return false }
            current = next
        }
        return false
    }

    func close() {
        dropPoll()
        dropEcho(now: pollBegan)
    }

    // MARK: - Polling

    /// `prefixes` are the kernel's: what BIRD is asked about, beside its own statics.
    private func begin(_ prefixes: [Prefix], now: Timestamp) -> Bool {
        pollBegan = now
        lookElsewhere()
        var next = BIRDPoll(prefixes: prefixes, supernets: supernets, now: now)
        switch ControlSocket.open(path: path) {
        case .failure(let condition):
            poll = next
            let actions = next.failed(condition, now: now)
            return perform(actions, now: now)
        case .success(let opened):
            socket = opened
            do throws(SystemError) {
                try loop.add(opened.descriptor, .read, token: token)
            } catch {
                return perform(next.failed(.malformed("\(error)"), now: now), now: now)
            }
            let actions = next.connected(now: now)
            poll = next
            return perform(actions, now: now)
        }
    }

    private func lookElsewhere() {
        guard !hasAnswered,
            reading?.condition == .noSocket || reading?.condition == .noDirectory,
            let found = otherPlaces.first(where: { access($0, F_OK) == 0 })
        else { return }
        log.notice("BIRD's socket is \(found)")
        path = found
    }

    private func perform(_ actions: [BIRDPoll.Action], now: Timestamp) -> Bool {
        for action in actions {
            switch action {
            case .send(let bytes):
                guard socket?.write(bytes) == false, var current = poll else { continue }
                // 255 bytes into an empty socket buffer: not taking them means it is closed.
                return perform(current.failed(.closed, now: now), now: now)
            case .finish(let reading):
                dropPoll()
                return take(reading, now: now)
            }
        }
        return false
    }

    private func take(_ fresh: BIRDReading, now: Timestamp) -> Bool {
        var settled = fresh.settled(comparedTo: reading)
        // Our own sessions that a frozen BIRD has not accepted fill its backlog: the same silence.
        if settled.condition == .backlogFull, reading?.condition == .noGreeting {
            settled.condition = .noGreeting
        }
        hasAnswered = hasAnswered || settled.condition == .readable
        let confirmation = disabling.confirm(&settled, now: now)
        if settled.condition != reading?.condition {
            conditionSince = now
            // A BIRD that is back may hint again.
            if settled.condition == .readable { nextEcho = now }
            log.notice("BIRD at \(path): \(settled.condition.words)")
        }
        nextPoll = next(after: settled, now: now)
        if let confirmation { nextPoll = min(nextPoll, confirmation) }
        let isNew = settled != reading
        reading = settled
        return isNew
    }

    /// A BIRD that does not answer is left alone for longer each time; one that answers slowly has as
    /// long to itself as it took. While a session is down it is looked at each second.
    private func next(after reading: BIRDReading, now: Timestamp) -> Timestamp {
        switch reading.condition {
        case .noGreeting, .noAnswer, .backlogFull:
            silences = min(silences + 1, 2)
            return now + min(period, Self.longestRest) << Int64(silences - 1)
        default: silences = 0
        }
        let isRestless =
            reading.condition != .readable
            || reading.sessions.contains { !$0.isEstablished && !$0.isDisabled }
        let wanted = pollBegan + (isRestless ? min(period, Self.restless) : period)
        return max(wanted, now + (now - pollBegan))
    }

    /// A confirmation of what was read is still to come.
    var isConfirming: Bool { disabling.isPending }

    private func dropPoll() {
        if let socket { loop.remove(socket.descriptor) }
        socket = nil
        poll = nil
    }

    // MARK: - Echo

    private func openEcho(now: Timestamp) {
        nextEcho = now + Self.echoRetry
        guard case .success(let opened) = ControlSocket.open(path: path) else { return }
        guard (try? loop.add(opened.descriptor, .read, token: token | echoBit)) != nil else {
            return
        }
        echoSocket = opened
        echo = EchoSession(now: now)
    }

    private func receiveEcho(now: Timestamp) {
        guard let socket = echoSocket, var session = echo else { return }
        switch socket.read() {
        case .nothing: return
        case .ended, .failed:
            dropEcho(now: now)
            // BIRD went away: the socket will say how.
            hint(now: now)
        case .bytes(let bytes):
            let actions = session.received(bytes, now: now)
            echo = session
            for action in actions { performEcho(action, socket, now: now) }
        }
    }

    private func performEcho(
        _ action: EchoSession.Action,
        _ socket: ControlSocket,
        now: Timestamp
    ) {
        switch action {
        case .send(let bytes): _ = socket.write(bytes)
        case .moved, .lost: hint(now: now)
        case .unsupported, .failed: dropEcho(now: now)
        }
    }

    private func dropEcho(now: Timestamp) {
        if let echoSocket { loop.remove(echoSocket.descriptor) }
        echoSocket = nil
        echo = nil
        nextEcho = now + Self.echoRetry
    }
}

/// Tells the echo session's descriptor from the poll's in a token.
let echoBit: UInt64 = 1 << 32
