// SPDX-License-Identifier: Apache-2.0
package import Routing
package import Wire

/// The agent's side of one report stream, as a machine: no socket, no clock.
///
///     waiting ──retry──► connecting ──opened──► streaming ──closed──► waiting
///                             └──opened with a token──► proving ──welcome──┘
///
/// While streaming at most one frame is unacknowledged; what changes meanwhile merges in the fact
/// table and leaves with the next frame. A quiet stream carries a heartbeat each interval, and the
/// collector acknowledges that too, so a half-dead connection is noticed on both sides.
package struct ReportStream {
    package enum Action: Equatable {
        case connect
        case send([UInt8])
        /// Drop the connection; the reason is for the log.
        case close(reason: String)
    }

    private enum Phase {
        case waiting(until: Timestamp)
        case connecting(until: Timestamp)
        /// Hello and token are said; nothing else is before the welcome.
        case proving(until: Timestamp)
        case streaming
    }

    /// What is under way: sent, not acknowledged.
    private struct InFlight {
        let generation: UInt64
        let deadline: Timestamp
    }

    private var hello: AgentFrame.Hello
    /// What is to be added to a moment of the stream's clock to have the node's own, milliseconds; nil: unknown.
    package var clockOffset: Int64?
    private var phase: Phase
    private var reader = FrameReader(limit: WireLimit.reply)
    /// What the collector is known to have; nil: nothing, or it asked for a snapshot.
    private var acknowledged: UInt64?
    private var inFlight: InFlight?
    private var nextHeartbeat = Timestamp.zero
    private var failures = 0
    /// The collector has answered hello on this connection.
    package private(set) var isWelcome = false
    private var random: UInt64

    /// Name resolution, TCP and TLS together.
    private static let connectLimit: Int64 = 10_000
    /// The collector may take 20 s to have a token reviewed.
    private static let proofLimit: Int64 = 30_000
    /// First retry 0.5 s, doubling to 30 s: a restarted collector is back within seconds, a dead
    /// one costs two attempts a minute.
    private static let firstRetry: Int64 = 500
    private static let longestRetry: Int64 = 30_000

    package init(hello: AgentFrame.Hello, seed: UInt64, now: Timestamp) {
        self.hello = hello
        phase = .waiting(until: now)
        random = seed | 1
    }

    package var isStreaming: Bool {
        if case .streaming = phase { return true }
        return false
    }

    package var deadline: Timestamp {
        switch phase {
        case .waiting(let until), .connecting(let until), .proving(let until): until
        case .streaming: inFlight?.deadline ?? nextHeartbeat
        }
    }

    /// The TLS handshake is done. `token`: what is to prove the node, where no certificate does.
    package mutating func opened(
        _ table: FactTable,
        token: BearerToken? = nil,
        now: Timestamp
    ) -> [Action] {
        reader = FrameReader(limit: WireLimit.reply)
        acknowledged = nil
        inFlight = nil
        isWelcome = false
        nextHeartbeat = now + interval
        hello.clock = clock(at: now)
        let greeting = Action.send(AgentFrame.hello(hello).encoded(now: now))
        guard let token else {
            phase = .streaming
            return [greeting] + speak(table, now: now)
        }
        phase = .proving(until: now + Self.proofLimit)
        return [greeting] + handOver(token, now: now)
    }

    /// A token in place of the last one, before that expires.
    package func handOver(_ token: BearerToken, now: Timestamp) -> [Action] {
        [.send(AgentFrame.token(token).encoded(now: now))]
    }

    /// The connection ended or could not be made.
    package mutating func closed(now: Timestamp) {
        failures += 1
        phase = .waiting(until: now + retryDelay())
        inFlight = nil
    }

    package mutating func received(
        _ bytes: some Collection<UInt8>,
        _ table: FactTable,
        now: Timestamp
    ) -> [Action] {
        reader.append(bytes)
        do throws(WireError) {
            while let body = try reader.next() {
                let frame = try CollectorFrame(decoding: body)
                if case .refused(let reason) = frame { return drop("refused: \(reason)", now: now) }
                apply(frame, now: now)
            }
        } catch {
            return drop("collector sent a bad frame: \(error)", now: now)
        }
        return speak(table, now: now)
    }

    /// The table changed, or the deadline has passed.
    package mutating func proceed(_ table: FactTable, now: Timestamp) -> [Action] {
        switch phase {
        case .waiting(let until):
            guard now >= until else { return [] }
            phase = .connecting(until: now + Self.connectLimit)
            return [.connect]
        case .connecting(let until):
            return now >= until ? drop("no connection within 10 s", now: now) : []
        case .proving(let until):
            return now >= until ? drop("no word of the token for 30 s", now: now) : []
        case .streaming:
            if let inFlight, now >= inFlight.deadline {
                return drop("no acknowledgement for 3 intervals", now: now)
            }
            return speak(table, now: now)
        }
    }

    private var interval: Int64 { Int64(hello.interval) }

    private func clock(at now: Timestamp) -> UInt64? {
        clockOffset.flatMap { UInt64(exactly: (now + $0).milliseconds) }
    }

    private mutating func apply(_ frame: CollectorFrame, now: Timestamp) {
        switch frame {
        case .refused: return
        case .welcome:
            if case .proving = phase {
                phase = .streaming
                nextHeartbeat = now + interval
            }
            failures = 0
            isWelcome = true
        case .resync:
            acknowledged = nil
            inFlight = nil
        case .acknowledge(let generation):
            acknowledged = generation
            if let flying = inFlight, generation >= flying.generation { inFlight = nil }
        }
    }

    /// Sends what the collector lacks, or a heartbeat that is due, if nothing is under way.
    private mutating func speak(_ table: FactTable, now: Timestamp) -> [Action] {
        guard isStreaming, inFlight == nil, let frame = nextFrame(table, now: now) else {
            return []
        }
        // Three intervals, as FAULTS.md gives an agent; at least 3 s, as a loaded collector needs.
        let patience = max(3 * interval, 3_000)
        inFlight = InFlight(generation: table.generation, deadline: now + patience)
        nextHeartbeat = now + interval
        return [.send(frame.encoded(now: now))]
    }

    private func nextFrame(_ table: FactTable, now: Timestamp) -> AgentFrame? {
        let current = table.generation
        if acknowledged == current {
            return now >= nextHeartbeat
                ? .heartbeat(generation: current, clock: clock(at: now)) : nil
        }
        guard let base = acknowledged, let difference = table.changes(since: base) else {
            return .snapshot(generation: current, table.report)
        }
        return .changes(
            base: base,
            generation: current,
            difference.updated,
            removed: difference.removed
        )
    }

    private mutating func drop(_ reason: String, now: Timestamp) -> [Action] {
        closed(now: now)
        return [.close(reason: reason)]
    }

    /// Exponential, and anywhere in its upper half, so that a fleet does not return in step.
    private mutating func retryDelay() -> Int64 {
        let doubled = Self.firstRetry << Int64(min(failures - 1, 6))
        let longest = min(doubled, Self.longestRetry)
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return longest / 2 + Int64(random >> 33) % (longest / 2 + 1)
    }
}
