// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@testable import BIRD

/// What a session's lines say beside its state: timers, restarts, BFD, and what only a second
/// reading can tell.
@Suite struct BIRDSessions {
    private func replies(_ version: String, _ state: String, _ command: String) throws -> [Reply] {
        let bytes = try #require(BIRDFixture.bytes(version, state, command))
        var reader = ReplyReader()
        return try reader.read(bytes).compactMap {
            if case .reply(let reply) = $0 { reply } else { nil }
        }
    }

    private func session(
        _ version: String,
        _ state: String,
        _ name: String = "uplink0"
    ) throws -> BGPSession {
        let reply = try #require(replies(version, state, "show-protocols-all").first)
        let entry = try #require(ProtocolReply.all(reply).protocols.first { $0.name == name })
        return try #require(entry.session(serverTime: "", now: at(1_000_000)))
    }

    @Test("the hold time is read from every version", arguments: BIRDFixture.versions)
    func holdTime(version: String) throws {
        let healthy = try session(version, "healthy")
        #expect(healthy.holdTime == 240)
        #expect(healthy.silentSince == nil)
        let down = try session(version, "uplink0-hold-timer-expired")
        #expect(down.holdTime == nil && down.silentSince == nil)
        #expect(down.firstError == "BGP Error: Hold timer expired")
    }

    @Test(
        "a peer is silent once less than half of the hold time is left",
        arguments: [
            ("194.967/240", nil), ("120.000/240", nil), ("119.999/240", 120_001),
            ("40/240", 200_000),
            ("0.000/240", 240_000), ("1.2/9", 7_800), ("0.000/0", nil), ("-/240", nil),
            ("12/70000", nil), ("12", nil), ("", nil), ("1/2/3", nil),
        ] as [(String, Int64?)]
    )
    func silence(text: String, silence: Int64?) {
        #expect(HoldTimer(text[...])?.silence == silence)
    }

