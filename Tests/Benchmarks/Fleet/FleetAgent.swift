// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import Reporting
import Routing
import TLS
import Wire

/// One agent: the stream machine that real agents have, its facts, and its connection.
final class FleetAgent {
    enum Link {
        case none
        case connecting(Int32)
        case shaking(Int32, TLSSession)
        case open(Int32, TLSSession)
    }

    let index: Int
    let files: TLSFiles
    var context: TLSContext?
    var resumption: TLSResumption?
    private(set) var stream: ReportStream
    private(set) var table = FactTable()
    var link = Link.none
    var output: [UInt8] = []
    var interest = EventLoop.Interest.read
    var nextChange: Timestamp
    private var round: UInt32 = 0
    private let began: Timestamp
    /// Of a flood: a change and its undoing, again and again.
    private(set) var swing: [[UInt8]] = []
    var swings = 0

    init(_ index: Int, _ options: FleetOptions, now: Timestamp) {
        self.index = index
        let folder = options.identities
        let name = NodeReport.name(index)
        files = TLSFiles(
            ca: folder + "/ca.crt",
            certificate: "\(folder)/\(name).crt",
            key: folder + "/agents.key"
        )
        let hello = AgentFrame.Hello(node: name, interval: options.interval, agentVersion: "fleet")
        stream = ReportStream(hello: hello, seed: UInt64(index + 1), now: now)
        began = now + -100_000
        // Spread over the time between two changes, as those of real nodes are.
        let spread = options.change * Int64(index) / Int64(max(1, options.agents))
        nextChange = now + options.change + spread
        table.replace(
            with: options.isBare ? Report() : NodeReport.facts(index, round: 0, began: began)
        )
    }

    var isOpen: Bool { if case .open = link { true } else { false } }

    func change(now: Timestamp) {
        round &+= 1
        table.replace(with: NodeReport.facts(index, round: round, began: began))
    }

    func proceed(now: Timestamp) -> [ReportStream.Action] { stream.proceed(table, now: now) }

    func opened(now: Timestamp) -> [ReportStream.Action] { stream.opened(table, now: now) }

    func closed(now: Timestamp) { stream.closed(now: now) }

    func received(_ bytes: ArraySlice<UInt8>, now: Timestamp) -> [ReportStream.Action] {
        stream.received(bytes, table, now: now)
    }

    /// Two reports of about 200 bytes that undo each other: generation 1 becomes 2, and 1 again.
    func prepareFlood(now: Timestamp) {
        var other = NodeReport.facts(index, round: 0, began: began)
        for row in 0..<25 {
            other.routes[row + 1].nextHops = [NextHop(gateway: IPAddress(ipv4: 0xac10_0001))]
            other.routes[row + 1].metric = UInt32(1_000 + row)
        }
        other.sort()
        var forth = FactTable()
        forth.replace(with: table.report)
        forth.replace(with: other)
        var back = FactTable()
        back.replace(with: other)
        back.replace(with: table.report)
        swing = [(forth, UInt64(1), UInt64(2)), (back, 2, 1)].compactMap { table, base, next in
            table.changes(since: 1).map { change in
                AgentFrame.changes(
                    base: base,
                    generation: next,
                    change.updated,
                    removed: change.removed
                ).encoded(now: now)
            }
        }
    }
}
