// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
package import Wire

/// The collector's side of one report stream, as a machine: no socket, no clock.
///
///     greeting ──hello of a node the certificate names──────────────────► streaming ──goodbye, silence──► over
///        └─────hello──► claiming ──token──► proving ──the API server: it is that node's──┘
package struct AgentSession {
    package enum Action: Equatable {
        case send(CollectorFrame)
        case deliver(node: String, AgentUpdate)
        /// Close; `reason` is for the log and counted.
        case refuse(reason: String)
        /// Close; the agent said goodbye.
        case end
        /// Have it reviewed, and tell `reviewed`. Before the stream begins nothing more is read meanwhile.
        case prove(BearerToken)
    }

    private enum Stage {
        case greeting
        /// A hello that no certificate stands for.
        case claiming(AgentFrame.Hello)
        case proving(AgentFrame.Hello, since: Timestamp)
        case streaming
    }

    /// What came since it was last asked.
    package struct Tally: Hashable, Sendable {
        package var frames = 0
        /// Of a later version, and passed over.
        package var skipped = SkippedContent()

        package init() {}
    }

    private let names: [String]
    private let takesTokens: Bool
    private let asksCertificates: Bool
    private let opened: Timestamp
    private var stage = Stage.greeting
    /// When a token came last; who brought one is told why he is refused.
    private var tokenAt: Timestamp?
    private let patience: Int64
    private var reader = FrameReader(limit: WireLimit.greeting)
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
    /// A queue of newcomers and a review. An agent waits for ten seconds more.
    private static let proofLimit: Int64 = 20_000
    /// Of who is kept out though nothing is wrong with him.
    static let unproved = "cannot be proved now"
    /// Kubelets replace a token each eight minutes at most.
    private static let tokenPause: Int64 = 5_000
    private static let clockSlack: Int64 = 1_000
    /// A moment thousands of years from now is none.
    private static let clockLimit: UInt64 = 1 << 48

    /// `names` are what the peer's certificate says; `patience` is how long the stream may be
    /// silent, milliseconds.
    package init(
        names: [String],
        takesTokens: Bool = false,
        asksCertificates: Bool = true,
        patience: Int64,
        now: Timestamp
    ) {
        self.names = names
        self.takesTokens = takesTokens
        self.asksCertificates = asksCertificates
        self.patience = patience
        opened = now
        lastHeard = now
    }

    package var deadline: Timestamp {
        switch stage {
        case .greeting, .claiming: opened + Self.helloLimit
        case .proving(_, let since): since + Self.proofLimit
        case .streaming: lastHeard + patience
        }
    }

    /// Nothing more is to be read before it is known whose token it was.
    package var isPaused: Bool {
        if case .proving = stage { true } else { false }
    }

    package mutating func received(_ bytes: ArraySlice<UInt8>, now: Timestamp) -> [Action] {
        reader.append(bytes)
        return proceed(now: now)
    }

    private mutating func proceed(now: Timestamp) -> [Action] {
        var actions: [Action] = []
        do throws(WireError) {
            while !isPaused, let body = try reader.next() {
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

    /// What became of the token that was to be reviewed.
    package mutating func reviewed(_ outcome: TokenProofs.Outcome, now: Timestamp) -> [Action] {
        switch outcome {
        case .refused(let reason): return refuse("token refused: \(printable(reason))")
        case .unproved(let reason): return refuse("\(Self.unproved): \(printable(reason))")
        case .proved(let whose):
            let claimed: String
            if case .proving(let hello, _) = stage {
                claimed = hello.node
            } else {
                claimed = node ?? ""
            }
            guard whose == claimed else {
                let mismatch = "\(printable(whose)) speaks for \(printable(claimed))"
                return refuse("token of another node: \(mismatch)")
            }
            guard case .proving(let hello, _) = stage else { return [] }
            lastHeard = now
            return begin(hello, now: now) + proceed(now: now)
        }
    }

    /// Whoever brought a token knows the frame that says why.
    private func refuse(_ reason: String) -> [Action] {
        let word = tokenAt == nil ? [] : [Action.send(.refused(reason: reason))]
        return word + [.refuse(reason: reason)]
    }

    /// Of who brings neither, though he may have a certificate that nobody wanted to see.
    private var unclaimed: String {
        "no token, and no certificate" + (asksCertificates ? "" : " was asked for")
    }

    package mutating func takeTally() -> Tally {
        defer { tally = Tally() }
        return tally
    }

    package func timerFired(now: Timestamp) -> [Action] {
        guard now >= deadline else { return [] }
        switch stage {
        case .greeting: return [.refuse(reason: "no hello")]
        case .claiming: return [.refuse(reason: unclaimed)]
        case .proving: return refuse("\(Self.unproved): no answer in 20 s")
        case .streaming: return [.refuse(reason: "silent on an open connection")]
        }
    }

    private mutating func take(_ frame: AgentFrame, now: Timestamp) -> [Action] {
        switch frame {
        case .hello(let hello): return greet(hello, now: now)
        case .token(let token): return take(token, now: now)
        case .goodbye: return node == nil ? [.refuse(reason: "goodbye before hello")] : [.end]
        case .heartbeat(_, let clock):
            return tellClock(clock, now: now) + report(frame)
        case .snapshot, .changes: return report(frame)
        }
    }

    private mutating func greet(_ hello: AgentFrame.Hello, now: Timestamp) -> [Action] {
        guard case .greeting = stage else { return [.refuse(reason: "second hello")] }
        guard hello.version == wireVersion else {
            return [.refuse(reason: "format version: \(hello.version), this is \(wireVersion)")]
        }
        if names.isEmpty, takesTokens {
            stage = .claiming(hello)
            return []
        }
        guard isEntitled(to: hello.node) else {
            let own = names.prefix(3).joined(separator: ", ")
            // The words before the colon are counted: no names may be among them.
            let whose = "\(own) speaks for \(printable(hello.node))"
            return [.refuse(reason: "certificate of another node: \(whose)")]
        }
        return begin(hello, now: now)
    }

    private mutating func take(_ token: BearerToken, now: Timestamp) -> [Action] {
        if let tokenAt, now - tokenAt < Self.tokenPause {
            return refuse("token again: within \(Self.tokenPause / 1_000) s")
        }
        guard takesTokens, names.isEmpty else {
            return [.refuse(reason: "token beside a certificate")]
        }
        switch stage {
        case .greeting: return [.refuse(reason: "token before hello")]
        case .claiming(let hello): stage = .proving(hello, since: now)
        case .proving, .streaming: break
        }
        tokenAt = now
        return [.prove(token)]
    }

    /// From here on the node's own frames are taken.
    private mutating func begin(_ hello: AgentFrame.Hello, now: Timestamp) -> [Action] {
        stage = .streaming
        reader.limit = WireLimit.frame
        node = hello.node
        let update = AgentUpdate.connected(
            interval: Int64(hello.interval),
            version: hello.agentVersion,
            byCertificate: tokenAt == nil
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
        guard let node else {
            if case .claiming = stage { return [.refuse(reason: unclaimed)] }
            return [.refuse(reason: "report before hello")]
        }
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
        case .send, .deliver, .prove: false
        }
    }
}
