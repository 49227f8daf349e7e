// SPDX-License-Identifier: Apache-2.0
import CMNL
package import Routing

/// Keeps a copy of the kernel's tables: datagrams and time in, requests out.
///
/// Subscribe first, dump second, apply what changed between. Dumps go one after another (the kernel
/// allows one a socket): devices, the main table's routes, addresses, rules, then each table that
/// rules lead to. The live table stays believed while a dump runs; a dump that was torn, refused or
/// never answered is asked again.
package struct KernelMachine: Sendable {
    package enum Action: Hashable, Sendable {
        /// A request for the netlink socket.
        case send([UInt8])
        /// `rib` differs from before the call.
        case changed
    }

    package internal(set) var rib = KernelRIB()
    /// Datagrams that contradicted themselves; each one costs a fresh reading of everything.
    package private(set) var malformedCount: UInt64 = 0
    var scope: RouteScope
    var schedule = DumpSchedule()
    var session: DumpSession?
    private var sequence: UInt32 = 0

    package init(supernets: [Prefix]) { scope = RouteScope(supernets: supernets) }

    /// When `timerFired` is wanted.
    package var deadline: Timestamp? { session?.deadline ?? schedule.next }

    package mutating func start(now: Timestamp) -> [Action] {
        step(now) { machine in
            for kind in DumpKind.first { machine.schedule.ask(kind, at: now) }
        }
    }

    package mutating func received(_ bytes: UnsafeRawBufferPointer, now: Timestamp) -> [Action] {
        received(bytes.bytes, now: now)
    }

    package mutating func received(_ bytes: [UInt8], now: Timestamp) -> [Action] {
        received(bytes.span.bytes, now: now)
    }

    /// ENOBUFS: changes were lost, and nobody knows which.
    package mutating func overflowed(now: Timestamp) -> [Action] {
        step(now) { $0.resync(now) }
    }

    package mutating func timerFired(now: Timestamp) -> [Action] {
        step(now) { machine in
            if let session = machine.session, session.deadline <= now { machine.giveUp(now) }
        }
    }

    /// One datagram.
    package mutating func received(_ bytes: RawSpan, now: Timestamp) -> [Action] {
        let before = rib.revision
        var messages = MessageCursor()
        do throws(NetlinkError) {
            while let message = try messages.next(in: bytes) {
                try handle(message, bytes, now)
            }
        } catch {
            malformedCount &+= 1
            resync(now)
        }
        return actions(since: before, now)
    }

    private mutating func step(_ now: Timestamp, _ body: (inout Self) -> Void) -> [Action] {
        let before = rib.revision
        body(&self)
        return actions(since: before, now)
    }

    private mutating func actions(since revision: UInt64, _ now: Timestamp) -> [Action] {
        var actions: [Action] = rib.revision == revision ? [] : [.changed]
        if session == nil, let kind = schedule.take(now: now) {
            sequence = sequence == .max ? 1 : sequence + 1
            session = DumpSession(kind, sequence: sequence, now: now)
            actions.append(.send(kind.request(sequence: sequence)))
        }
        return actions
    }

    /// What is held stays believed, but proves no absence until all is read again.
    mutating func resync(_ now: Timestamp) {
        session = nil
        rib.doubtAll()
        schedule.resync(now: now)
    }

    mutating func giveUp(_ now: Timestamp) {
        guard let session else { return }
        schedule.failed(session.kind, now: now)
        self.session = nil
    }

    mutating func finish(_ now: Timestamp) {
        guard var session, !session.isTorn else { return giveUp(now) }
        self.session = nil
        session.settle(&rib)
        schedule.finished(session.kind, startedAt: session.startedAt, now: now)
        if case .rules(let family) = session.kind { rulesChanged(family, now) }
        if rib.isComplete { schedule.recovered() }
    }

    /// Tables that rules lead to now are read; those they no longer lead to are none of ours.
    private mutating func rulesChanged(_ family: AddressFamily, _ now: Timestamp) {
        let (known, wanted) = (scope.tables(family), rib.tables(family))
        scope.setTables(wanted, family)
        for table in known.subtracting(wanted) { schedule.forget(.routes(family, table: table)) }
        for table in wanted.subtracting(known).sorted() {
            schedule.ask(.routes(family, table: table), at: now)
        }
    }
}
