// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
package import Wire

/// The collector's side of one report stream, as a machine: no socket, no clock.
///
///     greeting ──hello of a node the certificate names──► streaming ──goodbye, silence──► over
package struct AgentSession {
    package enum Action: Equatable {
        case send(CollectorFrame)
        case deliver(node: String, AgentUpdate)
        /// Close; `reason` is for the log and counted.
        case refuse(reason: String)
        /// Close; the agent said goodbye.
        case end
    }

    /// What came since it was last asked.
    package struct Tally: Hashable, Sendable {
        package var frames = 0
        /// Of a later version, and passed over.
        package var skipped = SkippedContent()

        package init() {}
    }

    private let names: [String]
    private let opened: Timestamp
    private let patience: Int64
    private var reader = FrameReader(limit: WireLimit.frame)
    private var replica = ReplicatedFacts()
    private var facts = AgentFacts()
    private var lastHeard: Timestamp
    package private(set) var node: String?
    private var tally = Tally()
    /// As it was last told.
    private var clockAhead: Int64?
    /// What is to be added to a moment of the collector's to have the time of day, which may be set meanwhile.
    package var clockOffset: Int64 = 0

    /// Between the end of the handshake and hello: an agent sends it at once.
    private static let helloLimit: Int64 = 5_000
    private static let clockSlack: Int64 = 1_000
    /// A moment thousands of years from now is none.
    private static let clockLimit: UInt64 = 1 << 48

    /// `names` are what the peer's certificate says; `patience` is how long the stream may be
    /// silent, milliseconds.
    package init(names: [String], patience: Int64, now: Timestamp) {
        self.names = names
        self.patience = patience
        opened = now
        lastHeard = now
    }

    package var deadline: Timestamp {
        node == nil ? opened + Self.helloLimit : lastHeard + patience
    }

    package mutating func received(_ bytes: ArraySlice<UInt8>, now: Timestamp) -> [Action] {
        reader.append(bytes)
        var actions: [Action] = []
        do throws(WireError) {
            while let body = try reader.next() {
                lastHeard = now
                tally.frames += 1
                let frame = try AgentFrame(decoding: body, now: now, skipped: &tally.skipped)
                actions += take(frame, now: now)
                if actions.contains(where: \.isLast) { break }
            }
        } catch {
            actions.append(.refuse(reason: "bad frame: \(error)"))
        }
        return actions
    }

    package mutating func takeTally() -> Tally {
        defer { tally = Tally() }
        return tally
    }

    package func timerFired(now: Timestamp) -> [Action] {
        guard now >= deadline else { return [] }
        return [.refuse(reason: node == nil ? "no hello" : "silent on an open connection")]
    }

    private mutating func take(_ frame: AgentFrame, now: Timestamp) -> [Action] {
        switch frame {
        case .hello(let hello): return greet(hello, now: now)
        case .goodbye: return node == nil ? [.refuse(reason: "goodbye before hello")] : [.end]
        case .heartbeat(_, let clock):
            return tellClock(clock, now: now) + report(frame)
        case .snapshot, .changes: return report(frame)
        }
    }

    private mutating func greet(_ hello: AgentFrame.Hello, now: Timestamp) -> [Action] {
        guard node == nil else { return [.refuse(reason: "second hello")] }
        guard hello.version == wireVersion else {
            return [.refuse(reason: "format version: \(hello.version), this is \(wireVersion)")]
        }
        guard isEntitled(to: hello.node) else {
            let own = names.prefix(3).joined(separator: ", ")
            // The words before the colon are counted: no names may be among them.
            let whose = "\(own) speaks for \(printable(hello.node))"
            return [.refuse(reason: "certificate of another node: \(whose)")]
        }
        node = hello.node
        let update = AgentUpdate.connected(
            interval: Int64(hello.interval),
            version: hello.agentVersion
        )
        return [.send(.welcome(version: wireVersion)), .deliver(node: hello.node, update)]
            + tellClock(hello.clock, now: now)
    }

    /// Told when it has moved against ours by more than a frame may take on its way.
    private mutating func tellClock(_ clock: UInt64?, now: Timestamp) -> [Action] {
        guard let node, let clock, clock < Self.clockLimit else { return [] }
        let ahead = Timestamp(milliseconds: Int64(clock)) - (now + clockOffset)
        if let known = clockAhead, (known - Self.clockSlack...known + Self.clockSlack) ~= ahead {
            return []
        }
        clockAhead = ahead
        return [.deliver(node: node, .clock(ahead: ahead))]
    }

    /// The certificate's DNS name is the node's, or a SPIFFE id ends in `/node/NAME`.
    private func isEntitled(to node: String) -> Bool {
        guard !node.isEmpty, node.utf8.count <= 253 else { return false }
        return names.contains { name in
            name == node || (name.hasPrefix("spiffe://") && name.hasSuffix("/node/" + node))
        }
    }

    private mutating func report(_ frame: AgentFrame) -> [Action] {
        guard let node else { return [.refuse(reason: "report before hello")] }
        switch replica.apply(frame) {
        case .applied(let generation):
            return [
                .deliver(node: node, facts.update(replica.report, after: frame)),
                .send(.acknowledge(generation: generation)),
            ]
        case .unchanged(let generation):
            return [.deliver(node: node, .heartbeat), .send(.acknowledge(generation: generation))]
        case .gap, nil: return [.send(.resync)]
        }
    }

    private func printable(_ text: String) -> String {
        String(text.prefix(64).map { $0.isASCII && !$0.isNewline ? $0 : "?" })
    }
}

extension AgentSession.Action {
    fileprivate var isLast: Bool {
        switch self {
        case .refuse, .end: true
        case .send, .deliver: false
        }
    }
}
