// SPDX-License-Identifier: Apache-2.0
import CLinux
import EventLoop
import Glibc
import Netlink
import Reporting
import Routing
import Supervision
import Wire

/// The agent's one loop: feeds the machines, carries out what they ask.
///
/// Descriptors: signals, netlink, for each BIRD a control session during a poll and an echo
/// session, for each collector a connection. No thread, no timer descriptor: the loop waits until
/// the earliest deadline. Stopping is safe between any two turns.
final class Driver {
    private enum Token {
        static let signal: UInt64 = 1
        static let netlink: UInt64 = 2
        static let connections: UInt64 = 3
        static let bird: UInt64 = 0x100
        static let collector: UInt64 = 0x1_0000
    }

    private let options: AgentOptions
    private let loop: EventLoop
    private let signals: SignalDescriptor
    private let netlink: NetlinkSocket
    /// Nil where the kernel refuses it.
    private let watch: ConnectionWatch?
    private var kernel: KernelMachine
    private var birds: [BIRDInstance] = []
    private var connections: [CollectorConnection] = []
    private let identity: AgentIdentity?
    private let notifier: ServiceNotifier
    private var table = FactTable()
    private var isStopping = false
    private var isReady = false
    private let began = Driver.now()
    private static let readyLimit: Int64 = 5_000
    /// How many collectors are reported to.
    private var streaming = -1
    /// When the code that only beginnings need is given back.
    private var nextRest: Timestamp?
    /// A handshake and the snapshot after it are long over.
    private static let restDelay: Int64 = 3_000
    /// Something of BIRD's, or of the kernel's, is not in the table yet.
    private var isDirty = true
    private var hasKernelChanged = false
    private var buffer = [UInt8](repeating: 0, count: 32_768)

    /// `identity` is nil where nothing is to be streamed.
    init(_ options: AgentOptions, _ identity: AgentIdentity?) throws(SystemError) {
        self.options = options
        self.identity = identity
        notifier = ServiceNotifier(now: Driver.now())
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        loop = try EventLoop()
        netlink = try Driver.openNetlink(options.log)
        watch = Driver.openWatch(options.log)
        kernel = KernelMachine(supernets: options.podCIDRs)
        try loop.add(signals.descriptor, .read, token: Token.signal)
        try loop.add(netlink.descriptor, .read, token: Token.netlink)
        if let descriptor = watch?.descriptor {
            try loop.add(descriptor, .read, token: Token.connections)
        }
        let now = Driver.now()
        for (index, path) in options.birdSockets.enumerated() {
            birds.append(
                BIRDInstance(
                    path: path,
                    otherPlaces: options.isBIRDSocketGuessed && index == 0
                        ? AgentOptions.places : [],
                    interval: options.interval,
                    supernets: options.podCIDRs,
                    token: Token.bird + UInt64(index),
                    loop: loop,
                    log: options.log,
                    now: now
                )
            )
        }
        guard let identity else { return }
        for (index, collector) in options.collectors.enumerated() {
            connections.append(
                CollectorConnection(
                    collector,
                    options,
                    identity: identity,
                    token: Token.collector + UInt64(index),
                    loop: loop,
                    now: now
                )
            )
        }
    }

    private static func openNetlink(_ log: AgentLog) throws(SystemError) -> NetlinkSocket {
        do {
            let socket = try NetlinkSocket()
            let buffer = socket.receiveBuffer
            if !buffer.isFull {
                log.info(
                    "the kernel holds \(buffer.bytes / 1_024) KB of changes for the agent; with "
                        + "CAP_NET_ADMIN 8 MB: fewer fresh readings after a storm of changes"
                )
            }
            return socket
        } catch {
            throw SystemError(call: "netlink: \(error)", code: 0)
        }
    }

    private static func openWatch(_ log: AgentLog) -> ConnectionWatch? {
        do {
            return try ConnectionWatch()
        } catch {
            log.notice(
                "cannot hear when a session's connection ends (\(error)); with CAP_NET_ADMIN a "
                    + "lost session would be seen at once, now when BIRD is next asked"
            )
            return nil
        }
    }

    static func now() -> Timestamp { Timestamp(milliseconds: monotonicMilliseconds()) }

    /// Streams until SIGTERM or SIGINT.
    func run() {
        perform(kernel.start(now: Driver.now()))
        while !isStopping { turn() }
        notifier.stopping()
        for bird in birds { bird.close() }
        sayGoodbye()
    }

    /// A second is ten times what a collector at the other end of a continent takes.
    private func sayGoodbye() {
        let end = Driver.now() + 1_000
        for connection in connections { connection.leave(now: Driver.now()) }
        while !connections.allSatisfy(\.hasLeft), Driver.now() < end {
            for event in loop.wait(milliseconds: end - Driver.now())
            where event.token >= Token.collector && event.token & echoBit == 0 {
                dispatch(event)
            }
        }
    }

