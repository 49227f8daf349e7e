// SPDX-License-Identifier: Apache-2.0
import AgentSource
import BigIPSource
import EventLoop
import Facts
import Foundation
import Incidents
import Journal
import KubernetesSource
import Logging
import OperatorSource
import Release
import Routing
import ServiceLifecycle
import Sinks
import Store
import SwitchDialects
import SwitchSource
import Synchronization

/// Puts sources, engine and sinks together from a configuration.
///
/// Tasks: the engine, one for each switch and BIG-IP unit, one for the nodes file, one for each
/// sink, the web server's. Threads of their own: the agents' loop and its two handshakers.
struct Collector: Service {
    let configuration: Configuration
    let log: Logger
    /// The file in which what enters is recorded, if any.
    private let journalPath: String?
    private let clock = CollectorClock()

    init(_ configuration: Configuration, journal: String? = nil, log: Logger) {
        self.configuration = configuration
        self.log = log
        journalPath = journal
    }

    func run() async throws {
        let clock = clock
        let now: @Sendable () -> Timestamp = { clock.now() }
        let board = StateBoard(clock: now)
        let door = try WebDoor(configuration.http.security)
        let alarms = (0..<(configuration.switches.count)).map { _ in Alarm() }
        let units = PolledUnits(configuration.bigIPPollers)
        let startedAt = clock.now()
        let remembered = try Remembered.open(configuration.store.path, clock: now, log: log)
        // Each sink says now and then how it does: newer words count.
        let health = AsyncStream.makeStream(
            of: FactUpdate.self,
            bufferingPolicy: .bufferingNewest(1_000)
        )
        let telling = try SharedTelling.make(
            configuration,
            remembered.memory,
            clock: clock,
            log: log
        )
        let sinks = makeSinks(remembered, health.continuation, telling)
        await remembered.post(to: sinks.outboxes)
        let journal = try makeJournal(startedAt, remembered.memory)
        defer { journal?.finish() }
        let engine = Engine(
            board: board,
            outboxes: sinks.outboxes,
            remembered: remembered,
            journal: journal,
            telling: telling,
            log: log,
            clock: now,
            hasMoved: { for alarm in alarms { alarm.ring() } },
            isInDoubt: { units.ask($0) }
        )
        let listener = try AgentListener()
        let reviewer = try configuration.tokenReviewer
        try startListener(listener, engine, reviewer, now)
        defer {
            listener.stop()
            board.close()
        }
        await withTaskGroup(of: Void.self) { group in
            addSources(&group, engine, alarms, units, now)
            for outbox in sinks.outboxes { group.addTask { await outbox.run() } }
            group.addTask { for await update in health.stream { engine.post(update) } }
            let metrics = CollectorMetrics(
                board: board,
                listener: listener,
                outboxes: sinks.outboxes,
                telling: telling,
                journal: journal
            )
            addWeb(&group, board, door, engine, remembered, metrics, telling)
            if let telling {
                group.addTask {
                    await telling.run(sinks.outboxes, turned: { engine.look() }) { silence in
                        await remembered.store?.keep(silence)
                        engine.post(.operators(.silence(silence)))
                    }
                }
            }
            if let store = remembered.store {
                let retention = configuration.store.retention
                group.addTask { await store.run(retention, startedAt: startedAt) }
            }
            var snapshot = configuration.emptySnapshot(startedAt: startedAt)
            for silence in remembered.memory.silences {
                snapshot.apply(.operators(.silence(silence)), at: startedAt)
            }
            let ledger = IncidentLedger(
                cluster: configuration.cluster,
                policy: configuration.ledgerPolicy,
                memory: remembered.memory.entries,
                startedAt: startedAt
            )
            group.addTask { await engine.run(snapshot, ledger) }
            group.addTask { await ServiceWatch(engine: engine, board: board).run() }
            try? await gracefulShutdown()
            // Event streams would hold the web server open.
            board.close()
            group.cancelAll()
        }
        await telling?.end()
        await reviewer?.close()
        await sinks.made.shutDown()
        remembered.store?.close()
    }

    private func makeJournal(
        _ startedAt: Timestamp,
        _ memory: Store.Memory
    ) throws -> JournalWriter? {
        guard let journalPath else { return nil }
        var head = JournalHead(
            version: version,
            startedAt: startedAt,
            site: configuration.site,
            policy: configuration.ledgerPolicy
        )
        head.entries = memory.entries
        head.silences = memory.silences
        let log = log
        let journal = try JournalWriter(path: journalPath, head: head) { log.error("\($0)") }
        log.info("recording what enters in \(journalPath)")
        return journal
    }

    // MARK: - Sources

