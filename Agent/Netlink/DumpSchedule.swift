// SPDX-License-Identifier: Apache-2.0
import Routing

/// When each table is to be dumped next; asking twice before the dump begins is asking once.
struct DumpSchedule: Sendable {
    private struct Slot: Sendable {
        var next: Timestamp?
        /// A second look, for removals that follow their message.
        var confirmation: Timestamp?
        var restsUntil = Timestamp(milliseconds: .min)
    }

    /// Nothing should slip past the subscription; where something did, a minute mends it.
    private static let auditInterval: Int64 = 60_000
    private static let confirmationDelay: Int64 = 250
    private static let firstPause: Int64 = 250
    private static let longestPause: Int64 = 5_000

    /// In the order of asking; a table that is no longer wanted leaves its slot.
    private var kinds: [DumpKind] = []
    private var slots: [Slot] = []
    /// In a row, without a complete reading between.
    private var failures = 0
    private var resyncAt: Timestamp?

    var next: Timestamp? { slots.compactMap(\.next).min() }

    mutating func ask(_ kind: DumpKind, at moment: Timestamp) {
        let slot = slot(kind)
        let moment = max(moment, slots[slot].restsUntil)
        slots[slot].next = min(slots[slot].next ?? moment, moment)
    }

    /// It is not wanted any more.
    mutating func forget(_ kind: DumpKind) {
        guard let slot = kinds.firstIndex(of: kind) else { return }
        kinds.remove(at: slot)
        slots.remove(at: slot)
    }

    /// Now, and once more when the kernel has surely done what it announced.
    mutating func askTwice(_ kind: DumpKind, now: Timestamp) {
        ask(kind, at: now)
        slots[slot(kind)].confirmation = now + Self.confirmationDelay
    }

    /// The first dump that is due, which begins now.
    mutating func take(now: Timestamp) -> DumpKind? {
        let due = slots.firstIndex { $0.next.map { $0 <= now } ?? false }
        guard let due else { return nil }
        slots[due].next = slots[due].confirmation
        slots[due].confirmation = nil
        return kinds[due]
    }

    /// Dumping takes a tenth of the kernel's time at most, auditing a thousandth: tables of half a
    /// million routes take 0.3 s.
    mutating func finished(_ kind: DumpKind, startedAt: Timestamp, now: Timestamp) {
        let duration = max(0, min(now - startedAt, 60_000))
        slots[slot(kind)].restsUntil = now + duration * 10
        ask(kind, at: now + max(Self.auditInterval, duration * 1_000))
    }

    /// Every table was read: the next failure is a first one.
    mutating func recovered() {
        failures = 0
        resyncAt = nil
    }

    /// Asked again, at once the first time.
    mutating func failed(_ kind: DumpKind, now: Timestamp) {
        ask(kind, at: now + pause)
        failures += failures < 16 ? 1 : 0
    }

    /// All tables, after a pause in which the queue is drained; a pause under way is not prolonged.
    mutating func resync(now: Timestamp) {
        if let resyncAt, resyncAt > now { return }
        failures = max(1, failures)
        let moment = now + pause
        failures += failures < 16 ? 1 : 0
        resyncAt = moment
        for index in slots.indices { slots[index] = Slot(next: moment) }
    }

    /// There are a handful: looking through them beats hashing.
    private mutating func slot(_ kind: DumpKind) -> Int {
        if let known = kinds.firstIndex(of: kind) { return known }
        kinds.append(kind)
        slots.append(Slot())
        return slots.count - 1
    }

    /// 0, 250, 500, 1000 … 5000 ms.
    private var pause: Int64 {
        failures == 0 ? 0 : min(Self.longestPause, Self.firstPause << Int64(failures - 1))
    }
}
