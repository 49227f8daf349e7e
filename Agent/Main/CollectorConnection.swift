// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import Release
import Reporting
import Routing
import TLS
import Wire

/// One collector: its stream machine, and the socket and TLS session that carry it.
final class CollectorConnection {
    private enum Link {
        case none
        case resolving(NameResolution)
        case connecting(Int32)
        case shaking(Int32, TLSSession)
        case open(Int32, TLSSession)
        /// Goodbye is said; the collector closes once it has read it.
        case leaving(Int32, TLSSession)
    }

    /// However seldom BIRD is asked, a collector hears that the node lives: it calls one silent after
    /// fifteen seconds unless it is configured otherwise.
    private static let longestSilence: Int64 = 5_000
    /// Two of the largest frames: a collector that asks for more and reads nothing is none.
    private static let outputLimit = 8 << 20

    let name: String
    private let collector: AgentOptions.Collector
    private let identity: AgentIdentity
    private let serverName: String
    private let token: UInt64
    private let loop: EventLoop
    private let log: AgentLog
    private var stream: ReportStream
    private var link = Link.none
    /// What the resolver said last, tried in turn.
    private var addresses: [SocketAddress] = []
    private var attempts = 0
    /// Of the session that runs, or of the last one that did.
    private var resumption: TLSResumption?
    private var output: [UInt8] = []
    private var interest = EventLoop.Interest.read
    /// The last failure told, so that a dead collector costs one line, not one each retry.
    private var told: String?
    private var isAccepted = false
    /// Which of the identity's tokens the collector has, and since when.
    private var handed = (serial: 0, at: Timestamp.zero)
    /// A collector takes them no faster than each five seconds.
    private static let tokenPause: Int64 = 10_000

    init(
        _ collector: AgentOptions.Collector,
        _ options: AgentOptions,
        identity: AgentIdentity,
        token: UInt64,
        loop: EventLoop,
        now: Timestamp
    ) {
        self.collector = collector
        self.identity = identity
        self.token = token
        self.loop = loop
        log = options.log
        name = "\(collector.host):\(collector.port)"
        serverName = options.serverName ?? collector.host
        let hello = AgentFrame.Hello(
            node: options.node,
            interval: UInt32(clamping: min(options.interval, Self.longestSilence)),
            agentVersion: version
        )
        stream = ReportStream(hello: hello, seed: UInt64.random(in: 1 ... .max), now: now)
    }

    var deadline: Timestamp { stream.deadline }

    /// The fact table changed, or the deadline has passed.
    func proceed(_ table: FactTable, now: Timestamp) {
        tellClock(now)
        perform(stream.proceed(table, now: now), table, now: now)
        handOver(table, now: now)
    }

    /// A new token, while the old one still holds.
    private func handOver(_ table: FactTable, now: Timestamp) {
        guard isStreaming, identity.tokenSerial != handed.serial,
            now >= handed.at + Self.tokenPause, let token = identity.token
        else { return }
        handed = (identity.tokenSerial, now)
        log.info("handing the new token to \(name)")
        perform(stream.handOver(token, now: now), table, now: now)
    }

    private func tellClock(_ now: Timestamp) {
        stream.clockOffset = wallClockMilliseconds() - now.milliseconds
    }

    func ready(_ event: EventLoop.Ready, _ table: FactTable, now: Timestamp) {
        switch link {
        case .none: return
        case .resolving(let question): finishResolving(question, now: now)
        case .connecting(let descriptor): finishConnect(descriptor, table, now: now)
        case .shaking(let descriptor, let session): shake(descriptor, session, table, now: now)
        case .open(let descriptor, let session):
            if event.canWrite { flush(descriptor, session, now: now) }
            if event.canRead || event.isBroken { receive(descriptor, session, table, now: now) }
        case .leaving(let descriptor, let session): finishLeaving(descriptor, session, now: now)
        }
    }

    /// The collector is there and has said so.
    var isStreaming: Bool {
        if case .open = link { isAccepted } else { false }
    }

    // MARK: - Leaving

    var hasLeft: Bool {
        if case .none = link { true } else { false }
    }

    /// Says goodbye. What is on its way to us is still read: to close over it would reset the
    /// connection, and the goodbye might be lost with it.
    func leave(now: Timestamp) {
        guard case .open(let descriptor, let session) = link else { return dropLink() }
        output += AgentFrame.goodbye.encoded(now: now)
        link = .leaving(descriptor, session)
        finishLeaving(descriptor, session, now: now)
    }

    /// Given up after a while by the driver, which ends.
    private func finishLeaving(_ descriptor: Int32, _ session: TLSSession, now: Timestamp) {
        if !output.isEmpty {
            flush(descriptor, session, now: now)
            guard case .leaving = link, output.isEmpty else { return }
            session.close()
            TCPSocket.finishSending(descriptor)
        }
        var buffer = [UInt8](repeating: 0, count: 1_024)
        while true {
            switch session.read(into: &buffer).0 {
            case .done: continue
            case .wantsRead, .wantsWrite: return
            case .ended, .failed: return dropLink()
            }
        }
    }

    private func perform(_ actions: [ReportStream.Action], _ table: FactTable, now: Timestamp) {
        for action in actions {
            switch action {
            case .connect: connect(now: now)
            case .send(let bytes):
                log.debug("frame of \(bytes.count) bytes to \(name)")
                output += bytes
                guard output.count <= Self.outputLimit else {
                    return fail("does not read what it asks for", now: now)
                }
            case .close(let reason):
                tell(reason)
                dropLink()
            }
        }
        if case .open(let descriptor, let session) = link { flush(descriptor, session, now: now) }
    }