    private func startListener(
        _ listener: AgentListener,
        _ engine: Engine,
        _ reviewer: TokenReviewer?,
        _ now: @escaping @Sendable () -> Timestamp
    ) throws {
        guard let agents = configuration.agents else { return }
        let log = log
        var settings = AgentListener.Settings(
            host: agents.host,
            port: agents.port,
            files: agents.files,
            patience: max(3 * agents.staleAfter, 15_000)
        )
        settings.tokens = reviewer.map { TokenReviews($0) { engine.post($0) } }
        try listener.start(
            settings,
            clock: now,
            timeOfDay: { wallClockMilliseconds() },
            deliver: { node, update in engine.post(.agent(node: node, update)) },
            log: { log.warning("agents: \($0)") }
        )
        log.info("agents may connect to \(agents.host):\(agents.port)")
    }

    private func addSources(
        _ group: inout TaskGroup<Void>,
        _ engine: Engine,
        _ alarms: [Alarm],
        _ units: PolledUnits,
        _ now: @escaping @Sendable () -> Timestamp
    ) {
        if let file = configuration.nodesFile {
            group.addTask { await readNodes(file, engine) }
        }
        addFeeds(&group, engine, alarms, now)
        addSyslog(&group, units)
        addKubernetes(&group, engine, now)
        for (item, alarm) in zip(configuration.switches, alarms) {
            guard let poller = configuration.poller(of: item) else { continue }
            group.addTask {
                await poller.run(
                    clock: now,
                    pause: { await alarm.sleep(milliseconds: $0) },
                    deliver: { engine.post($0) }
                )
            }
        }
        for unit in units.all {
            group.addTask {
                await unit.poller.run(
                    clock: now,
                    pause: { await unit.alarm.sleep(milliseconds: $0) },
                    deliver: { engine.post($0) }
                )
            }
        }
    }

    private func addKubernetes(
        _ group: inout TaskGroup<Void>,
        _ engine: Engine,
        _ now: @escaping @Sendable () -> Timestamp
    ) {
        guard let access = configuration.kubernetes else { return }
        let log = log
        // A standing failure is said once, not at each attempt.
        let lastSaid = Mutex<[Int: String]>([:])
        group.addTask {
            do {
                let source = KubernetesSource(try ClusterClient(access))
                await source.run(clock: now) { update in
                    let isNews = lastSaid.withLock { said in
                        defer { said[update.collection] = update.failure }
                        return said[update.collection] != update.failure
                    }
                    if isNews, let reason = update.failure { log.notice("kubernetes: \(reason)") }
                    engine.post(.cluster(update))
                }
            } catch {
                log.critical("kubernetes: \(error)")
                exit(1)
            }
        }
        log.info("watching \(access.server)")
    }

    /// What BIG-IPs write in their log hastens the reading of what they write of.
    private func addSyslog(_ group: inout TaskGroup<Void>, _ units: PolledUnits) {
        guard let syslog = configuration.syslog else { return }
        let origins = configuration.loadBalancers.flatMap { item in
            item.syslogFrom.map { ($0, item.name) }
        }
        let listener = SyslogListener(
            host: syslog.host,
            port: syslog.port,
            origins: Dictionary(origins) { first, _ in first }
        )
        let log = log
        group.addTask {
            await keepListening("syslog", log) { isListening in
                try await listener.run(isListening: isListening) { units.hear($0, $1) }
            }
        }
        log.info("BIG-IPs may send their log to \(syslog.host):\(syslog.port)")
    }

    /// What switches bring by themselves; it also hastens the asking of those that are asked.
    private func addFeeds(
        _ group: inout TaskGroup<Void>,
        _ engine: Engine,
        _ alarms: [Alarm],
        _ now: @escaping @Sendable () -> Timestamp
    ) {
        let alarmOfSwitch = Dictionary(
            uniqueKeysWithValues: zip(configuration.switches.map(\.name), alarms)
        )
        let log = log
        let outlet = FeedOutlet(
            clock: now,
            deliver: { engine.post($0) },
            moved: { alarmOfSwitch[$0]?.ring() },
            log: { log.notice("\($0)") }
        )
        let supernets = configuration.podCIDRs
        if let bmp = configuration.bmp {
            let feeding = configuration.feeding(from: \.bmp)
            let listener = FeedListener(.bmp, host: bmp.host, port: bmp.port, switches: feeding) {
                BMPFeed(supernets: supernets, vrf: $0.vrf)
            }
            add("BMP", listener, outlet, &group)
        }
        if let bgp = configuration.bgp {
            let feeding = configuration.feeding(from: \.bgp)
            let listener = FeedListener(.bgp, host: bgp.host, port: bgp.port, switches: feeding) {
                BGPListenerFeed(identity: bgp.identity, supernets: supernets, vrf: $0.vrf)
            }
            add("BGP", listener, outlet, &group)
        }
    }

