// SPDX-License-Identifier: Apache-2.0
import AgentSource
import Facts
import Glibc
import Routing
import Synchronization
import TLS

/// The collector's port for agents alone, with nothing behind it: TLS, framing, decoding, each
/// node's facts kept and acknowledged.
///     benchmark-ingest FOLDER PORT
@main
enum Ingest {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 3, let port = UInt16(words[2]) else { return print("FOLDER PORT") }
        let files = TLSFiles(
            ca: words[1] + "/ca.crt",
            certificate: words[1] + "/collector.crt",
            key: words[1] + "/collector.key"
        )
        let listener = try AgentListener()
        let settings = AgentListener.Settings(
            host: "127.0.0.1",
            port: port,
            files: files,
            patience: 60_000
        )
        let delivered = Atomic(0)
        try listener.start(
            settings,
            clock: now,
            deliver: { _, _ in
                delivered.add(1, ordering: .relaxed)
            },
            log: { print($0) }
        )
        print("ready")
        fflush(nil)
        waitForTermination()
        let counters = listener.counters
        print(
            """
            {"frames":\(counters.frames),"delivered":\(delivered.load(ordering: .relaxed)),\
            "handshakes":\(counters.accepted)}
            """
        )
        fflush(nil)
        exit(0)
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    private static func waitForTermination() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var number: Int32 = 0
        sigwait(&signals, &number)
    }
}
