// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Routing
import Support
import Testing
import Verdicts

/// Steps a ledger and keeps what people were told.
private struct Watch {
    var site = Site()
    var ledger: IncidentLedger
    var told: [String] = []

    init(holds: [Kind: Int64] = [:]) {
        ledger = IncidentLedger(cluster: "lab", policy: AlertPolicy(holds: holds))
    }

    mutating func step(after milliseconds: Int64 = 0) {
        site.pass(milliseconds)
        let transitions = ledger.step(
            site.judgement,
            silences: site.snapshot.silences,
            now: site.now
        )
        for transition in transitions {
            told.append(
                "\(transition.change.rawValue) \(transition.incident.verdict.kind.rawValue)"
            )
        }
    }

    mutating func quiet(_ seconds: Int, except silent: Set<Int> = []) {
        for _ in 0..<seconds {
            site.pass(1_000)
            site.heartbeats(except: silent)
            site.readAll()
            step()
        }
    }
}

@Suite struct LedgerScenarios {
    @Test("a fault shorter than its hold-down is never told")
    func blip() {
        var watch = Watch()
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        watch.quiet(2)
        watch.site.report(3)
        watch.quiet(10)
        #expect(watch.told == [])
    }

    @Test("a fault is told once after its hold-down, and once when it is over")
    func openAndResolve() {
        var watch = Watch()
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        #expect(watch.ledger.nextDeadline == watch.site.now + 3_000)
        watch.quiet(10)
        #expect(watch.told == ["opened kernel-route-missing"])
        watch.site.report(3)
        watch.quiet(2)
        #expect(watch.told.count == 1)
        watch.quiet(3)
        #expect(watch.told == ["opened kernel-route-missing", "resolved kernel-route-missing"])
        #expect(watch.ledger.nextDeadline == nil)
    }

