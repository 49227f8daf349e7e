// SPDX-License-Identifier: Apache-2.0
import AgentSource
import AsyncHTTPClient
import BigIPSource
import Facts
import Foundation
import Incidents
import KubernetesSource
import Logging
import OperatorSource
import Routing
import ServiceLifecycle
import Sinks
import SwitchDialects
import SwitchSource
import Synchronization

let version = "0.1.0"

/// Puts sources, engine and sinks together from a configuration.
///
/// Tasks: the engine, one for each switch and BIG-IP unit, one for the nodes file, one for each
/// sink, the web server's. Threads of their own: the agents' loop and its two handshakers.
struct Collector: Service {
    let configuration: Configuration
    let log: Logger
    private let clock = CollectorClock()

    init(_ configuration: Configuration, log: Logger) {
        self.configuration = configuration
        self.log = log
    }

    func run() async throws {
        let clock = clock
        let now: @Sendable () -> Timestamp = { clock.now() }
        let board = StateBoard(clock: now)
        let alarms = (0..<(configuration.switches.count)).map { _ in Alarm() }
        let sinks = try makeSinks()
        let engine = Engine(
            board: board,
            outboxes: sinks.outboxes,
            log: log,
            clock: now,
            hasMoved: { for alarm in alarms { alarm.ring() } }
        )
        let listener = try AgentListener()
        try startListener(listener, engine, now)
        defer {
            listener.stop()
            board.close()
        }
        await withTaskGroup(of: Void.self) { group in
            addSources(&group, engine, alarms, now)
            for outbox in sinks.outboxes { group.addTask { await outbox.run() } }
            addWeb(&group, board, listener, sinks.outboxes)
            let snapshot = configuration.emptySnapshot(startedAt: clock.now())
            let ledger = IncidentLedger(
                cluster: configuration.cluster,
                policy: configuration.ledgerPolicy
            )
            group.addTask { await engine.run(snapshot, ledger) }
            try? await gracefulShutdown()
            // Event streams would hold the web server open.
            board.close()
            group.cancelAll()
        }
        try? await sinks.client.shutdown()
    }

    // MARK: - Sources

    private func startListener(
        _ listener: AgentListener,
        _ engine: Engine,
        _ now: @escaping @Sendable () -> Timestamp
    ) throws {
        guard let agents = configuration.agents else { return }
        let log = log
        let settings = AgentListener.Settings(
            host: agents.host,
            port: agents.port,
            files: agents.files,
            patience: max(3 * agents.staleAfter, 15_000)
        )
        try listener.start(
            settings,
            clock: now,
            deliver: { node, update in engine.post(.agent(node: node, update)) },
            log: { log.warning("agents: \($0)") }
        )
        log.info("agents may connect to \(agents.host):\(agents.port)")
    }

