// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Logging
import Routing
import Support
import Synchronization
import Testing
import Verdicts

@testable import Sinks

/// Fails as often as it is told to, then takes everything.
private final class StubbornSink: Sink {
    let name = "stubborn"
    let pace: Pace?
    let bundling: Bundling
    private let state: Mutex<(failures: Int, taken: [Notice])>
    private let failure: SinkError.Class
    private let reports: [SinkError?]

    init(
        failures: Int = 0,
        _ failure: SinkError.Class = .unavailable,
        bundling: Bundling = .each,
        pace: Pace? = nil,
        reports: [SinkError?] = []
    ) {
        self.reports = reports
        state = Mutex((failures, []))
        self.failure = failure
        self.bundling = bundling
        self.pace = pace
    }

    func run(_ report: @escaping @Sendable (SinkError?) -> Void) async {
        for error in reports { report(error) }
    }

    var taken: [Notice] { state.withLock { $0.taken } }
    var summaries: [[String]] { taken.map { $0.transitions.map(\.incident.verdict.summary) } }

    func deliver(_ notice: Notice) async throws(SinkError) {
        let fails = state.withLock { state in
            defer { state.failures -= 1 }
            return state.failures > 0
        }
        if fails { throw SinkError("no", failure) }
        state.withLock { $0.taken.append(notice) }
    }
}

/// A world in which time passes when somebody waits, and all is written down.
private final class Stage: Sendable {
    private struct State {
        var now = at(1_000_000)
        var pauses: [Int64] = []
        var ends: [Int64: Delivery.Outcome] = [:]
        var health: [SinkHealth] = []
    }
    private let state = Mutex(State())

    var pauses: [Int64] { state.withLock { $0.pauses } }
    var ends: [Int64: Delivery.Outcome] { state.withLock { $0.ends } }
    var health: [SinkHealth] { state.withLock { $0.health } }

    var edge: Outbox.Edge {
        Outbox.Edge(
            clock: { self.state.withLock { $0.now } },
            pause: { wait in
                self.state.withLock { state in
                    state.pauses.append(wait)
                    state.now = state.now + wait
                }
                await Task.yield()
            },
            ended: { sequence, outcome in
                self.state.withLock { state in
                    #expect(state.ends.updateValue(outcome, forKey: sequence) == nil)
                }
            },
            health: { health in self.state.withLock { $0.health.append(health) } }
        )
    }
}

@Suite struct Outboxes {
    private let stage = Stage()

    private func outbox(
        _ sink: StubbornSink,
        _ filter: SinkFilter = SinkFilter(),
        told: Set<String> = []
    ) -> Outbox {
        Outbox(sink, filter: filter, told: told, log: Logger(label: "t"), edge: stage.edge)
    }

    private func post(_ transitions: [IncidentTransition], to outbox: Outbox) {
        for (index, transition) in transitions.enumerated() where outbox.wants(transition) {
            outbox.post(Delivery(sequence: Int64(index), sink: "s", transition: transition))
        }
    }

    /// Until nothing waits.
    private func run(_ outbox: Outbox) async {
        let task = Task { await outbox.run() }
        while outbox.counters.waiting > 0 { await Task.yield() }
        task.cancel()
        await task.value
    }

    /// Of several collectors one has the turn; `isOurs` is asked each time.
    private func shared(
        _ sink: StubbornSink,
        isOurs: @escaping @Sendable () -> Bool,
        heard: @escaping @Sendable ([Delivery]) -> Set<Int64>,
        told: @escaping @Sendable (Delivery) -> Void = { _ in }
    ) -> Outbox {
        var edge = stage.edge
        edge.turn = Outbox.Turn(isOurs: isOurs, heard: heard, told: told)
        return Outbox(sink, filter: SinkFilter(), log: Logger(label: "t"), edge: edge)
    }

    /// Nothing shows that it has looked whose turn it is, but that it tells.
    private func begin(_ outbox: Outbox, _ sink: StubbornSink) async {
        for number in 0..<1_000 where sink.taken.isEmpty {
            for _ in 0..<100 { await Task.yield() }
            outbox.post(
                Delivery(sequence: Int64(number), sink: "s", transition: transition("\(number)"))
            )
        }
        while outbox.counters.waiting > 0 { await Task.yield() }
    }

