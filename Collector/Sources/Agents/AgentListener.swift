// SPDX-License-Identifier: Apache-2.0
import EventLoop
package import Facts
import Foundation
package import Routing
import Synchronization
package import TLS
import Wire

/// Counters of the agents' port, for metrics and `status`.
package struct AgentListenerCounters: Sendable, Hashable {
    package var connections = 0
    package var accepted = 0
    package var refused: [String: Int] = [:]
    package var frames = 0
    /// Content of a later version of the report format, passed over.
    package var skippedFacts = 0
    package var skippedFields = 0

    mutating func add(_ tally: AgentSession.Tally) {
        frames += tally.frames
        skippedFacts += tally.skipped.facts
        skippedFields += tally.skipped.fields
    }
}

/// The agents' port: one thread with one epoll loop, and two threads for handshakes.
///
/// A handshake is a millisecond of arithmetic and would hold up everybody's reports; so while a
/// connection shakes hands the loop does not watch it, and only the pool touches its session.
/// Stopping is safe at any moment: agents reconnect and begin with a snapshot.
package final class AgentListener: Sendable {
    package struct Settings: Sendable {
        package var host: String
        package var port: UInt16
        package var files: TLSFiles
        /// Silence after which a stream is closed, milliseconds.
        package var patience: Int64
        /// Nil: an agent needs a certificate.
        package var tokens: TokenReviews?
        /// Ten thousand agents twice over, and file descriptors to spare.
        package var connectionLimit = 20_000

        package init(host: String, port: UInt16, files: TLSFiles, patience: Int64) {
            self.host = host
            self.port = port
            self.files = files
            self.patience = patience
        }
    }

    private let shared = Mutex(AgentListenerCounters())
    private let stopping = Atomic(false)
    private let wakeup: Wakeup

    package init() throws { wakeup = try Wakeup() }

    package var counters: AgentListenerCounters { shared.withLock { $0 } }

    /// Listens and starts the thread. `deliver` and `log` are called on it.
    package func start(
        _ settings: Settings,
        clock: @escaping @Sendable () -> Timestamp,
        timeOfDay: (@Sendable () -> Int64)? = nil,
        deliver: @escaping @Sendable (String, AgentUpdate) -> Void,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        let identity = try TLSIdentity(.server, files: settings.files)
        let listener = try TCPSocket.listen(host: settings.host, port: settings.port)
        let thread = Thread { [self] in
            do {
                let loop = try AgentLoop(
                    settings,
                    identity,
                    listener: listener,
                    wakeup: wakeup,
                    clock: clock,
                    timeOfDay: timeOfDay,
                    deliver: deliver,
                    log: log
                )
                while !stopping.load(ordering: .relaxed) {
                    loop.turn()
                    shared.withLock { $0 = loop.counters }
                }
            } catch {
                log("agents' port: \(error)")
            }
            close(listener)
        }
        thread.name = "agents"
        thread.start()
    }

    package func stop() {
        stopping.store(true, ordering: .relaxed)
        wakeup.wake()
    }
}
