// SPDX-License-Identifier: Apache-2.0
import Election
import Facts
import Foundation
import Incidents
import KubernetesSource
import Logging
import Routing
import Sinks
import Store
import Synchronization

/// One of several collectors: its elector, and what that moves here.
final class SharedTelling: Sendable {
    let elector: Elector
    /// Which Lease it is, for metrics.
    let labels: KeyValuePairs<String, String>
    private let client: ClusterClient
    private let neighbours: Neighbours

    /// Those who hear of it when it is another's turn; they are there later than the elector.
    private final class Neighbours: Sendable {
        let outboxes = Mutex<[Outbox]>([])
        let learned = Mutex<(@Sendable (Silence) async -> Void)?>(nil)
        let turned = Mutex<(@Sendable () -> Void)?>(nil)
    }

    /// Nil where this collector is the only one.
    static func make(
        _ configuration: Configuration,
        _ memory: Store.Memory,
        clock: CollectorClock,
        log: Logger
    ) throws -> SharedTelling? {
        guard let lease = configuration.lease, let access = configuration.kubernetes else {
            return nil
        }
        let client = try ClusterClient(access)
        let labels: KeyValuePairs = [
            "cluster": configuration.cluster, "lease": "\(lease.namespace)/\(lease.name)",
        ]
        return SharedTelling(lease, labels, client, memory, clock, log)
    }

    private init(
        _ lease: Configuration.Lease,
        _ labels: KeyValuePairs<String, String>,
        _ client: ClusterClient,
        _ memory: Store.Memory,
        _ clock: CollectorClock,
        _ log: Logger
    ) {
        let (alarm, neighbours) = (Alarm(), Neighbours())
        let door = LeaseDoor(lease, client)
        elector = Elector(
            name: lease.identity,
            // Enough to tell processes apart, short enough to be read.
            life: String(UInt32.random(in: .min ... .max), radix: 36),
            told: memory.knownToSinks,
            silences: memory.silences,
            edge: Elector.Edge(
                clock: { clock.now() },
                pause: { await alarm.sleep(milliseconds: $0) },
                wake: { alarm.ring() },
                ask: { await door.ask($0) },
                moved: { for outbox in neighbours.outboxes.withLock(\.self) { outbox.look() } },
                learned: { await neighbours.learned.withLock(\.self)?($0) },
                say: { text in
                    log.notice("lease \(lease.namespace)/\(lease.name): \(text)")
                    neighbours.turned.withLock(\.self)?()
                }
            )
        )
        (self.client, self.neighbours, self.labels) = (client, neighbours, labels)
    }

    /// As page and API show it.
    var state: CollectorState.Telling {
        let standing = elector.standing
        return CollectorState.Telling(
            tells: standing.speaks,
            holder: standing.holder,
            failure: standing.failure
        )
    }

    /// What each outbox asks before it tells.
    var turn: Outbox.Turn {
        Outbox.Turn(
            isOurs: { self.elector.speaks },
            heard: { self.elector.heard(of: $0) },
            told: { self.elector.note($0) }
        )
    }

    /// Runs until cancelled; then another may tell at once.
    func run(
        _ outboxes: [Outbox],
        turned: @escaping @Sendable () -> Void,
        learned: @escaping @Sendable (Silence) async -> Void
    ) async {
        neighbours.outboxes.withLock { $0 = outboxes }
        neighbours.turned.withLock { $0 = turned }
        neighbours.learned.withLock { $0 = learned }
        await elector.run()
    }

    /// After the last was told.
    func end() async {
        await elector.release()
        await client.close()
    }
}

extension Store.Memory {
    /// What an earlier life of this collector had told; what still waits was not.
    fileprivate var knownToSinks: Told {
        var known = Told()
        for entry in entries where entry.incident.state == .firing {
            let incident = entry.incident
            let at = incident.firedAt ?? incident.detectedAt
            for (sink, ids) in heard where ids.contains(incident.id) {
                known.note(incident, isOpen: true, sink: sink, at: at)
            }
        }
        return known
    }
}