    @Test("while another collector tells, what it told is let go and the rest waits for the turn")
    func standsBy() async {
        let sink = StubbornSink()
        let isOurs = Mutex(false)
        let told = Mutex<[Int64]>([])
        let outbox = shared(
            sink,
            isOurs: { isOurs.withLock(\.self) },
            heard: { Set($0.map(\.sequence)).intersection([0, 2]) },
            told: { delivery in told.withLock { $0.append(delivery.sequence) } }
        )
        post(["1", "2", "3"].map { transition($0) }, to: outbox)
        let task = Task { await outbox.run() }
        while outbox.counters.elsewhere < 2 { await Task.yield() }
        #expect(sink.taken.isEmpty)
        #expect(outbox.counters.waiting == 1)
        isOurs.withLock { $0 = true }
        outbox.look()
        while outbox.counters.waiting > 0 { await Task.yield() }
        task.cancel()
        await task.value
        #expect(sink.summaries == [["2"]])
        #expect(stage.ends == [0: .elsewhere, 1: .delivered, 2: .elsewhere])
        #expect(told.withLock(\.self) == [1])
        #expect(outbox.counters.lost[.dropped] == 0)
    }

    @Test(
        "once the turn is taken up, with or without anything waiting, what comes is told whoever told it before"
    )
    func hasTurn() async {
        let sink = StubbornSink()
        let isOurs = Mutex(true)
        let outbox = shared(
            sink,
            isOurs: { isOurs.withLock(\.self) },
            heard: { Set($0.map(\.sequence)) }
        )
        let task = Task { await outbox.run() }
        outbox.look()
        await begin(outbox, sink)
        #expect(!sink.taken.isEmpty)
        // Lost, though it is ours again before anybody asks.
        isOurs.withLock { $0 = false }
        outbox.look()
        isOurs.withLock { $0 = true }
        let before = sink.taken.count
        outbox.post(Delivery(sequence: 2_000, sink: "s", transition: transition("later")))
        while outbox.counters.waiting > 0 { await Task.yield() }
        #expect(sink.taken.count == before)
        task.cancel()
        await task.value
    }

    @Test("a turn that is lost while it is asked for is taken up anew")
    func losesAndHasTurn() async {
        let sink = StubbornSink()
        let isOurs = Mutex(true)
        let isArmed = Mutex(false)
        let own = Mutex<Outbox?>(nil)
        let outbox = shared(
            sink,
            isOurs: {
                let isNow = isArmed.withLock { armed in
                    defer { armed = false }
                    return armed
                }
                guard isNow else { return isOurs.withLock(\.self) }
                // The answer is on its way while another tells for a moment.
                isOurs.withLock { $0 = false }
                own.withLock(\.self)?.look()
                isOurs.withLock { $0 = true }
                return true
            },
            heard: { Set($0.map(\.sequence)) }
        )
        own.withLock { $0 = outbox }
        let task = Task { await outbox.run() }
        outbox.look()
        await begin(outbox, sink)
        let before = sink.taken.count
        #expect(before > 0)
        isArmed.withLock { $0 = true }
        outbox.post(Delivery(sequence: 2_000, sink: "s", transition: transition("later")))
        while outbox.counters.waiting > 0 { await Task.yield() }
        #expect(sink.taken.count == before)
        own.withLock { $0 = nil }
        task.cancel()
        await task.value
    }

    @Test("who loses the turn while a sink fails stops trying, and has lost nothing")
    func losesTurn() async {
        let sink = StubbornSink(failures: 1_000)
        let asked = Mutex(0)
        let outbox = shared(
            sink,
            isOurs: {
                asked.withLock { asked in
                    asked += 1
                    return asked < 5
                }
            },
            heard: { _ in [] }
        )
        post([transition("1")], to: outbox)
        let task = Task { await outbox.run() }
        while asked.withLock(\.self) < 6 { await Task.yield() }
        task.cancel()
        await task.value
        #expect(outbox.counters.waiting == 1)
        #expect(stage.ends.isEmpty)
        #expect(stage.pauses.count == 2)
    }

