// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents
import Logging
import Routing
import Sinks
import Store

/// What the collector begins with: its store, if it has one, and what an earlier collector left there.
struct Remembered: Sendable {
    var store: Store?
    var memory = Store.Memory()
    /// Why there is no store though one is configured.
    var failure: String?

    /// A store that another collector writes is refused: two would tell everything twice. Any other trouble is
    /// said, and the collector does without.
    static func open(
        _ path: String?,
        clock: @escaping @Sendable () -> Timestamp,
        log: Logger
    ) throws(StoreError) -> Remembered {
        guard let path else {
            log.notice("no store: incidents and silences last as long as this process")
            return Remembered()
        }
        do throws(StoreError) {
            let store = try Store(path: path, clock: clock) { log.error("store \($0)") }
            log.info("store \(path): \(store.inherited.entries.count) incidents")
            return Remembered(store: store, memory: store.inherited)
        } catch {
            guard !error.isInUse else { throw error }
            log.error("store \(error); incidents and silences last as long as this process")
            return Remembered(failure: "\(error)")
        }
    }

    /// As page, API and metrics show it; nil where none is configured.
    var state: CollectorState.Store? {
        if let failure { return CollectorState.Store(failure: failure, waiting: 0) }
        guard let store else { return nil }
        guard case .failing(let reason, _) = store.health else {
            return CollectorState.Store(failure: nil, waiting: store.waiting)
        }
        return CollectorState.Store(failure: reason, waiting: store.waiting)
    }

    /// What was to be sent when the last collector ended; what is for no sink any more is let go.
    func post(to outboxes: [Outbox]) async {
        let byName = Dictionary(outboxes.map { ($0.name, $0) }) { first, _ in first }
        for delivery in memory.waiting {
            if let outbox = byName[delivery.sink] {
                outbox.post(delivery)
            } else {
                await store?.end(delivery.sequence, .dropped)
            }
        }
    }
}