    // MARK: - Opening

    /// A name is asked anew once all its addresses were tried: the collector may have moved.
    private func connect(now: Timestamp) {
        dropLink()
        if attempts < addresses.count { return connect(to: addresses[attempts], now: now) }
        if let address = SocketAddress(digits: collector.host, port: collector.port) {
            return connect(to: address, now: now)
        }
        do throws(SystemError) {
            let question = try NameResolution(host: collector.host, port: collector.port)
            link = .resolving(question)
            try loop.add(question.descriptor, .read, token: token)
        } catch {
            fail("\(error)", now: now)
        }
    }

    private func finishResolving(_ question: NameResolution, now: Timestamp) {
        addresses = question.answer()
        attempts = 0
        dropLink()
        guard let first = addresses.first else {
            return fail("\(collector.host) has no address", now: now)
        }
        connect(to: first, now: now)
    }

    private func connect(to address: SocketAddress, now: Timestamp) {
        attempts += 1
        do throws(SystemError) {
            let descriptor = try TCPSocket.connect(address)
            link = .connecting(descriptor)
            interest = .write
            try loop.add(descriptor, .write, token: token)
        } catch {
            fail("\(error)", now: now)
        }
    }

    private func finishConnect(_ descriptor: Int32, _ table: FactTable, now: Timestamp) {
        if let error = TCPSocket.connectError(descriptor) { return fail("\(error)", now: now) }
        do throws(TLSError) {
            identity.check(now: now)
            let session = try TLSSession(
                identity.context,
                descriptor: descriptor,
                serverName: serverName,
                resuming: resumption
            )
            // If this does not work, the next handshake is a full one.
            resumption = nil
            link = .shaking(descriptor, session)
            shake(descriptor, session, table, now: now)
        } catch {
            fail("\(error)", now: now)
        }
    }

    private func shake(
        _ descriptor: Int32,
        _ session: TLSSession,
        _ table: FactTable,
        now: Timestamp
    ) {
        switch session.handshake() {
        case .done:
            link = .open(descriptor, session)
            watch(descriptor, .read)
            isAccepted = false
            tellClock(now)
            identity.refreshToken()
            handed = (identity.tokenSerial, now)
            perform(stream.opened(table, token: identity.token, now: now), table, now: now)
        case .wantsRead: watch(descriptor, .read)
        case .wantsWrite: watch(descriptor, .write)
        case .ended: fail("closed during the handshake", now: now)
        case .failed(let reason): fail(reason, now: now)
        }
    }

    // MARK: - Streaming

    private func receive(
        _ descriptor: Int32,
        _ session: TLSSession,
        _ table: FactTable,
        now: Timestamp
    ) {
        var buffer = [UInt8](repeating: 0, count: 1_024)
        // A collector says a few bytes at a time; sixteen reads bound what one may take of a turn.
        for _ in 0..<16 {
            let (progress, count) = session.read(into: &buffer)
            switch progress {
            case .done:
                if resumption == nil { resumption = session.resumption }
                perform(stream.received(buffer[..<count], table, now: now), table, now: now)
                accept(session)
                guard case .open = link, session.hasPending else { return }
            case .wantsRead, .wantsWrite: return
            case .ended: return fail("closed by the collector", now: now)
            case .failed(let reason): return fail(reason, now: now)
            }
        }
    }

    /// In TLS 1.3 our side of the handshake is done before the collector has looked at our certificate:
    /// only its welcome says that it reads.
    private func accept(_ session: TLSSession) {
        guard !isAccepted, stream.isWelcome, case .open = link else { return }
        isAccepted = true
        told = nil
        attempts = 0
        log.notice("reporting to \(name)\(session.isResumed ? ", session resumed" : "")")
    }

    private func flush(_ descriptor: Int32, _ session: TLSSession, now: Timestamp) {
        while !output.isEmpty {
            let (progress, count) = session.write(output[...])
            switch progress {
            case .done: output.removeFirst(count)
            case .wantsRead, .wantsWrite: return watch(descriptor, [.read, .write])
            case .ended: return fail("closed by the collector", now: now)
            case .failed(let reason): return fail(reason, now: now)
            }
        }
        watch(descriptor, .read)
    }

    private func watch(_ descriptor: Int32, _ wanted: EventLoop.Interest) {
        guard wanted != interest else { return }
        interest = wanted
        try? loop.change(descriptor, wanted, token: token)
    }

    // MARK: - Closing

    private func fail(_ reason: String, now: Timestamp) {
        // OpenSSL's word for the alert ends the reason; see `holds` of BIRD's words for why it is not looked for.
        let isAsked = identity.token != nil && reason.hasSuffix("certificate required")
        tell(isAsked ? "it takes no tokens, and wants a certificate: \(reason)" : reason)
        dropLink()
        stream.closed(now: now)
    }

    private func tell(_ reason: String) {
        guard told != reason else { return }
        told = reason
        log.warning("no report to \(name): \(reason); trying again")
    }

    private func dropLink() {
        output = []
        switch link {
        case .none: return
        case .resolving(let question):
            loop.remove(question.descriptor)
            link = .none
        case .connecting(let descriptor), .shaking(let descriptor, _), .open(let descriptor, _),
            .leaving(let descriptor, _):
            loop.remove(descriptor)
            link = .none
            close(descriptor)
        }
    }
}