    @Test("a hold of zero tells at once")
    func immediate() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        #expect(watch.told == ["opened kernel-route-missing"])
        watch.site.report(3)
        watch.step()
        #expect(watch.told.last == "resolved kernel-route-missing")
    }

    @Test("an agent that falls silent resolves nothing of its node")
    func silenceClosesNothing() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        watch.quiet(40, except: [3])
        #expect(watch.told == ["opened kernel-route-missing", "opened agent-silent"])
        watch.site.report(3)
        watch.quiet(3)
        #expect(watch.told.count == 4)
    }

    @Test("a hint that an agent gave is taken back by that agent alone, and by no other's silence")
    func hints() {
        var watch = Watch(holds: [.clockSkew: 0, .kernelBlackhole: 0])
        let hole = KernelRoute(prefix: Site.cidr(2), destination: .blackhole)
        func report(_ routes: [KernelRoute]) {
            watch.site.report(3) { kernel, _ in
                kernel.routes = (kernel.routes + routes).sorted { $0.prefix < $1.prefix }
            }
        }
        watch.site.snapshot.apply(.agent(node: "n3", .clock(ahead: 9_000)), at: watch.site.now)
        report([hole])
        watch.step()
        #expect(watch.told == ["opened kernel-blackhole", "opened clock-skew"])
        watch.told = []
        watch.quiet(30, except: [3])
        #expect(watch.told == ["opened agent-silent"])
        report([hole])
        watch.step()
        watch.told = []
        watch.quiet(30, except: [1])
        report([])
        watch.site.snapshot.apply(.agent(node: "n3", .clock(ahead: 0)), at: watch.site.now)
        watch.step()
        #expect(watch.told.contains("resolved kernel-blackhole"))
        #expect(watch.told.contains("resolved clock-skew"))
    }

    @Test("a firing incident is reminded of, and a change of severity is told")
    func changeAndReminder() {
        var watch = Watch(holds: [.sessionDown: 0])
        let down: (inout BIRDFacts, String) -> Void = { bird, uplink in
            bird.sessions[uplink]?.protocolState = .start
            bird.sessions[uplink]?.state = .active
            bird.sessions[uplink]?.lastError = "Hold timer expired"
        }
        watch.site.report(3) { _, bird in down(&bird, "uplink0") }
        watch.step()
        watch.site.report(3) { _, bird in
            down(&bird, "uplink0")
            down(&bird, "uplink1")
        }
        watch.step()
        #expect(watch.told == ["opened session-down", "changed session-down"])
        watch.site.pass(4 * 3_600_000)
        watch.site.heartbeats()
        watch.site.readAll()
        watch.step()
        #expect(watch.told.last == "reminder session-down")
    }

    @Test("a common cause takes over from its first part: one incident, not one for each node")
    func absorbs() {
        var watch = Watch(holds: [.sessionDown: 0])
        let lose: (inout KernelFacts, inout BIRDFacts) -> Void = { _, bird in
            bird.sessions["uplink1"]?.protocolState = .start
            bird.sessions["uplink1"]?.state = .active
            bird.sessions["uplink1"]?.lastError = "Socket: Connection closed"
        }
        watch.site.report(1, lose)
        watch.step()
        for index in 2...4 {
            watch.site.report(index, lose)
            watch.step(after: 10)
        }
        let open = watch.ledger.incidents.filter { $0.state == .firing }
        #expect(open.map(\.verdict.subject) == [Subject(switchName: "b")])
        // Back one by one: the switch's incident speaks for those that are still on their way.
        for index in 1...4 {
            watch.site.report(index)
            watch.quiet(1)
        }
        watch.quiet(40)
        #expect(watch.ledger.incidents.allSatisfy { $0.state == .resolved })
        #expect(watch.told.filter { $0.hasPrefix("opened") }.count <= 2)
        #expect(
            watch.told.filter { $0.hasPrefix("opened") }.count
                == watch.told.filter { $0.hasPrefix("resolved") }.count
        )
    }

    @Test("when the first broken stage is mended and the next is broken too, the incident goes on")
    func rootMoves() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        let unexported: (inout BIRDFacts) -> Void = { bird in
            for uplink in ["uplink0", "uplink1"] {
                bird.exports[ExportKey(uplink: uplink, prefix: Site.cidr(3))] = .rejectedByFilter
            }
        }
        watch.site.report(3) { kernel, bird in
            kernel.routes = []
            unexported(&bird)
        }
        watch.step()
        watch.site.report(3) { _, bird in unexported(&bird) }
        watch.quiet(12)
        #expect(watch.told == ["opened kernel-route-missing", "changed not-exported"])
        #expect(Set(watch.ledger.incidents.map(\.id)).count == 1)
        #expect(
            watch.ledger.incidents[0].timeline.last?.text.hasPrefix("changed: the root") == true
        )
        // And back.
        watch.site.report(3) { kernel, bird in
            kernel.routes = []
            unexported(&bird)
        }
        watch.step()
        #expect(watch.told.last == "changed kernel-route-missing")
        watch.site.report(3)
        watch.quiet(12)
        #expect(watch.told.last == "resolved kernel-route-missing")
        #expect(watch.told.count == 4)
    }

    @Test("what comes and goes is told twice, then once, and is over after a calm")
    func comesAndGoes() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        for _ in 0..<5 {
            watch.site.report(3) { kernel, _ in kernel.routes = [] }
            watch.step()
            watch.quiet(30)
            watch.site.report(3)
            watch.quiet(30)
        }
        let (opened, resolved) = ("opened kernel-route-missing", "resolved kernel-route-missing")
        #expect(watch.told == [opened, resolved, opened, resolved, opened])
        #expect(watch.ledger.incidents[0].summary.hasSuffix("3 times within an hour)"))
        watch.quiet(600)
        #expect(watch.told.suffix(1) == [resolved])
        #expect(watch.told.count == 6)
    }

    private func silence(
        _ form: Silence.Form = .silence,
        _ match: Silence.Match,
        from: Timestamp,
        for milliseconds: Int64
    ) -> FactUpdate {
        .operators(
            .silence(
                Silence(
                    id: "s1",
                    form: form,
                    match: match,
                    author: "ann",
                    comment: "moving the rack",
                    startsAt: from,
                    endsAt: from + milliseconds
                )
            )
        )
    }

    @Test("what is silenced is told when the silence ends, if it is still so")
    func silenced() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        let now = watch.site.now
        watch.site.snapshot.apply(
            silence(.silence, .init(node: "n3"), from: now, for: 60_000),
            at: now
        )
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.site.report(2) { kernel, _ in kernel.routes = [] }
        watch.step()
        #expect(watch.told == ["opened kernel-route-missing"])
        #expect(watch.ledger.incidents.filter { $0.state == .firing }.count == 2)
        watch.site.report(2)
        watch.step()
        watch.told = []
        #expect(watch.ledger.nextDeadline == now + 60_000)
        watch.quiet(70)
        #expect(watch.told == ["opened kernel-route-missing"])
    }

    @Test("what begins and ends within a maintenance window is told to nobody, and is on record")
    func maintenance() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        let begin = watch.site.now + 30_000
        watch.site.snapshot.apply(
            silence(
                .maintenance,
                .init(prefix: prefix("10.16.2.0/23"), kind: "kernel-route-missing"),
                from: begin,
                for: 60_000
            ),
            at: watch.site.now
        )
        watch.quiet(35)
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.quiet(20)
        watch.site.report(3)
        watch.quiet(60)
        #expect(watch.told == [])
        let record = watch.ledger.incidents[0]
        #expect(record.state == .resolved)
        #expect(record.timeline.contains { $0.text.contains("maintenance by ann") })
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        #expect(watch.told == ["opened kernel-route-missing"])
    }

    @Test("an acknowledged incident is not reminded of, and its end is told")
    func acknowledged() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        let id = watch.ledger.incidents[0].id
        watch.site.snapshot.apply(
            silence(
                .acknowledgement,
                .init(incident: id),
                from: watch.site.now,
                for: 24 * 3_600_000
            ),
            at: watch.site.now
        )
        watch.step()
        watch.site.pass(5 * 3_600_000)
        watch.site.heartbeats()
        watch.site.readAll()
        watch.step()
        #expect(watch.told.count == 1)
        watch.site.report(3)
        watch.step()
        #expect(watch.told == ["opened kernel-route-missing", "resolved kernel-route-missing"])
    }

    @Test("two that see the same name it the same")
    func sameName() {
        var ids: [Set<String>] = []
        for delay in [Int64(0), 700] {
            var watch = Watch(holds: [.kernelRouteMissing: 0])
            watch.site.report(3) { kernel, _ in kernel.routes = [] }
            watch.step(after: delay)
            ids.append(Set(watch.ledger.incidents.map(\.id)))
        }
        #expect(ids[0] == ids[1])
        #expect(ids[0].count == 1)
    }

    @Test(
        "a ledger that begins with what an earlier one left tells nothing twice and ends nothing early"
    )
    func inherited() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        let memory = watch.ledger.takeTouched()
        #expect(memory.count == 1)
        #expect(watch.ledger.takeTouched() == [])
        var next = Watch(holds: [.kernelRouteMissing: 0])
        let began = watch.site.now
        next.ledger = IncidentLedger(
            cluster: "lab",
            policy: watch.ledger.policy,
            memory: memory,
            startedAt: began
        )
        next.site = watch.site
        // Nothing has spoken yet: neither what is broken nor what is well is known.
        var empty = Snapshot(
            cluster: "lab",
            podSupernets: [prefix("10.16.0.0/16")],
            agentStaleAfter: 15_000,
            intentSource: .file,
            startedAt: began
        )
        for second in 1...30 {
            let now = began + Int64(second) * 1_000
            if second == 10 { empty.apply(.intent(.read(Site.intents(4))), at: now) }
            #expect(next.ledger.step(judge(empty, now: now), now: now).isEmpty)
        }
        next.quiet(60)
        #expect(next.told == [])
        #expect(next.ledger.incidents.map(\.state) == [.firing])
        next.site.report(3)
        next.step()
        #expect(next.told == ["resolved kernel-route-missing"])
    }

    @Test("a wider incident that stands does not swallow what has another cause")
    func swallowsNothing() {
        var watch = Watch(holds: [.sessionDown: 0])
        let lose: (inout BIRDFacts, String) -> Void = { bird, uplink in
            bird.sessions[uplink]?.state = .active
            bird.sessions[uplink]?.lastError = "Hold timer expired"
        }
        for index in 1...4 {
            watch.site.report(index) { _, bird in lose(&bird, "uplink1") }
            watch.step(after: 10)
        }
        #expect(watch.told.last == "changed session-down")
        watch.told = []
        // One of the nodes loses its other uplink too, for a reason of its own.
        watch.site.report(2) { _, bird in
            lose(&bird, "uplink0")
            lose(&bird, "uplink1")
        }
        watch.step(after: 1_000)
        let firing = watch.ledger.incidents.filter { $0.state == .firing }
        #expect(firing.contains { $0.verdict.subject.node == "n2" }, "\(watch.told)")
        #expect(firing.contains { $0.verdict.subject.switchName == "b" })
    }

    @Test("a root that moved while it was silenced is told when the silence ends")
    func movedInSilence() {
        var watch = Watch(holds: [.kernelRouteMissing: 0, .kernelDeviceDown: 0])
        watch.site.report(3) { kernel, _ in kernel.routes = [] }
        watch.step()
        let now = watch.site.now
        watch.site.snapshot.apply(
            silence(.silence, .init(node: "n3"), from: now, for: 20_000),
            at: now
        )
        watch.site.report(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"]?.isAdminUp = false
        }
        watch.quiet(10)
        #expect(watch.told == ["opened kernel-route-missing"])
        watch.quiet(15)
        #expect(watch.told == ["opened kernel-route-missing", "changed kernel-device-down"])
    }

    @Test("what was acknowledged once is reminded of when it comes again")
    func acknowledgedOnce() {
        var watch = Watch(holds: [.kernelRouteMissing: 0])
        for turn in 0..<2 {
            watch.site.report(3) { kernel, _ in kernel.routes = [] }
            watch.step()
            if turn == 0 {
                let match = Silence.Match(incident: watch.ledger.incidents[0].id)
                let (now, days) = (watch.site.now, Int64(7 * 86_400_000))
                watch.site.snapshot.apply(
                    silence(.acknowledgement, match, from: now, for: days),
                    at: now
                )
                watch.step()
                watch.site.report(3)
                watch.step()
            }
            watch.site.pass(5_000)
            watch.site.heartbeats()
            watch.site.readAll()
        }
        watch.site.pass(5 * 3_600_000)
        watch.site.heartbeats()
        watch.site.readAll()
        watch.step()
        #expect(watch.told.last == "reminder kernel-route-missing")
    }

    @Test("the same facts in any order give the same transcript")
    func deterministic() {
        var transcripts: Set<[String]> = []
        for order in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]] {
            var site = Site()
            for index in order {
                site.report(index) { kernel, bird in
                    if index % 2 == 0 { kernel.routes = [] }
                    if index == 3 { bird.routes = [:]; bird.statics = [] }
                }
            }
            transcripts.insert(site.judgement.verdicts.map { "\($0.identity) \($0.summary)" })
        }
        #expect(transcripts.count == 1)
    }
}
