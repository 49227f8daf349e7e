// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import Reporting
import Routing
import TLS

/// One epoll loop for all agents.
final class FleetLoop {
    private let options: FleetOptions
    private let events: EventLoop
    private var agents: [FleetAgent] = []
    private let began = Timestamp(milliseconds: monotonicMilliseconds())
    private var open = 0
    private var shaking = 0
    private var nextSweep = Timestamp.zero
    private var buffer = [UInt8](repeating: 0, count: 4_096)
    // What is told at the end.
    private var allOpen: Int64?
    private var handshakes = 0
    private var resumed = 0
    private var drops = 0
    private var reports = 0
    private var reportBytes = 0
    private var turnOfFlood = 0
    private var floodBegan: Timestamp?

    init(_ options: FleetOptions) throws {
        self.options = options
        events = try EventLoop()
        for index in 0..<options.agents {
            agents.append(FleetAgent(index, options, now: began))
        }
    }

    private var now: Timestamp { Timestamp(milliseconds: monotonicMilliseconds()) }

    func run() {
        let end = began + options.seconds * 1_000
        while now < end {
            for ready in events.wait(milliseconds: floodBegan == nil ? 20 : 0) { serve(ready) }
            let now = now
            if now >= nextSweep { sweep(now) }
            if let floodBegan {
                if now >= floodBegan + options.floodSeconds * 1_000 { break }
                flood(now, since: floodBegan)
            }
        }
        tell()
    }

    /// Ten times a second: those whose deadline has passed, and those that may connect.
    private func sweep(_ now: Timestamp) {
        nextSweep = now + 100
        for agent in agents {
            if options.change > 0, now >= agent.nextChange, agent.isOpen {
                agent.nextChange = agent.nextChange + options.change
                agent.change(now: now)
                perform(agent.proceed(now: now), agent, now)
            } else if agent.stream.deadline <= now, floodBegan == nil {
                if case .none = agent.link, shaking >= options.handshakes { continue }
                perform(agent.proceed(now: now), agent, now)
            }
        }
        if allOpen == nil, open == agents.count, isFlushed {
            allOpen = now - began
            print("{\"event\":\"open\",\"milliseconds\":\(now - began)}")
            fflush(nil)
            if options.flood > 0 { beginFlood(now) }
        }
    }

    private var isFlushed: Bool { agents.allSatisfy { $0.output.isEmpty } }

    // MARK: - Flood

    private func beginFlood(_ now: Timestamp) {
        for agent in agents { agent.prepareFlood(now: now) }
        print("{\"event\":\"flood\",\"bytes\":\(agents.first?.swing.first?.count ?? 0)}")
        fflush(nil)
        reports = 0
        floodBegan = now
    }

    /// As many as are due, at most what the connections take.
    private func flood(_ now: Timestamp, since began: Timestamp) {
        let due = Int(now - began) * options.flood / 1_000
        var left = min(due - reports, 4_096)
        while left > 0 {
            left -= 1
            turnOfFlood = (turnOfFlood + 1) % agents.count
            let agent = agents[turnOfFlood]
            guard agent.isOpen, agent.output.isEmpty, !agent.swing.isEmpty else { continue }
            agent.output = agent.swing[agent.swings & 1]
            agent.swings += 1
            reports += 1
            reportBytes += agent.output.count
            flush(agent, now)
        }
    }

    // MARK: - Connections

    private func perform(_ actions: [ReportStream.Action], _ agent: FleetAgent, _ now: Timestamp) {
        for action in actions {
            switch action {
            case .connect: connect(agent, now)
            case .send(let bytes):
                agent.output += bytes
                reports += floodBegan == nil ? 1 : 0
            case .close(let reason): drop(agent, now, reason)
            }
        }
        if agent.isOpen { flush(agent, now) }
    }

    private func connect(_ agent: FleetAgent, _ now: Timestamp) {
        guard let address = options.collector, let descriptor = try? TCPSocket.connect(address)
        else {
            return agent.closed(now: now)
        }
        shaking += 1
        agent.link = .connecting(descriptor)
        agent.interest = .write
        try? events.add(descriptor, .write, token: UInt64(agent.index))
    }

