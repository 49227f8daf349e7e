// SPDX-License-Identifier: Apache-2.0
import Support

@testable import BIRD

/// A daemon that answers from a table; what is not in it is answered with `0000`.
struct ScriptedBIRD {
    var answers: [String: String] = [
        "restrict": "0016 Access restricted",
        "timeformat \"%s.%6f\"": "9001 syntax error",
        "show status":
            "1000-BIRD 2.0.12\n1011-Router ID is 10.1.0.3\n Current server time is 2026-11-23 13:10:54.000\n0013 Daemon is up and running",
        "show protocols all":
            "2002-Name Proto Table State Since Info\n1002-static1 Static master4 up 13:10:52.445  \n1002-uplink0 BGP --- up 13:10:53.000  Established   \n1006-  BGP state:          Established\n     Neighbor address: 10.1.0.254\n   Channel ipv4\n     State:          UP\n     Routes:         0 imported, 1 exported, 0 preferred\n\n0000 "
            .replacing("\n\n", with: "\n \n"),
        "show static 'static1'": "1009-10.16.2.0/24\n \tdev cilium_host\n0000 ",
        "show route 10.16.2.0/24":
            "1007-Table master4:\n 10.16.2.0/24         unicast [static1 13:10:52.445] * (200)\n \tdev cilium_host\n0000 ",
        "show route 10.16.2.0/24 exported 'uplink0'":
            "1007-Table master4:\n 10.16.2.0/24         unicast [static1 13:10:52.445] * (200)\n \tdev cilium_host\n0000 ",
    ]
    var asked: [String] = []

    mutating func run(_ poll: inout BIRDPoll) -> BIRDReading? {
        var actions = poll.connected(now: at(0))
        actions += poll.received(Array("0001 BIRD 2.0.12 ready.\n".utf8), now: at(1))
        while let action = actions.first {
            switch action {
            case .finish(let reading): return reading
            case .send(let bytes):
                let line = String(decoding: bytes.dropLast(), as: UTF8.self)
                asked.append(line)
                let answer = (answers[line] ?? "0000 ") + "\n"
                actions = poll.received(Array(answer.utf8), now: at(2))
            }
        }
        return nil
    }
}