    @Test("BFD's word is the session's whose neighbour it is")
    func bfd() throws {
        let up = try #require(replies("2.0.12", "uplink0-bfd-up", "show-bfd-sessions-bfd1").first)
        #expect(BFDReply(up).states == [address("192.0.2.2"): "Up"])
        let down = try #require(
            replies("2.0.12", "uplink0-bfd-down", "show-bfd-sessions-bfd1").first
        )
        #expect(BFDReply(down).states == [address("192.0.2.2"): "Down"])
        let fallen = try session("2.0.12", "uplink0-bfd-down")
        #expect(fallen.lastError == "Error: BFD session down" && !fallen.isDisabled)
    }

    @Test("a poll asks each BFD protocol that is up, by name")
    func bfdAsked() throws {
        var poll = BIRDPoll(prefixes: [], supernets: [], now: at(0))
        var reading: BIRDReading?
        var asked: [String] = []
        var actions = poll.received(Array("0001 BIRD 2.0.12 ready.\n".utf8), now: at(1))
        while let action = actions.first {
            guard case .send(let bytes) = action else {
                if case .finish(let last) = action { reading = last }
                break
            }
            let line = String(decoding: bytes.dropLast(), as: UTF8.self)
            asked.append(line)
            let file: (String, String)? =
                switch line {
                case "show status": ("healthy", "show-status")
                case "show protocols all": ("uplink0-bfd-up", "show-protocols-all")
                case "show bfd sessions 'bfd1'": ("uplink0-bfd-up", "show-bfd-sessions-bfd1")
                default: nil
                }
            let answer = try file.map {
                try #require(BIRDFixture.bytes("2.0.12", $0.0, $0.1))
            }
            let restricted = Array("0016 Access restricted\n".utf8)
            actions = poll.received(
                answer ?? (line == "restrict" ? restricted : Array("0000 \n".utf8)),
                now: at(2)
            )
        }
        #expect(asked.contains("show bfd sessions 'bfd1'"))
        #expect(reading?.sessions.map(\.bfdState) == ["Up"])
    }

    @Test("a peer's graceful restart, and our own, are told from a loss")
    func gracefulRestart() throws {
        let peer = try session("2.0.12", "peer-graceful-restart")
        #expect(peer.isPeerRestarting && peer.state == .active)
        #expect(!peer.channels[0].isRecovering)
        let own = try session("2.0.12", "graceful-restart-recovery")
        #expect(!own.isPeerRestarting && own.channels[0].isRecovering)
        let status = try #require(
            replies("2.0.12", "graceful-restart-recovery", "show-status").first
        )
        #expect(StatusReply(status).isRecovering)
        #expect(try !session("2.0.12", "healthy").channels[0].isRecovering)
    }

    // MARK: - What the reading before adds

    private func reading(
        _ state: BGPState,
        error: String = "",
        silentSince: Timestamp? = nil,
        isDisabled: Bool = false
    ) -> BIRDReading {
        var reading = BIRDReading(condition: .readable)
        reading.sessions = [
            BGPSession(
                name: "u",
                protocolState: state == .established ? .up : isDisabled ? .down : .start,
                state: state,
                lastError: error,
                firstError: error,
                isDisabled: isDisabled,
                silentSince: silentSince
            )
        ]
        return reading
    }

    @Test("the first error stays while attempts to come back write theirs over it")
    func firstError() {
        let up = reading(.established)
        let hold = reading(.idle, error: "BGP Error: Hold timer expired").settled(comparedTo: up)
        let closed = reading(.active, error: "Socket: No route to host")
            .settled(comparedTo: hold)
        #expect(closed.sessions[0].firstError == "BGP Error: Hold timer expired")
        #expect(closed.sessions[0].lastError == "Socket: No route to host")
        let back = reading(.established).settled(comparedTo: closed)
        #expect(back.sessions[0].firstError == "")
        let again = reading(.active, error: "Socket: Connection closed").settled(comparedTo: back)
        #expect(again.sessions[0].firstError == "Socket: Connection closed")
        let disabled = reading(.down, isDisabled: true).settled(comparedTo: again)
        #expect(disabled.sessions[0].firstError == "")
    }

    @Test("the moment of the last word from a peer does not jitter from poll to poll")
    func silentSince() {
        let first = reading(.established, silentSince: at(10_000))
        let next = reading(.established, silentSince: at(10_900)).settled(comparedTo: first)
        #expect(next.sessions == first.sessions)
        let heard = reading(.established, silentSince: at(30_000)).settled(comparedTo: next)
        #expect(heard.sessions[0].silentSince == at(30_000))
    }

    @Test("a restart is not taken for disabled: that needs two readings some time apart")
    func disabling() {
        var disabling = Disabling()
        var restarting = reading(.down, isDisabled: true)
        #expect(disabling.confirm(&restarting, now: at(1_000)) == at(1_300))
        #expect(!restarting.sessions[0].isDisabled)
        var up = reading(.established)
        #expect(disabling.confirm(&up, now: at(1_300)) == nil)
        var disabled = reading(.down, isDisabled: true)
        #expect(disabling.confirm(&disabled, now: at(5_000)) == at(5_300))
        disabled = reading(.down, isDisabled: true)
        #expect(disabling.confirm(&disabled, now: at(5_100)) == at(5_300))
        #expect(!disabled.sessions[0].isDisabled)
        disabled = reading(.down, isDisabled: true)
        #expect(disabling.confirm(&disabled, now: at(5_300)) == nil)
        #expect(disabled.sessions[0].isDisabled)
    }

    @Test("a socket without its directory is told from one without its file")
    func noDirectory() {
        func condition(_ path: String) -> BIRDCondition? {
            if case .failure(let condition) = ControlSocket.open(path: path) {
                condition
            } else {
                nil
            }
        }
        #expect(condition("/tmp/there-is-no-such-socket.ctl") == .noSocket)
        #expect(condition("/there-is-no-such-folder/bird.ctl") == .noDirectory)
        #expect(condition("no-such-socket.ctl") == .noSocket)
    }

    // /proc/net/unix of Linux 6.18 with Debian's bird2 in it, its other sockets left out.
    @Test("a listening socket whose file is gone is found by its name")
    func removedSocket() {
        let table = Array(
            """
            Num       RefCount Protocol Flags    Type St Inode Path
            0000000070173e2b: 00000003 00000000 00000000 0001 03  1517
            00000000fc4748b7: 00000002 00000000 00010000 0001 01 93211 /run/bird/bird.ctl
            00000000fc4748b8: 00000003 00000000 00000000 0001 03 93342 /run/bird/other.ctl
            00000000fc4748b9: 00000002 00000000 00010000 0001 01 93343 /tmp/a b.ctl
            """.utf8
        )
        #expect(UnixSockets.listens(on: "/run/bird/bird.ctl", in: table))
        #expect(UnixSockets.listens(on: "/tmp/a b.ctl", in: table))
        #expect(
            !UnixSockets.listens(on: "/run/bird/other.ctl", in: table),
            "connected, not listening"
        )
        #expect(!UnixSockets.listens(on: "/run/bird/bird.ct", in: table))
        #expect(!UnixSockets.listens(on: "/run/bird/bird.ctl", in: []))
    }
}