    /// Runs until kernel and every BIRD were read once, five seconds at most; then the report.
    func readOnce() -> Report {
        let start = Driver.now()
        perform(kernel.start(now: start))
        while !isStopping, Driver.now() - start < 5_000 {
            turn()
            let isRead = birds.allSatisfy { $0.reading != nil && !$0.isConfirming }
            if kernel.rib.isComplete, isRead { break }
        }
        return view
    }

    private func turn() {
        var deadlines = birds.map(\.deadline) + connections.map(\.deadline)
        deadlines += [kernel.deadline, identity?.deadline, notifier.deadline, nextRest]
            .compactMap(\.self)
        let wait = (deadlines.min() ?? .zero) - Driver.now()
        for event in loop.wait(milliseconds: max(0, wait)) { dispatch(event) }
        let now = Driver.now()
        perform(kernel.timerFired(now: now))
        identity?.timerFired(now: now)
        notifier.timerFired(now: now)
        for bird in birds where bird.timerFired(kernel.rib, now: now) { isDirty = true }
        report(now)
        tellManager()
        rest(now)
    }

    private func rest(_ now: Timestamp) {
        let count = connections.count(where: \.isStreaming)
        if count != streaming { (streaming, nextRest) = (count, now + Driver.restDelay) }
        guard let nextRest, now >= nextRest else { return }
        self.nextRest = nil
        giveBackIdleCode()
    }

    private func tellManager() {
        let isAllRead = kernel.rib.isComplete && birds.allSatisfy { $0.reading != nil }
        // A kernel that cannot be read whole is reported as such, and no reason to be killed for.
        if !isReady, isAllRead || Driver.now() - began >= Driver.readyLimit {
            isReady = true
            // Kernel and BIRD were asked, and the streams are begun.
            notifier.ready()
        }
        notifier.tell(status: statusLine)
    }

    private var statusLine: String {
        let streaming = connections.count(where: \.isStreaming)
        let readable = birds.count { $0.reading?.condition == .readable }
        let sessions = birds.flatMap { $0.reading?.sessions ?? [] }
        return "reporting to \(streaming) of \(connections.count) collectors, "
            + "\(readable) of \(birds.count) BIRDs readable, "
            + "\(sessions.count(where: \.isEstablished)) of \(sessions.count) sessions established, "
            + "\(kernel.rib.routes.count) kernel routes"
            + (kernel.rib.isComplete ? "" : ", not all read")
    }

    private func reload(_ now: Timestamp) {
        notifier.reloading(now: now)
        identity?.check(now: now)
        notifier.ready()
    }

    private func dispatch(_ event: EventLoop.Ready) {
        let now = Driver.now()
        switch event.token {
        case Token.signal:
            if let signal = signals.next() {
                if signal == SIGHUP { reload(now) } else { isStopping = true }
            }
        case Token.netlink: drainNetlink(now)
        case Token.connections: if watch?.drain() == true { hintBIRDs(now) }
        default:
            let isEcho = event.token & echoBit != 0
            let token = event.token & ~echoBit
            if token < Token.collector {
                let bird = birds[Int(token - Token.bird)]
                if bird.ready(isEcho: isEcho, now: now) { isDirty = true }
            } else {
                connections[Int(token - Token.collector)].ready(event, table, now: now)
            }
        }
    }

    /// What waits, so that a device's fall and its routes' end are told as one; 64 datagrams a turn
    /// (25 ms of a huge table's dump), so that reports do not wait for a dump's end.
    private func drainNetlink(_ now: Timestamp) {
        for _ in 0..<64 {
            switch netlink.receive(into: &buffer) {
            case .datagram(let count):
                let actions = buffer.withUnsafeBytes {
                    kernel.received(UnsafeRawBufferPointer(rebasing: $0[..<count]), now: now)
                }
                perform(actions)
            case .overflow:
                options.log.warning("netlink overflow: the kernel's tables are read again")
                perform(kernel.overflowed(now: now))
            case .empty: return
            case .failed(let code):
                options.log.warning("netlink: \(String(cString: strerror(code)))")
                perform(kernel.overflowed(now: now))
                return
            }
        }
    }

    private func perform(_ actions: [KernelMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let request):
                if !netlink.send(request) { options.log.warning("netlink: request not sent") }
            case .changed: hasKernelChanged = true
            }
        }
    }

    private func hintBIRDs(_ now: Timestamp) {
        for bird in birds { bird.hint(now: now) }
    }

    private var view: Report {
        NodeView.report(kernel.rib, birds, watchesConnections: watch != nil)
    }

    private func report(_ now: Timestamp) {
        if isDirty || hasKernelChanged {
            // Pods' devices come and go all the time: BIRD is asked only for what is reported.
            if table.replace(with: view), hasKernelChanged { hintBIRDs(now) }
            isDirty = false
            hasKernelChanged = false
        }
        for connection in connections { connection.proceed(table, now: now) }
    }
}
