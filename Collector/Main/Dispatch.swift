// SPDX-License-Identifier: Apache-2.0
import Incidents
import Sinks
import Store

/// From the ledger to the sinks, by way of the store: what people are told is on disk before they are.
struct Dispatch {
    let outboxes: [Outbox]
    let store: Store?
    private var sequence: Int64

    init(_ outboxes: [Outbox], _ store: Store?, after sequence: Int64) {
        self.outboxes = outboxes
        self.store = store
        self.sequence = sequence
    }

    mutating func tell(_ transitions: [IncidentTransition], _ touched: [LedgerEntry]) async {
        guard !(transitions.isEmpty && touched.isEmpty) else { return }
        var posts: [(outbox: Outbox, delivery: Delivery)] = []
        for transition in transitions {
            for outbox in outboxes where outbox.wants(transition) {
                sequence += 1
                posts.append(
                    (
                        outbox,
                        Delivery(sequence: sequence, sink: outbox.name, transition: transition)
                    )
                )
            }
        }
        await store?.keep(touched, posts.map(\.delivery))
        for (outbox, delivery) in posts { outbox.post(delivery) }
    }
}