    private func add<Feed: SwitchFeed>(
        _ what: String,
        _ listener: FeedListener<Feed>,
        _ outlet: FeedOutlet,
        _ group: inout TaskGroup<Void>
    ) {
        let log = log
        group.addTask {
            await keepListening("\(what) listener", log) { isListening in
                try await listener.run(outlet, isListening: isListening)
            }
        }
        log.info("switches may bring \(what)")
    }

    /// Read at start, and again when it changes; looked at every two seconds.
    private func readNodes(_ file: String, _ engine: Engine) async {
        var last: ReadResult<[String: NodeIntent]>?
        while !Task.isCancelled {
            let result: ReadResult<[String: NodeIntent]>
            do throws(FileError) {
                result = .read(try NodesFile.read(path: file))
            } catch {
                result = .failed("\(error)")
            }
            if result != last || !result.isGood {
                if result != last { log.info("nodes file: \(result.summary)") }
                engine.post(.intent(result))
            }
            last = result
            try? await Task.sleep(for: .seconds(2))
        }
    }

    // MARK: - Sinks

    private func makeSinks(
        _ remembered: Remembered,
        _ health: AsyncStream<FactUpdate>.Continuation,
        _ telling: SharedTelling?
    ) -> (outboxes: [Outbox], made: ConfiguredSinks) {
        let clock = clock
        let made = ConfiguredSinks(
            configuration.sinks,
            ConfiguredSinks.Surroundings(
                clock: { clock.now() },
                told: remembered.memory.told,
                incidents: remembered.memory.entries.map(\.incident)
            )
        )
        let outboxes = zip(configuration.sinks, made.all).map { item, sink in
            let alarm = Alarm()
            return Outbox(
                sink,
                filter: item.filter,
                told: remembered.memory.told[item.name] ?? [],
                log: log,
                edge: Outbox.Edge(
                    clock: { clock.now() },
                    pause: { await alarm.sleep(milliseconds: $0) },
                    ended: { await remembered.store?.end($0, $1) },
                    health: { health.yield(.sink(name: item.name, $0)) },
                    turn: sink.isToldByAll ? nil : telling?.turn
                )
            )
        }
        return (outboxes, made)
    }

    private func addWeb(
        _ group: inout TaskGroup<Void>,
        _ board: StateBoard,
        _ door: WebDoor,
        _ engine: Engine,
        _ remembered: Remembered,
        _ metrics: CollectorMetrics,
        _ telling: SharedTelling?
    ) {
        let http = configuration.http
        let log = log
        if let file = http.securityFile {
            let watch = WebSecurityFile(path: file, security: http.security)
            group.addTask { await watch.run(door, log) }
        }
        let service = WebServer.service(
            host: http.host,
            port: http.port,
            board: board,
            archive: archive(engine, remembered, telling),
            door: door,
            version: version,
            metrics: { metrics.exposition($0) },
            log: log
        )
        group.addTask {
            do {
                try await service.run()
            } catch {
                log.critical("web server on \(http.host):\(http.port): \(error)")
                exit(1)
            }
        }
    }
}

extension Collector {
    private func archive(
        _ engine: Engine,
        _ remembered: Remembered,
        _ telling: SharedTelling?
    ) -> Archive {
        var archive = Archive()
        let store = remembered.store
        if let store {
            archive.paths = { try await store.paths(at: $0, of: $1) }
            archive.incidents = { try await store.incidents($0) }
            archive.incident = { try await store.incident($0) }
        }
        archive.origins = Set(configuration.http.origins)
        if configuration.http.acceptsWrites {
            // On disk before anybody is told that it is taken.
            archive.operators = { update in
                switch update {
                case .silence(let silence):
                    await store?.keep(silence)
                    telling?.elector.note(silence)
                }
                engine.post(.operators(update))
            }
        }
        return archive
    }
}

/// A port that cannot be had is a matter of the configuration, and ends the program; what ends a listener later
/// is a moment's (no descriptor left for one more connection).
private func keepListening(
    _ what: String,
    _ log: Logger,
    _ listen: (_ isListening: @Sendable () -> Void) async throws -> Void
) async {
    let isFirst = Mutex(true)
    while !Task.isCancelled {
        do {
            try await listen { isFirst.withLock { $0 = false } }
        } catch is CancellationError {
            return
        } catch {
            log.critical("\(what): \(error)")
            if isFirst.withLock({ $0 }) { exit(1) }
        }
        try? await Task.sleep(for: .seconds(1))
    }
}
