// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Incidents
package import Routing
import Synchronization

/// Keeps a Lease, and answers what hangs on it: whether this collector tells, and what another has told.
package final class Elector: Sendable {
    /// What it needs of the world outside.
    package struct Edge: Sendable {
        package var clock: @Sendable () -> Timestamp
        /// Sleeps at most so many milliseconds, less if it is woken.
        package var pause: @Sendable (Int64) async -> Void
        package var wake: @Sendable () -> Void
        /// Answers within some seconds, whatever happens.
        package var ask: @Sendable (Election.Request) async -> Election.Answer
        /// Somebody else is to tell now, or something was told or silenced elsewhere.
        package var moved: @Sendable () -> Void
        /// What an operator said to another collector.
        package var learned: @Sendable (Silence) async -> Void
        package var say: @Sendable (String) -> Void

        package init(
            clock: @escaping @Sendable () -> Timestamp,
            pause: @escaping @Sendable (Int64) async -> Void,
            wake: @escaping @Sendable () -> Void,
            ask: @escaping @Sendable (Election.Request) async -> Election.Answer,
            moved: @escaping @Sendable () -> Void,
            learned: @escaping @Sendable (Silence) async -> Void,
            say: @escaping @Sendable (String) -> Void
        ) {
            self.clock = clock
            self.pause = pause
            self.wake = wake
            self.ask = ask
            self.moved = moved
            self.learned = learned
            self.say = say
        }
    }

    private struct State {
        var election: Election
        var told = Told()
        var silences: SharedSilences
        var open = OpenIncidents()
        /// What the last holder left open, until this collector's ledger has it.
        var left: [LedgerEntry] = []
        /// Something was told since the Lease was last written.
        var isNews = false
        /// Whether the Lease was there when it was first asked for; nil before.
        var wasThere: Bool?
        var standing: Election.Standing?
        var failure: String?

        var isPressing: Bool { isNews || silences.isUnpublished }
    }

    private let edge: Edge
    private let state: Mutex<State>

    /// `told` is what an earlier life of this collector has told, `silences` what it knew.
    package init(name: String, life: String, told: Told, silences: [Silence], edge: Edge) {
        self.edge = edge
        state = Mutex(
            State(
                election: Election(name: name, life: life, now: edge.clock()),
                told: told,
                silences: SharedSilences(silences)
            )
        )
    }

    package var standing: Election.Standing {
        let now = edge.clock()
        return state.withLock { $0.election.standing(at: now) }
    }

    /// Whether it is for this collector to tell.
    package var speaks: Bool {
        let now = edge.clock()
        return state.withLock { $0.election.speaks(at: now) }
    }

    /// Of what waits for one sink, the sequences of what was told, or is of no use any more.
    package func heard(of waiting: [Delivery]) -> Set<Int64> {
        let now = edge.clock()
        let (told, wasThere, speaks) = state.withLock { state in
            (state.told, state.wasThere, state.election.speaks(at: now))
        }
        // Before the Lease was read nothing is known of others.
        guard let wasThere else { return [] }
        let heard = told.heard(of: waiting, isWhole: wasThere)
        return speaks ? heard : heard.union(settled(waiting, now))
    }

    /// What only this collector saw, and is over for so long that the one that tells would have told it.
    private func settled(_ waiting: [Delivery], _ now: Timestamp) -> Set<Int64> {
        var settled = Set<Int64>()
        for deliveries in Dictionary(grouping: waiting, by: \.transition.incident.id).values {
            let last = deliveries.lastIndex {
                $0.transition.change == .resolved && now - $0.transition.at > Self.memory
            }
            if let last { settled.formUnion(deliveries[...last].map(\.sequence)) }
        }
        return settled
    }

    /// An hour: as long as a chat may be down without anything being lost with the collector that tells.
    private static let memory: Int64 = 3_600_000

    /// Whether those behind a sink know of an incident that is not over.
    package func isOpen(_ incident: String, at sink: String) -> Bool {
        state.withLock { $0.told.isOpen(incident, at: sink) }
    }

    /// What this collector has told and is open, worst first.
    package func note(open entries: [LedgerEntry]) {
        state.withLock { $0.open.note(entries) }
    }

    /// What another had told when this collector took over, once.
    package func takeLeft() -> [LedgerEntry] {
        state.withLock { state in
            defer { state.left = [] }
            return state.left
        }
    }

    /// This collector has told it.
    package func note(_ delivery: Delivery) {
        state.withLock { state in
            state.told.note(delivery)
            state.isNews = true
        }
        edge.wake()
    }

    /// An operator said it to this collector.
    package func note(_ silence: Silence) {
        let now = edge.clock()
        state.withLock { $0.silences.note(silence, at: now) }
        edge.wake()
    }

    /// Runs until cancelled.
    package func run() async {
        while !Task.isCancelled {
            await turn()
            let now = edge.clock()
            let next = state.withLock { $0.election.nextDeadline(isNews: $0.isPressing) }
            // At least 10 ms: a deadline that does not move cannot spin.
            await edge.pause(max((next ?? now) - now, 10))
        }
    }

    /// Hands the Lease over, having told the last.
    package func release() async {
        // Somebody may have noted something meanwhile: then once more.
        for _ in 0..<2 {
            let now = edge.clock()
            let request = state.withLock { state in
                state.election.release(
                    told: state.told.text,
                    open: state.left.isEmpty ? state.open.text : nil,
                    now: now
                )
            }
            guard let request else { return }
            let answer = await edge.ask(request)
            await take(answer)
            guard answer == .conflict else { return }
            await take(await edge.ask(.read))
        }
    }

    private func turn() async {
        let now = edge.clock()
        let request = state.withLock { state in
            let silences = state.silences.isUnpublished ? state.silences.text(at: now) : nil
            let request = state.election.request(
                told: state.told.text,
                open: state.left.isEmpty ? state.open.text : nil,
                silences: silences,
                isNews: state.isPressing,
                now: now
            )
            if request != nil { state.isNews = false }
            return request
        }
        guard let request else { return look() }
        await take(await edge.ask(request))
        look()
    }

    private func take(_ answer: Election.Answer) async {
        let now = edge.clock()
        let learned: [Silence] = state.withLock { state in
            state.election.answered(answer, jitter: .random(in: 0.8...1.2), now: now)
            switch answer {
            case .found(let lease):
                if let told = try? Told(parsing: lease.told) {
                    // Of what this one told last the Lease may know nothing; else it knows best.
                    if state.wasThere == nil {
                        state.told.yield(to: told, since: lease.renewedAt - Self.slack)
                    }
                    state.told.merge(told, now: now)
                }
                state.wasThere = true
                return state.silences.merge(lease.silences)
            case .written(let lease):
                if state.standing?.speaks != true, state.election.speaks(at: now) {
                    state.left = OpenIncidents.parse(lease.open)
                }
                state.silences.published(lease.silences, at: now)
                return []
            case .absent:
                state.wasThere = state.wasThere ?? false
                state.isNews = true
                return []
            case .conflict, .failed:
                state.isNews = true
                return []
            }
        }
        for silence in learned { await edge.learned(silence) }
        edge.moved()
    }

    /// Says what changed, once.
    private func look() {
        let now = edge.clock()
        let news: [String] = state.withLock { state in
            let standing = state.election.standing(at: now)
            defer { (state.standing, state.failure) = (standing, standing.failure) }
            return [
                state.standing.map { $0.speaks != standing.speaks } ?? true
                    ? words(standing) : nil,
                standing.failure.flatMap { state.failure == nil ? "it cannot be had: \($0)" : nil },
                state.failure != nil && standing.failure == nil ? "it can be had again" : nil,
            ].compactMap(\.self)
        }
        for text in news { edge.say(text) }
        if !news.isEmpty { edge.moved() }
    }

    /// As long as a message may have been under way, and clocks may differ.
    private static let slack: Int64 = 60_000

    private func words(_ standing: Election.Standing) -> String {
        guard !standing.speaks else { return "this collector tells people" }
        return standing.holder.map { "\($0) tells people, this collector stands by" }
            ?? "nobody has it yet, this collector stands by"
    }
}
