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

    private var slots = [Slot](repeating: Slot(), count: DumpKind.allCases.count)
    /// In a row, without a complete reading between.
    private var failures = 0
    private var resyncAt: Timestamp?

    var next: Timestamp? { slots.compactMap(\.next).min() }

    mutating func ask(_ kind: DumpKind, at moment: Timestamp) {
        let moment = max(moment, slots[kind.rawValue].restsUntil)
        slots[kind.rawValue].next = min(slots[kind.rawValue].next ?? moment, moment)
    }

    /// Now, and once more when the kernel has surely done what it announced.
    mutating func askTwice(_ kind: DumpKind, now: Timestamp) {
        ask(kind, at: now)
        slots[kind.rawValue].confirmation = now + Self.confirmationDelay
    }

    /// The first dump that is due, which begins now.
    mutating func take(now: Timestamp) -> DumpKind? {
        for kind in DumpKind.allCases {
            guard let next = slots[kind.rawValue].next, next <= now else { continue }
            let confirmation = slots[kind.rawValue].confirmation
            slots[kind.rawValue].next = confirmation
            slots[kind.rawValue].confirmation = nil
            return kind
        }
        return nil
    }

    /// Dumping takes a tenth of the kernel's time at most, auditing a thousandth: tables of half a
    /// million routes take 0.3 s.
    mutating func finished(_ kind: DumpKind, startedAt: Timestamp, now: Timestamp) {
        let duration = max(0, min(now - startedAt, 60_000))
        slots[kind.rawValue].restsUntil = now + duration * 10
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

    /// 0, 250, 500, 1000 … 5000 ms.
    private var pause: Int64 {
        failures == 0 ? 0 : min(Self.longestPause, Self.firstPause << Int64(failures - 1))
    }
}