    private func addSources(
        _ group: inout TaskGroup<Void>,
        _ engine: Engine,
        _ alarms: [Alarm],
        _ now: @escaping @Sendable () -> Timestamp
    ) {
        if let file = configuration.nodesFile {
            group.addTask { await readNodes(file, engine) }
        }
        addFeeds(&group, engine, alarms, now)
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
        for poller in configuration.bigIPPollers {
            group.addTask {
                let alarm = Alarm()
                await poller.run(
                    clock: now,
                    pause: { await alarm.sleep(milliseconds: $0) },
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
        group.addTask {
            do {
                let source = KubernetesSource(try ClusterClient(access))
                await source.run(clock: now) { update in
                    if let reason = update.failure { log.notice("kubernetes: \(reason)") }
                    engine.post(.cluster(update))
                }
            } catch {
                log.critical("kubernetes: \(error)")
                exit(1)
            }
        }
        log.info("watching \(access.server)")
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
            // A port that cannot be had is a matter of the configuration; what ends a listener later is
            // a moment's (no descriptor left for one more connection).
            let isFirst = Mutex(true)
            while !Task.isCancelled {
                do {
                    try await listener.run(outlet) { isFirst.withLock { $0 = false } }
                } catch is CancellationError {
                    return
                } catch {
                    log.critical("\(what) listener: \(error)")
                    if isFirst.withLock({ $0 }) { exit(1) }
                    try? await Task.sleep(for: .seconds(1))
                }
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

    private func makeSinks() throws -> (outboxes: [Outbox], client: HTTPClient) {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let outboxes = configuration.sinks.map { item in
            let alarm = Alarm()
            return Outbox(
                item.makeSink(client: client),
                filter: item.filter,
                log: log,
                pause: { await alarm.sleep(milliseconds: $0) }
            )
        }
        return (outboxes, client)
    }

    private func addWeb(
        _ group: inout TaskGroup<Void>,
        _ board: StateBoard,
        _ listener: AgentListener,
        _ outboxes: [Outbox]
    ) {
        let http = configuration.http
        let log = log
        let service = WebServer.service(
            host: http.host,
            port: http.port,
            board: board,
            version: version,
            metrics: { exposition(board, listener, outboxes) },
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

/// Everything at `/metrics`.
private func exposition(
    _ board: StateBoard,
    _ listener: AgentListener,
    _ outboxes: [Outbox]
) -> String {
    var exposition = Exposition()
    if let state = board.state { exposition.add(state, version: version, now: board.clock()) }
    let agents = listener.counters
    exposition.add(
        "agent_connections",
        "gauge",
        "Open connections at the agents' port.",
        Double(agents.connections)
    )
    exposition.add(
        "agent_connections_total",
        "counter",
        "Connections accepted at the agents' port.",
        Double(agents.accepted)
    )
    exposition.add(
        "agent_frames_total",
        "counter",
        "Frames that agents sent.",
        Double(agents.frames)
    )
    exposition.add(
        "agent_skipped_total",
        "counter",
        "Content of reports in a later version of the format, passed over.",
        [
            ([("content", "facts")], Double(agents.skippedFacts)),
            ([("content", "fields")], Double(agents.skippedFields)),
        ]
    )
    exposition.add(
        "agent_refused_total",
        "counter",
        "Connections ended at the agents' port, by reason.",
        agents.refused.sorted { $0.key < $1.key }.map { ([("reason", $0.key)], Double($0.value)) }
    )
    let counters = outboxes.map { ($0.name, $0.counters) }
    exposition.add(
        "sink_delivered_total",
        "counter",
        "Messages a sink took.",
        counters.map { ([("sink", $0.0)], Double($0.1.delivered)) }
    )
    exposition.add(
        "sink_failures_total",
        "counter",
        "Attempts a sink did not take.",
        counters.map { ([("sink", $0.0)], Double($0.1.failed)) }
    )
    exposition.add(
        "sink_waiting",
        "gauge",
        "Messages waiting for a sink.",
        counters.map { ([("sink", $0.0)], Double($0.1.waiting)) }
    )
    return exposition.text
}

extension Configuration {
    /// The switches that come by themselves, with the address they come from.
    fileprivate func feeding(from address: KeyPath<Switch, IPAddress?>) -> [FeedingSwitch] {
        switches.compactMap { item in
            item[keyPath: address].map {
                FeedingSwitch(name: item.name, address: $0, vrf: item.vrf)
            }
        }
    }

    /// Nil for a switch that is not asked.
    func poller(of item: Switch) -> SwitchPoller? {
        let families = Set(podCIDRs.map(\.family)).sorted()
        let reader: any SwitchReader
        switch item.way {
        case nil: return nil
        case .command(let arguments, let format):
            reader = CommandReader(arguments, format: format)
        case .nxapi(let door, let envelope):
            reader = NXAPIReader(door.http, families: families, envelope: envelope)
        case .eapi(let door): reader = EAPIReader(door.http, families: families)
        }
        return SwitchPoller(name: item.name, reader: reader, period: item.every)
    }

    var bigIPPollers: [BigIPPoller] {
        loadBalancers.flatMap { item in
            item.bigip.units.map { unit in
                let client = BigIPClient(
                    unit: unit,
                    username: item.bigip.username,
                    password: item.bigip.password,
                    ca: item.bigip.ca
                )
                return BigIPPoller(
                    name: item.name,
                    unit: unit,
                    client: client,
                    partitions: item.bigip.partitions,
                    period: item.bigip.every
                )
            }
        }
    }
}

extension Configuration.Switch.Door {
    fileprivate var http: SwitchHTTP { SwitchHTTP(url: url, account: account, ca: ca) }
}

extension Configuration.SinkConfiguration {
    func makeSink(client: HTTPClient) -> any Sink {
        switch target {
        case .stdout(let format): StandardOutput(name: name, format: format)
        case .command(let arguments): Command(name: name, arguments: arguments)
        case .slack(let address): SlackWebhook(name: name, address: address, client: client)
        }
    }
}

extension ReadResult<[String: NodeIntent]> {
    var summary: String {
        switch self {
        case .read(let nodes): "\(nodes.count) nodes"
        case .failed(let reason): reason
        }
    }
}
