// SPDX-License-Identifier: Apache-2.0
import BigIPSource
import Routing
import Support
import Testing

/// Lines in the wording of BIG-IPs of several versions, with and without a PRI, a level and milliseconds.
@Suite struct SyslogTests {
    private static let lines: [(String, SyslogHint?)] = [
        (
            "<133>Nov 13 04:19:15 ltm1.example.net notice mcpd[7128]: 01070638:5: Pool /K8S/web member /K8S/10.16.0.10%0:80 monitor status down. [ /Common/http: down; last error:  ]  [ was up for 1hr:2mins:3sec ]",
            .pool("/K8S/web")
        ),
        (
            "Oct 13 01:55:19 ltm1 mcpd[5105]: 01070727:5: Pool /K8S/Shared/web member /Common/10.1.1.51:443 monitor status up.",
            .pool("/K8S/Shared/web")
        ),
        (
            "<133>Nov 10 00:56:49.244 slot1/g2 notice mcpd[1]: 01070639:5: Pool /K8S/v6 member /K8S/2001:db8::1.80 session status forced disabled.",
            .pool("/K8S/v6")
        ),
        (
            "Jan 16 03:45:36 f5 tmm1[9827]: 01010221:3: Pool /K8S/web now has available members",
            .pool("/K8S/web")
        ),
        (
            "Jan 16 03:45:36 f5 err tmm[9827]: 01010028:3: No members available for pool /K8S/web",
            .pool("/K8S/web")
        ),
        (
            "<133>1 2026-11-27T02:00:00.123Z ltm1 mcpd 7128 - - 01070638:5: Pool /K8S/web member /K8S/10.16.0.10:80 monitor status down.",
            .pool("/K8S/web")
        ),
        (
            "Oct 13 01:55:19 f5 notice mcpd[1]: 01070640:5: Node /K8S/10.16.3.7%0 address 10.16.3.7%0 monitor status down.",
            .node(address("10.16.3.7"))
        ),
        (
            "Oct 13 01:55:19 f5 notice mcpd[1]: 01071682:5: SNMP_TRAP: Virtual /K8S/web has become unavailable",
            .round
        ),
        (
            "Jun 14 07:42:38 f5 notice sod[5359]: 010c0053:5: Active for traffic group traffic-group-1.",
            .round
        ),
        (
            "<145>Nov 10 00:56:49.244 f5 alert gtmd[1]: 011a4003:1: SNMP_TRAP: Pool /Common/p member vs (ip:port=10.1.1.51:80) state change green --> red",
            .round
        ),
        (
            "Jul 22 07:38:28 f5 mcpd[1844]: 01070638:5: Pool member 10.0.0.154:80 monitor status forced down.",
            .round
        ),
        ("Oct  9 19:06:22 f5 notice sod[5485]: 01140044:5: HA reports tmm ready.", nil),
        ("<133>Nov 13 04:19:15 f5 notice mcpd[7128]: 01070638:5", nil),
        ("", nil), ("01070638:5:", .round),
        ("<38>Nov 13 04:19:15 host sshd[1]: Accepted publickey for root", nil),
    ]

    @Test(
        "a line makes worth a look what it speaks of, and says nothing of its state",
        arguments: 0..<16
    )
    func hints(index: Int) {
        let (line, expected) = Self.lines[index]
        #expect(syslogHint(line.utf8) == expected, "\(line)")
    }

    @Test("a line cut anywhere, and any bytes, are a hint or nothing")
    func damage() {
        for (line, _) in Self.lines {
            for length in 0..<line.utf8.count { _ = syslogHint(line.utf8.prefix(length)) }
        }
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = syslogHint(bytes)
            var framing = SyslogFraming()
            _ = framing.take(bytes)
        }
    }

    @Test(
        "a stream is cut into its lines, counted or ended, however it arrives",
        arguments: [1, 3, 1_000]
    )
    func framing(size: Int) {
        let stream = Array("<133>first\n12 <133>second!<133>third\n\n2026 a year\n".utf8)
        var framing = SyslogFraming()
        var lines: [String] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            let piece = stream[start..<min(start + size, stream.count)]
            lines += framing.take(piece).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(lines == ["<133>first", "<133>second!", "<133>third", "2026 a year"])
    }

    @Test("a line without an end costs no more than a line, and the next is read")
    func endless() {
        var framing = SyslogFraming()
        for _ in 0..<100 { #expect(framing.take([UInt8](repeating: 65, count: 10_000)).isEmpty) }
        #expect(
            framing.take(Array("\nnext\n".utf8)).map { String(decoding: $0, as: UTF8.self) } == [
                "next"
            ]
        )
    }
}
