// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Synchronization
import Testing
import Verdicts

@testable import Election
@testable import Incidents

/// An elector whose API server and clock are the test's.
private final class Desk: Sendable {
    struct State {
        var now = at(10_000_000_000_000)
        var lease: Lease?
        var version = 0
        var isDown = false
        /// As many writes from now on are preceded by somebody else's.
        var disturbances = 0
        var requests: [Election.Request] = []
        var said: [String] = []
        var learned: [Silence] = []
        /// When the first word of what was told was written.
        var toldAt: Timestamp?
    }
    let state = Mutex(State())

    func elector(
        _ name: String = "a",
        life: String = "1",
        told: Told = Told(),
        silences: [Silence] = []
    ) -> Elector {
        Elector(
            name: name,
            life: life,
            told: told,
            silences: silences,
            edge: Elector.Edge(
                clock: { self.state.withLock { $0.now } },
                pause: { wait in
                    self.state.withLock { $0.now = $0.now + wait }
                    await Task.yield()
                },
                wake: {},
                ask: { request in self.state.withLock { Self.answer(request, &$0) } },
                moved: {},
                learned: { silence in self.state.withLock { $0.learned.append(silence) } },
                say: { text in self.state.withLock { $0.said.append(text) } }
            )
        )
    }

    private static func answer(
        _ request: Election.Request,
        _ state: inout State
    ) -> Election.Answer {
        state.requests.append(request)
        guard !state.isDown else { return .failed("no answer") }
        guard case .write(let wanted) = request else {
            return state.lease.map { .found($0) } ?? .absent
        }
        if state.disturbances > 0 {
            state.disturbances -= 1
            state.version += 1
            state.lease?.document = LeaseDocument(bytes: Data("\(state.version)".utf8))
        }
        guard wanted.document == state.lease?.document else { return .conflict }
        state.version += 1
        state.lease = wanted
        if !wanted.told.isEmpty { state.toldAt = state.toldAt ?? state.now }
        state.lease?.document = LeaseDocument(bytes: Data("\(state.version)".utf8))
        return state.lease.map { .written($0) } ?? .absent
    }

    /// Until that holds, or far more has been asked than is needed.
    func run(_ elector: Elector, until holds: @Sendable (State) -> Bool) async {
        let task = Task { await elector.run() }
        while !state.withLock({ holds($0) || $0.requests.count > 500 }) { await Task.yield() }
        task.cancel()
        await task.value
        #expect(state.withLock { holds($0) })
    }
}

@Suite struct Electors {
    private let all = story()

    private func waiting(_ transitions: [IncidentTransition]) -> [Delivery] {
        transitions.enumerated().map {
            Delivery(sequence: Int64($0), sink: "chat", transition: $1)
        }
    }

    @Test("before the Lease was read nothing is taken to be told, not even what needs no end")
    func unread() async {
        let desk = Desk()
        let elector = desk.elector()
        #expect(elector.heard(of: waiting([all[3]])).isEmpty)
        desk.state.withLock { $0.isDown = true }
        await desk.run(elector) { $0.requests.count > 3 }
        #expect(elector.heard(of: waiting([all[3]])).isEmpty)
    }

    @Test("a Lease that is new says nothing of what was told before; one that is there says all")
    func first() async {
        let desk = Desk()
        let elector = desk.elector()
        await desk.run(elector) { $0.lease != nil }
        #expect(elector.speaks)
        #expect(elector.heard(of: waiting([all[3]])).isEmpty)
        let other = desk.elector("b")
        await desk.run(other) { $0.said.count > 2 }
        #expect(other.heard(of: waiting([all[3]])) == [0])
    }

    @Test("what was told is in the Lease with the next write, also if one was under way")
    func news() async throws {
        let desk = Desk()
        let elector = desk.elector()
        await desk.run(elector) { $0.lease != nil }
        for delivery in waiting([all[0]]) { elector.note(delivery) }
        let before = desk.state.withLock { $0.now }
        await desk.run(elector) { !($0.lease?.told.isEmpty ?? true) }
        let toldAt = try #require(desk.state.withLock { $0.toldAt })
        #expect(toldAt - before <= 200)
        let told = desk.state.withLock { $0.lease?.told ?? "" }
        #expect((try? Told(parsing: told))?.isOpen(all[0].incident.id, at: "chat") == true)
    }

    @Test("who takes over has what was left open, and writes it on until the ledger has it")
    func left() async {
        let desk = Desk()
        let first = desk.elector()
        var entry = LedgerEntry(all[0].incident)
        entry.told = .init(all[0].incident.verdict)
        first.note(open: [entry])
        for delivery in waiting([all[0]]) { first.note(delivery) }
        await desk.run(first) {
            !($0.lease?.open.isEmpty ?? true) && !($0.lease?.told.isEmpty ?? true)
        }
        let second = desk.elector("b")
        await desk.run(second) { $0.lease?.holder == "b_1" }
        #expect(second.isOpen(all[0].incident.id, at: "chat"))
        let writes = desk.state.withLock { $0.version }
        await desk.run(second) { $0.version > writes + 2 }
        #expect(desk.state.withLock { $0.lease?.open.isEmpty } == false)
        #expect(second.takeLeft().map(\.incident.id) == [all[0].incident.id])
        #expect(second.takeLeft().isEmpty)
    }

    @Test("who ends while somebody notes something hands over all the same")
    func release() async {
        let desk = Desk()
        let elector = desk.elector()
        await desk.run(elector) { $0.lease != nil }
        desk.state.withLock { $0.disturbances = 1 }
        await elector.release()
        #expect(desk.state.withLock { $0.lease?.holder } == "")
    }

    @Test("what one that stands by alone has seen, and was over an hour ago, is of no use")
    func settled() async {
        let desk = Desk()
        let first = desk.elector()
        await desk.run(first) { $0.lease != nil }
        let second = desk.elector("b")
        desk.state.withLock { $0.now = all[3].at + 60_000 }
        let seen = desk.state.withLock { $0.requests.count }
        let both = Task { await first.run() }
        await desk.run(second) { $0.requests.count > seen + 4 }
        both.cancel()
        await both.value
        desk.state.withLock { $0.now = all[3].at + 60_000 }
        #expect(!second.speaks)
        #expect(second.heard(of: waiting(Array(all))).isEmpty)
        desk.state.withLock { $0.now = all[3].at + 3_700_000 }
        #expect(second.heard(of: waiting(Array(all))) == [0, 1, 2, 3])
    }

    @Test(
        "what an earlier life remembers gives way to the Lease, but for what it may have told last"
    )
    func remembered() async {
        var told = Told()
        told.note(all[0], sink: "chat")
        let desk = Desk()
        let other = desk.elector("b")
        await desk.run(other) { $0.lease != nil }
        let elector = desk.elector(told: told)
        await desk.run(elector) {
            $0.said.contains { $0.contains("stands by") } && $0.requests.count > 6
        }
        // Long before the Lease was written last, and the Lease does not have it.
        #expect(!elector.isOpen(all[0].incident.id, at: "chat"))
        desk.state.withLock { $0.lease?.renewedAt = all[0].at }
        let again = desk.elector(life: "2", told: told)
        let seen = desk.state.withLock { $0.requests.count }
        await desk.run(again) { $0.requests.count > seen }
        #expect(again.isOpen(all[0].incident.id, at: "chat"))
    }
}