    private func serve(_ ready: EventLoop.Ready) {
        let agent = agents[Int(ready.token)]
        let now = now
        switch agent.link {
        case .none: return
        case .connecting(let descriptor): begin(agent, descriptor, now)
        case .shaking(let descriptor, let session): shake(agent, descriptor, session, now)
        case .open(_, let session):
            if ready.canWrite { flush(agent, now) }
            if ready.canRead || ready.isBroken { receive(agent, session, now) }
        }
    }

    private func begin(_ agent: FleetAgent, _ descriptor: Int32, _ now: Timestamp) {
        if let error = TCPSocket.connectError(descriptor) { return drop(agent, now, "\(error)") }
        do {
            let context = try agent.context ?? TLSContext(.client, files: agent.files)
            agent.context = context
            let session = try TLSSession(
                context,
                descriptor: descriptor,
                serverName: "collector",
                resuming: agent.resumption
            )
            agent.resumption = nil
            agent.link = .shaking(descriptor, session)
            shake(agent, descriptor, session, now)
        } catch {
            drop(agent, now, "\(error)")
        }
    }

    private func shake(
        _ agent: FleetAgent,
        _ descriptor: Int32,
        _ session: TLSSession,
        _ now: Timestamp
    ) {
        switch session.handshake() {
        case .done:
            shaking -= 1
            open += 1
            handshakes += 1
            if session.isResumed { resumed += 1 }
            agent.link = .open(descriptor, session)
            watch(agent, descriptor, .read)
            perform(agent.opened(now: now), agent, now)
        case .wantsRead: watch(agent, descriptor, .read)
        case .wantsWrite: watch(agent, descriptor, .write)
        case .ended: drop(agent, now, "closed in the handshake")
        case .failed(let reason): drop(agent, now, reason)
        }
    }

    private func receive(_ agent: FleetAgent, _ session: TLSSession, _ now: Timestamp) {
        repeat {
            let (progress, count) = session.read(into: &buffer)
            switch progress {
            case .done:
                if agent.resumption == nil { agent.resumption = session.resumption }
                guard floodBegan == nil else { continue }
                perform(agent.received(buffer[..<count], now: now), agent, now)
            case .wantsRead, .wantsWrite: return
            case .ended: return drop(agent, now, "closed by the collector")
            case .failed(let reason): return drop(agent, now, reason)
            }
            // What OpenSSL holds no descriptor announces.
        } while agent.isOpen && session.hasPending
    }

    private func flush(_ agent: FleetAgent, _ now: Timestamp) {
        guard case .open(let descriptor, let session) = agent.link else { return }
        while !agent.output.isEmpty {
            let (progress, count) = session.write(agent.output[...])
            switch progress {
            case .done: agent.output.removeFirst(count)
            case .wantsRead, .wantsWrite: return watch(agent, descriptor, [.read, .write])
            case .ended: return drop(agent, now, "closed by the collector")
            case .failed(let reason): return drop(agent, now, reason)
            }
        }
        watch(agent, descriptor, .read)
    }

    private func watch(_ agent: FleetAgent, _ descriptor: Int32, _ wanted: EventLoop.Interest) {
        guard agent.interest != wanted else { return }
        agent.interest = wanted
        try? events.change(descriptor, wanted, token: UInt64(agent.index))
    }

    private func drop(_ agent: FleetAgent, _ now: Timestamp, _ reason: String) {
        agent.output = []
        switch agent.link {
        case .none: return
        case .connecting(let descriptor), .shaking(let descriptor, _):
            shaking -= 1
            events.remove(descriptor)
            close(descriptor)
        case .open(let descriptor, _):
            open -= 1
            drops += 1
            events.remove(descriptor)
            close(descriptor)
        }
        if drops <= 3 { print("{\"event\":\"drop\",\"reason\":\"\(reason.prefix(80))\"}") }
        agent.link = .none
        agent.closed(now: now)
    }

    private func tell() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu =
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000
            + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1_000
        let sent = floodBegan.map { Int(now - $0) } ?? 0
        print(
            """
            {"event":"result","agents":\(agents.count),"open":\(open),\
            "allOpenMilliseconds":\(allOpen.map(String.init) ?? "null"),\
            "handshakes":\(handshakes),"resumed":\(resumed),"drops":\(drops),\
            "reports":\(reports),"floodBytes":\(reportBytes),"floodMilliseconds":\(sent),\
            "cpuMilliseconds":\(cpu)}
            """
        )
    }
}
