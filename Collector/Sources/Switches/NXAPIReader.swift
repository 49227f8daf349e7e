// SPDX-License-Identifier: Apache-2.0
package import Routing
package import SwitchDialects
import VendorJSON

/// Reads an NX-OS switch by NX-API (`POST /ins`): summary, tables, summary again, a command a
/// request. What a release cannot give as JSON (code 501) is asked as text from then on; releases
/// before 9.3 and the 5000's and 6000's trains are asked for text at once, since their JSON differs
/// between commands.
package actor NXAPIReader: SwitchReader {
    private let http: SwitchHTTP
    private let families: [AddressFamily]
    /// Commands that are asked as text.
    private var asText: Set<Command> = []
    private var isReleaseKnown = false

    /// All that is ever sent: nothing from outside is part of a command.
    enum Command: String, CaseIterable {
        case version = "show version"
        case summary = "show bgp ipv4 unicast summary vrf all"
        case summary6 = "show bgp ipv6 unicast summary vrf all"
        case routes = "show ip route bgp vrf all"
        case routes6 = "show ipv6 route bgp vrf all"
    }

    /// `families` are those of the pod supernets.
    package init(_ http: SwitchHTTP, families: [AddressFamily]) {
        self.http = http
        self.families = families
    }

    package func read() async throws -> SwitchAnswer {
        try await learnRelease()
        let tables: [Command] = families.map { $0 == .ipv4 ? .routes : .routes6 }
        let summaries: [Command] = families.map { $0 == .ipv4 ? .summary : .summary6 }
        var answer = SwitchAnswer()
        for command in summaries + tables + summaries {
            try takeNXAPI(try await ask(command), &answer)
        }
        answer.conclude()
        return answer
    }

    package func close() async { await http.close() }

    /// One command's answer, as JSON or, where it has none, as text.
    private func ask(_ command: Command) async throws -> [UInt8] {
        guard !asText.contains(command) else { return try await post(command, "cli_show_ascii") }
        let body = try await post(command, "cli_show")
        guard isUnsupported(body) else { return body }
        asText.insert(command)
        return try await post(command, "cli_show_ascii")
    }

    private func post(_ command: Command, _ type: String) async throws -> [UInt8] {
        // Some releases read the type only if it stands before the input.
        let request = """
            {"ins_api":{"version":"1.0","type":"\(type)","chunk":"0","sid":"sid",\
            "input":"\(command.rawValue)","output_format":"json"}}
            """
        let answer = try await http.post("/ins", type: "application/json", request)
        guard answer.status == 200 else {
            throw SwitchReadError("\(command.rawValue): HTTP \(answer.status)")
        }
        return answer.body
    }

    private func isUnsupported(_ body: [UInt8]) -> Bool {
        let output = (try? JSONValue(body))?["ins_api"]?["outputs"]?["output"]
        return output?["code"]?.text == "501"
    }

    // MARK: - Release

    private func learnRelease() async throws {
        guard !isReleaseKnown else { return }
        let body = try await post(.version, "cli_show_ascii")
        let text = (try? JSONValue(body))?["ins_api"]?["outputs"]?["output"]?["body"]?.text ?? ""
        isReleaseKnown = true
        if NXOSRelease(text)?.hasUsableJSON != true { asText = Set(Command.allCases) }
    }
}
