// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Facts
import Incidents
import Journal
import Logging
import Routing
import Sinks
import Synchronization
import Verdicts

/// The one writer: takes what sources say, judges, keeps incidents, tells the sinks.
///
/// Sources post from any thread or task. Agents' snapshots merge by node while they wait, and
/// every poller has one read under way, so the inbox is bounded by the number of sources.
final class Engine: Sendable {
    private let inbox = Mutex(Inbox())
    private let alarm = Alarm()
    private let arePoolsInDoubt = Mutex(false)
    private let finished = Atomic(0)
    private let clock: @Sendable () -> Timestamp
    private let board: StateBoard
    /// Sinks and store, and what was left in it.
    private let outboxes: [Outbox]
    private let remembered: Remembered
    /// Where what enters is recorded, if anywhere.
    private let journal: JournalWriter?
    /// Nil where this collector is the only one.
    private let telling: SharedTelling?
    private let hasMoved: @Sendable () -> Void
    private let isInDoubt: @Sendable ([String: Set<String>]) -> Void
    private let log: Logger

    /// `hasMoved` hastens the pollers: an agent has seen a change. `isInDoubt` names pools, by load balancer,
    /// that are worth another look.
    init(
        board: StateBoard,
        outboxes: [Outbox],
        remembered: Remembered,
        journal: JournalWriter? = nil,
        telling: SharedTelling? = nil,
        log: Logger,
        clock: @escaping @Sendable () -> Timestamp,
        hasMoved: @escaping @Sendable () -> Void,
        isInDoubt: @escaping @Sendable ([String: Set<String>]) -> Void
    ) {
        self.isInDoubt = isInDoubt
        self.board = board
        self.outboxes = outboxes
        self.remembered = remembered
        self.journal = journal
        self.telling = telling
        self.log = log
        self.clock = clock
        self.hasMoved = hasMoved
    }

    func post(_ update: FactUpdate) {
        let now = clock()
        inbox.withLock { $0.add(update, at: now) }
        // A heartbeat changes nothing that must be judged at once; the next deadline takes it in.
        if case .agent(_, .heartbeat) = update { return }
        // While pools differ a bookmark tells that what is known of Kubernetes is newer than their read.
        if case .cluster(let change) = update, change.isSignOfLife,
            !arePoolsInDoubt.withLock({ $0 })
        {
            return
        }
        alarm.ring()
    }

    /// How many were judged and published.
    var rounds: Int { finished.load(ordering: .relaxed) }

    /// Another round: what is shown beside the facts is another, or a sign of life is wanted.
    func look() { alarm.ring() }

    /// Runs until cancelled.
    func run(_ snapshot: Snapshot, _ ledger: IncidentLedger) async {
        var (snapshot, ledger) = (snapshot, ledger)
        var dispatch = Dispatch(outboxes, remembered.store, after: remembered.memory.lastSequence)
        var (judge, durations) = (Judge(), Durations())
        while !Task.isCancelled {
            let changes = apply(to: &snapshot)
            let began = monotonicMicroseconds()
            let now = clock()
            let judgement = judge.judge(snapshot, changes, now: now)
            let left = telling?.elector.takeLeft() ?? []
            journal?.tookOver(left)
            journal?.judged(at: now)
            for entry in left { takeOver(entry, &ledger) }
            let transitions = ledger.step(judgement, silences: snapshot.silences, now: now)
            durations.observe(Double(monotonicMicroseconds() - began) / 1_000_000)
            for transition in transitions { log.info("\(IncidentText.line(transition))") }
            if let telling { telling.elector.note(open: ledger.toldEntries) }
            await dispatch.tell(transitions, ledger.takeTouched())
            remembered.store?.note(
                judgement.paths,
                touched: judge.touched,
                startedAt: snapshot.startedAt,
                at: now
            )
            arePoolsInDoubt.withLock { $0 = !judgement.inDoubt.isEmpty }
            if !judgement.inDoubt.isEmpty { isInDoubt(judgement.inDoubt) }
            board.publish(
                CollectorState(
                    snapshot: snapshot,
                    judgement: judgement,
                    incidents: ledger.incidents,
                    judgedAt: now,
                    judgeDurations: durations,
                    store: remembered.state,
                    telling: telling?.state
                ),
                transitions,
                touched: judge.touched
            )
            finished.add(1, ordering: .relaxed)
            await rest(after: monotonicMicroseconds() - began)
            await alarm.sleep(milliseconds: delay(judgement, ledger))
        }
    }

    /// What another collector told, its sinks are to hear the end of.
    private func takeOver(_ entry: LedgerEntry, _ ledger: inout IncidentLedger) {
        ledger.takeOver(entry)
        let id = entry.incident.id
        for outbox in outboxes where telling?.elector.isOpen(id, at: outbox.name) ?? false {
            outbox.know(id)
        }
    }

    /// Twice as long as it took: what comes meanwhile is judged together, so that a fleet that comes
    /// back is judged some dozen times and not ten thousand, and two thirds of a core stay for those
    /// who report. A second at most, which is what a fault may wait to be named.
    private func rest(after microseconds: Int64) async {
        let pause = min(2 * microseconds, 1_000_000)
        try? await Task.sleep(for: .microseconds(pause))
    }

    private func apply(to snapshot: inout Snapshot) -> SnapshotChanges {
        let updates = inbox.withLock { inbox in
            defer { inbox = Inbox() }
            return inbox.updates
        }
        let changes = snapshot.apply(updates)
        journal?.record(updates)
        let isMove = updates.contains {
            if case .agent(_, .snapshot) = $0.update { true } else { false }
        }
        if isMove { hasMoved() }
        return changes
    }

    /// Until the next deadline of judgement or ledger; at least 10 ms, so that a deadline that does
    /// not move cannot spin, and at most a minute.
    private func delay(_ judgement: Judgement, _ ledger: IncidentLedger) -> Int64 {
        let deadlines = [judgement.nextChange, ledger.nextDeadline].compactMap(\.self)
        guard let next = deadlines.min() else { return 60_000 }
        return min(max(next - clock(), 10), 60_000)
    }
}

private func monotonicMicroseconds() -> Int64 {
    let elapsed = ContinuousClock.now - processStart
    return elapsed.components.seconds * 1_000_000 + elapsed.components.attoseconds
        / 1_000_000_000_000
}

private let processStart = ContinuousClock.now
