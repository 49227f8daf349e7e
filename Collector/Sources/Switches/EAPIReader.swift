// SPDX-License-Identifier: Apache-2.0
package import Routing
package import SwitchDialects

/// Reads an Arista switch by its eAPI (`POST /command-api`, JSON-RPC): summary, tables and summary again
/// in one request, which the switch runs in order.
package struct EAPIReader: SwitchReader {
    private let http: SwitchHTTP
    private let body: String

    package init(_ http: SwitchHTTP, families: [AddressFamily]) {
        self.http = http
        // Nothing from outside is part of a command.
        let summaries = families.map {
            $0 == .ipv4 ? "show ip bgp summary vrf all" : "show ipv6 bgp summary vrf all"
        }
        let tables = families.map {
            $0 == .ipv4 ? "show ip route bgp vrf all" : "show ipv6 route bgp vrf all"
        }
        let commands = (summaries + tables + summaries).map { "\"\($0)\"" }.joined(separator: ",")
        body = """
            {"jsonrpc":"2.0","method":"runCmds","params":{"version":1,"cmds":[\(commands)],\
            "format":"json"},"id":"podpath"}
            """
    }

    package func read() async throws -> SwitchAnswer {
        let answer = try await http.post("/command-api", type: "application/json", body)
        guard answer.status == 200 else { throw SwitchReadError("HTTP \(answer.status)") }
        return try decodeEOS(answer.body)
    }

    package func close() async { await http.close() }
}
