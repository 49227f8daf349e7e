// SPDX-License-Identifier: Apache-2.0
package import Routing
package import SwitchDialects

/// Reads an NX-OS switch by NX-API (`POST /ins`): summary, tables, summary again, a command a
/// request. What a release cannot give as JSON (code 501) is asked as text from then on; releases
/// before 9.3 and the 5000's and 6000's trains are asked for text at once, since their JSON differs
/// between commands.
package actor NXAPIReader: SwitchReader {
    private let http: SwitchHTTP
    private let families: [AddressFamily]
    private let envelope: NXAPIEnvelope
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
    package init(_ http: SwitchHTTP, families: [AddressFamily], envelope: NXAPIEnvelope = .insAPI) {
        self.http = http
        self.families = families
        self.envelope = envelope
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
        guard !asText.contains(command) else { return try await post(command, asText: true) }
        let body = try await post(command, asText: false)
        guard envelope.isUnsupported(body) else { return body }
        asText.insert(command)
        return try await post(command, asText: true)
    }

    private func post(_ command: Command, asText: Bool) async throws -> [UInt8] {
        let request = envelope.request(command, asText: asText)
        let answer = try await http.post("/ins", type: envelope.contentType, request)
        guard envelope.hasAnswer(answer.status) else {
            throw SwitchReadError("\(command.rawValue): HTTP \(answer.status)")
        }
        return answer.body
    }

    // MARK: - Release

    private func learnRelease() async throws {
        guard !isReleaseKnown else { return }
        let body = try await post(.version, asText: true)
        isReleaseKnown = true
        if NXOSRelease(envelope.text(body) ?? "")?.hasUsableJSON != true {
            asText = Set(Command.allCases)
        }
    }
}
