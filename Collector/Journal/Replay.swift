// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Incidents
package import Routing
import Verdicts

/// Recorded facts through the same judgement and the same ledger as when they came: the same entries give the
/// same transitions, in any process.
package struct Replay: Sendable {
    package private(set) var snapshot: Snapshot?
    package private(set) var ledger: IncidentLedger?
    /// The last moment that was judged.
    package private(set) var now = Timestamp.zero
    package private(set) var judgements = 0
    package private(set) var facts = 0
    package private(set) var lost = 0
    private var batch: [(update: FactUpdate, at: Timestamp)] = []

    package init() {}

    /// What people were told because of it.
    package mutating func take(_ entry: JournalEntry) -> [IncidentTransition] {
        switch entry {
        case .begin(let head): begin(head)
        case .fact(let update, let moment):
            facts += 1
            batch.append((update, moment))
        case .tookOver(let entry): ledger?.takeOver(entry)
        case .lost(let updates): lost += updates
        case .judged(let moment): return judged(at: moment)
        }
        return []
    }

    /// The next file of one collector goes on where the last ended; another collector's begins anew.
    private mutating func begin(_ head: JournalHead) {
        guard snapshot?.startedAt != head.startedAt else { return }
        snapshot = Snapshot(head.site, startedAt: head.startedAt)
        for silence in head.silences ?? [] {
            snapshot?.apply(.operators(.silence(silence)), at: head.startedAt)
        }
        ledger = IncidentLedger(
            cluster: head.site.cluster,
            policy: head.policy,
            memory: head.entries ?? [],
            startedAt: head.startedAt
        )
        batch = []
    }

    private mutating func judged(at moment: Timestamp) -> [IncidentTransition] {
        snapshot?.apply(batch)
        batch = []
        guard let snapshot else { return [] }
        (now, judgements) = (moment, judgements + 1)
        return ledger?.step(
            judge(snapshot, now: moment),
            silences: snapshot.silences,
            now: moment
        ) ?? []
    }
}
