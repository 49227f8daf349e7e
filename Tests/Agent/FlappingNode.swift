// SPDX-License-Identifier: Apache-2.0
import Netlink
import Reporting
import Routing
import Support
import Wire

@testable import BIRD

/// The machines of an agent, joined as its loop joins them, on a node where nothing stays as it is:
/// every two seconds a route, a device or a session is another. Of two collectors one answers, and
/// the other takes connections and says nothing.
struct FlappingNode {
    private var rig: NetlinkRig
    private var events: [[[UInt8]]]
    private var table = FactTable()
    private var reading: BIRDReading?
    private var disabling = Disabling()
    private var attentive: ReportStream
    private var mute: ReportStream
    private var replica = ReplicatedFacts()
    private var clock: Int64 = 0
    private var turn = 0
    private(set) var reports = 0
    private(set) var connections = 0

    init() throws {
        rig = try NetlinkRig.full()
        events = try [
            "route-device", "route-delete", "link-down", "link-up", "route-blackhole", "rule-add",
            "address-add", "address-delete", "route-multipath", "route-ipv6",
        ].map(netlinkFixture)
        let hello = AgentFrame.Hello(node: "n1", interval: 5_000, agentVersion: "t")
        attentive = ReportStream(hello: hello, seed: 1, now: at(0))
        mute = ReportStream(hello: hello, seed: 2, now: at(0))
    }

    /// What the collector that answers believes is what the node knows.
    var isUnderstood: Bool { replica.report == table.report }

    mutating func pass(hours: Int64) throws {
        let end = clock + hours * 3_600_000
        while clock < end {
            clock += 2_000
            turn += 1
            flap()
            try tell()
        }
    }

    private mutating func flap() {
        for datagram in events[turn % events.count] {
            rig.take(rig.machine.received(datagram, now: at(clock)))
        }
        // Dumps that these ask for find what is there by now: nothing.
        rig.take(rig.machine.timerFired(now: at(clock)))
        rig.answerRest(at: clock)
        if turn % 7 == 0 { ask() }
        var report = Report()
        report.kernel = [KernelStatus(isComplete: rig.machine.rib.isComplete)]
        report.routes = Array(rig.machine.rib.routes.values)
        report.links = Array(rig.machine.rib.links.values)
        report.rules = rig.machine.rib.rules
        report.sessions = reading?.sessions.map { OfDaemon("bird.ctl", $0) } ?? []
        table.replace(with: report)
    }

    /// A session that is up in one poll and down in the next, with an error that never stood there.
    private mutating func ask() {
        var bird = ScriptedBIRD()
        if turn % 2 == 0 {
            bird.answers["show protocols all"] =
                "2002-Name Proto Table State Since Info\n"
                + "1002-uplink0 BGP --- start 13:10:53.\(turn % 1_000) Active Socket: error \(turn)\n"
                + "1006-  BGP state:          Active\n     Neighbor address: 10.1.0.254\n0000 "
        }
        var poll = BIRDPoll(
            prefixes: [prefix("10.16.2.0/24")],
            supernets: [prefix("10.16.0.0/16")],
            now: at(clock)
        )
        guard var settled = bird.run(&poll)?.settled(comparedTo: reading) else { return }
        _ = disabling.confirm(&settled, now: at(clock))
        reading = settled
    }

    private mutating func tell() throws {
        var actions = attentive.proceed(table, now: at(clock))
        // Now and then its connection is lost.
        if turn % 1_000 == 0 {
            attentive.closed(now: at(clock))
            actions = []
        }
        try serve(actions)
        for action in mute.proceed(table, now: at(clock)) where action == .connect {
            connections += 1
            _ = mute.opened(table, now: at(clock))
        }
    }

    private mutating func serve(_ actions: [ReportStream.Action]) throws {
        var waiting = actions
        while let action = waiting.first {
            waiting.removeFirst()
            switch action {
            case .connect:
                connections += 1
                waiting += attentive.opened(table, now: at(clock))
            case .close: continue
            case .send(let bytes):
                for reply in try replies(to: bytes) {
                    waiting += attentive.received(reply.encoded(), table, now: at(clock))
                }
            }
        }
    }

    private mutating func replies(to bytes: [UInt8]) throws -> [CollectorFrame] {
        var reader = FrameReader(limit: WireLimit.frame)
        reader.append(bytes)
        var replies: [CollectorFrame] = []
        var skipped = SkippedContent()
        while let body = try reader.next() {
            let frame = try AgentFrame(decoding: body, now: at(clock), skipped: &skipped)
            reports += 1
            switch replica.apply(frame) {
            case .applied(let generation), .unchanged(let generation):
                replies.append(.acknowledge(generation: generation))
            case .gap: replies.append(.resync)
            case nil: replies.append(.welcome(version: wireVersion))
            }
        }
        return replies
    }
}
