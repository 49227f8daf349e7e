// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import Reporting
import Routing
import TLS
import Wire

/// One collector: its stream machine, and the socket and TLS session that carry it.
final class CollectorConnection {
    private enum Link {
        case none
        case connecting(Int32)
        case shaking(Int32, TLSSession)
        case open(Int32, TLSSession)
    }

    let name: String
    private let collector: AgentOptions.Collector
    private let files: TLSFiles
    private let serverName: String
    private let token: UInt64
    private let loop: EventLoop
    private let log: AgentLog
    private var stream: ReportStream
    private var link = Link.none
    private var output: [UInt8] = []
    private var interest = EventLoop.Interest.read
    /// The last failure told, so that a dead collector costs one line, not one each retry.
    private var told: String?

    init(
        _ collector: AgentOptions.Collector,
        _ options: AgentOptions,
        files: TLSFiles,
        token: UInt64,
        loop: EventLoop,
        now: Timestamp
    ) {
        self.collector = collector
        self.files = files
        self.token = token
        self.loop = loop
        log = options.log
        name = "\(collector.host):\(collector.port)"
        serverName = options.serverName ?? collector.host
        let hello = AgentFrame.Hello(
            node: options.node,
            interval: UInt32(clamping: options.interval),
            agentVersion: agentVersion
        )
        stream = ReportStream(hello: hello, seed: UInt64.random(in: 1 ... .max), now: now)
    }

    var deadline: Timestamp { stream.deadline }

    /// The fact table changed, or the deadline has passed.
    func proceed(_ table: FactTable, now: Timestamp) {
        perform(stream.proceed(table, now: now), table, now: now)
    }

    func ready(_ event: EventLoop.Ready, _ table: FactTable, now: Timestamp) {
        switch link {
        case .none: return
        case .connecting(let descriptor): finishConnect(descriptor, table, now: now)
        case .shaking(let descriptor, let session): shake(descriptor, session, table, now: now)
        case .open(let descriptor, let session):
            if event.canWrite { flush(descriptor, session, now: now) }
            if event.canRead || event.isBroken { receive(descriptor, session, table, now: now) }
        }
    }

    /// Says goodbye and closes; what cannot be written at once is not waited for.
    func leave(now: Timestamp) {
        if case .open(let descriptor, let session) = link {
            output += AgentFrame.goodbye.encoded(now: now)
            flush(descriptor, session, now: now)
            session.close()
        }
        dropLink()
    }

    private func perform(_ actions: [ReportStream.Action], _ table: FactTable, now: Timestamp) {
        for action in actions {
            switch action {
            case .connect: connect(now: now)
            case .send(let bytes):
                log.debug("frame of \(bytes.count) bytes to \(name)")
                output += bytes
            case .close(let reason):
                tell(reason)
                dropLink()
            }
        }
        if case .open(let descriptor, let session) = link { flush(descriptor, session, now: now) }
    }

    // MARK: - Opening

    private func connect(now: Timestamp) {
        dropLink()
        do throws(SystemError) {
            let descriptor = try TCPSocket.connect(host: collector.host, port: collector.port)
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
            // The files are read for each connection, so new ones need no restart.
            let context = try TLSContext(.client, files: files)
            let session = try TLSSession(context, descriptor: descriptor, serverName: serverName)
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
            told = nil
            log.notice("reporting to \(name)")
            perform(stream.opened(table, now: now), table, now: now)
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
                perform(stream.received(buffer[..<count], table, now: now), table, now: now)
                guard case .open = link, session.hasPending else { return }
            case .wantsRead, .wantsWrite: return
            case .ended: return fail("closed by the collector", now: now)
            case .failed(let reason): return fail(reason, now: now)
            }
        }
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
        tell(reason)
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
        case .connecting(let descriptor), .shaking(let descriptor, _), .open(let descriptor, _):
            loop.remove(descriptor)
            link = .none
            close(descriptor)
        }
    }
}