    @Test("a sink that fails for a while gets everything, in order, and later and later")
    func retries() async {
        let sink = StubbornSink(failures: 5)
        let outbox = outbox(sink)
        post(["1", "2", "3"].map { transition($0) }, to: outbox)
        await run(outbox)
        #expect(sink.summaries == [["1"], ["2"], ["3"]])
        #expect(sink.taken.map(\.key) == (0..<3).map { "lab-1700000000123-\($0)" })
        #expect(outbox.counters.delivered == 3)
        #expect(outbox.counters.failed == [.unavailable: 5])
        #expect(
            zip(stage.pauses, [1_000, 2_000, 4_000, 8_000, 16_000]).allSatisfy {
                (Int64(Double($1) * 0.8)...Int64(Double($1) * 1.2)).contains($0)
            }
        )
    }

    @Test("it is said once that a sink fails, and once that it is well again")
    func health() async {
        let outbox = outbox(StubbornSink(failures: 3))
        post([transition()], to: outbox)
        await run(outbox)
        #expect(stage.health == [.failing("no"), .well])
    }

    @Test(
        "a message that is refused is sent once more without its details, and then holds nobody up"
    )
    func refused() async {
        let sink = StubbornSink(failures: 1, .rejected)
        let outbox = outbox(sink)
        post([transition("1"), transition("2")], to: outbox)
        await run(outbox)
        #expect(sink.taken.map(\.isShort) == [true, false])

        let other = StubbornSink(failures: 2, .rejected)
        let strict = self.outbox(other)
        strict.post(Delivery(sequence: 10, sink: "s", transition: transition("1")))
        strict.post(Delivery(sequence: 11, sink: "s", transition: transition("2")))
        await run(strict)
        #expect(other.summaries == [["2"]])
        #expect(stage.ends == [0: .delivered, 1: .delivered, 10: .refused, 11: .delivered])
        #expect(strict.counters.lost[.refused] == 1)
    }

    @Test("a key that is wrong loses nothing: it is tried seldom until somebody mends it")
    func unauthorized() async {
        let sink = StubbornSink(failures: 12, .unauthorized)
        let outbox = outbox(sink)
        post([transition("1")], to: outbox)
        await run(outbox)
        #expect(sink.summaries == [["1"]])
        #expect(stage.pauses.allSatisfy { (12_000...360_000).contains($0) })
        #expect((stage.pauses.last ?? 0) >= 240_000)
    }

    @Test("what comes faster than a robot may be told goes as one message")
    func digest() async {
        let sink = StubbornSink(bundling: .digest, pace: Pace(perMinute: 15, burst: 5))
        // Who waits for the robot's pace waits at least until all has come.
        let isPosted = Mutex(false)
        var edge = stage.edge
        let pause = edge.pause
        edge.pause = { wait in
            while !isPosted.withLock(\.self) { await Task.yield() }
            await pause(wait)
        }
        let outbox = Outbox(sink, filter: SinkFilter(), log: Logger(label: "t"), edge: edge)
        let task = Task { await outbox.run() }
        for index in 0..<40 {
            outbox.post(
                Delivery(sequence: Int64(index), sink: "s", transition: transition("\(index)"))
            )
            // The first come one by one.
            while index < 4, outbox.counters.waiting > 0 { await Task.yield() }
        }
        isPosted.withLock { $0 = true }
        while outbox.counters.waiting > 0 { await Task.yield() }
        task.cancel()
        #expect(sink.summaries.flatMap(\.self) == (0..<40).map { "\($0)" })
        #expect(sink.taken.count <= 6)
        #expect(sink.taken.last?.key.hasSuffix("-39") == true)
    }

    @Test("where only the last word counts the earlier ones of an incident make room")
    func latest() async {
        let sink = StubbornSink(bundling: .latest)
        let outbox = outbox(sink)
        post(story() + [transition("other", node: "n4")], to: outbox)
        await run(outbox)
        #expect(sink.taken.map { $0.transitions.map(\.change) } == [[.resolved, .opened]])
        #expect(outbox.counters.lost[.dropped] == 0)
        #expect(stage.ends.count == 5)
    }

    @Test("a filter keeps out what it does not name; its patterns are a shell's")
    func filtered() {
        func passes(_ change: (inout SinkFilter) -> Void) -> Bool {
            var filter = SinkFilter()
            change(&filter)
            return filter.passes(transition(node: "rack1-n3").incident)
        }
        #expect(passes { _ in })
        #expect(passes { $0.severities = [.critical] })
        #expect(!passes { $0.severities = [.info] })
        #expect(passes { $0.kinds = [.kernelRouteMissing] })
        #expect(!passes { $0.kinds = [.sessionDown] })
        #expect(passes { $0.nodes = ["rack2-*", "rack1-*"] })
        #expect(!passes { $0.nodes = ["rack2-*"] })
        #expect(!passes { $0.switches = ["a"] })
        #expect(passes { $0.clusters = ["l?b"] })
        #expect(!passes { $0.clusters = ["prod"] })
    }

    @Test("each delivery ends once, and what a full queue lost is counted")
    func outcomes() async {
        let outbox = outbox(StubbornSink())
        for index in 0..<1_003 {
            outbox.post(
                Delivery(sequence: Int64(index), sink: "s", transition: transition("\(index)"))
            )
        }
        #expect(outbox.counters.waiting == 1_000)
        #expect(outbox.counters.lost[.dropped] == 3)
        await run(outbox)
        let all = stage.ends
        #expect(all.count == 1_003)
        #expect((0..<3).allSatisfy { all[$0] == .dropped })
        #expect((3..<1_003).allSatisfy { all[$0] == .delivered })
    }

    @Test("a sink that fails of its own accord is failing, whatever it takes besides")
    func troubled() async {
        let sink = StubbornSink(reports: [SinkError("am-1: no answer"), nil])
        let outbox = outbox(sink)
        post([transition()], to: outbox)
        await run(outbox)
        #expect(stage.health.suffix(2) == [.failing("am-1: no answer"), .well])
    }

    @Test("what a receiver asks for is the least it gets")
    func asked() {
        var backOff = BackOff()
        let error = SinkError("slow down", .limited, retryAfter: 90_000)
        #expect(backOff.delay(after: error, jitter: 0.8) == 90_000)
        #expect(backOff.delay(after: error, jitter: 1.2) == 108_000)
    }

    @Test("of a full queue reminders go first, and ends last")
    func reminders() {
        var queue = OutboxQueue(.each)
        let reminder = story().first { $0.change == .reminder }
        for index in 0..<1_000 {
            queue.append(Delivery(sequence: Int64(index), sink: "s", transition: transition()))
        }
        if let reminder {
            queue.append(Delivery(sequence: 1_000, sink: "s", transition: reminder))
            queue.append(Delivery(sequence: 1_001, sink: "s", transition: transition()))
        }
        #expect(queue.takeDropped() == [0, 1_000])
        var ends = OutboxQueue(.each)
        if let end = story().last {
            for index in 0..<1_002 {
                let word = index < 999 ? end : transition()
                ends.append(Delivery(sequence: Int64(index), sink: "s", transition: word))
            }
        }
        #expect(ends.takeDropped() == [999, 1_000])
    }

    @Test("a sink that was told of an incident before is told of its end, whatever the filter says")
    func toldBefore() {
        let transition = transition(severity: .info)
        let filter = SinkFilter(severities: [.critical])
        #expect(!outbox(StubbornSink(), filter).wants(transition))
        #expect(outbox(StubbornSink(), filter, told: [transition.incident.id]).wants(transition))
    }

    @Test("a bucket gives its burst at once and then as its rate allows")
    func bucket() {
        var bucket = TokenBucket(Pace(perMinute: 60, burst: 3))
        #expect((0..<3).allSatisfy { _ in bucket.take(at: at(0)) == nil })
        #expect(bucket.take(at: at(0)) == 1_000)
        #expect(bucket.take(at: at(400)) == 600)
        #expect(bucket.take(at: at(1_000)) == nil)
        #expect(bucket.take(at: at(3_600_000)) == nil)
        #expect(bucket.take(at: at(3_600_000)) == nil)
        #expect(bucket.take(at: at(3_600_000)) == nil)
        #expect(bucket.take(at: at(3_600_000)) == 1_000)
    }
}
