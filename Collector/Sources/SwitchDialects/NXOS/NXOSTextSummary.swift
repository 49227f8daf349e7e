// SPDX-License-Identifier: Apache-2.0

/// One family of `show ip bgp summary`: rows of ten columns, the last of which is the state's name, or
/// how many prefixes an established neighbour sent. Long AS numbers push a row's rest to the next
/// line.
struct NXOSTextSummary {
    private let isUnicast: Bool
    private var isTable = false
    private var row: [Substring] = []
    private var peers: [String: SummaryPeer] = [:]
    private var problems: [String] = []

    private static let columns = 10

    /// `BGP summary information for VRF default, address family IPv4 Unicast`
    init(header: Substring) { isUnicast = header.hasSuffix("Unicast") }

    mutating func take(_ line: Substring) {
        let words = line.split { $0 == " " || $0 == "\t" }
        guard let first = words.first, !isPromptEnd(first) else {
            // A blank line or a prompt ends the table.
            close()
            return isTable = isTable && row.isEmpty && problems.isEmpty && peers.isEmpty
        }
        if first == "Neighbor" { return isTable = true }
        guard isTable else { return }
        if row.isEmpty || row.count >= Self.columns {
            // Prefix peers (10.1.0.0/24) and interface peers are rows too: by their name.
            close()
            row = words
        } else {
            row += words
        }
    }

    private func isPromptEnd(_ word: Substring) -> Bool {
        word.hasSuffix("#") || word.hasSuffix(">")
    }

    consuming func finish(_ answer: inout SwitchAnswer) {
        close()
        guard isUnicast else { return }
        for problem in problems { answer.doubt("BGP summary: \(problem)") }
        answer.addSummary(peers)
    }

    private mutating func close() {
        guard let name = row.first else { return }
        defer { row = [] }
        guard row.count >= Self.columns else {
            return problems.append("\(name.prefix(64)): the row is cut off")
        }
        let state = row[(Self.columns - 1)...].joined(separator: " ")
        let received = Int(state)
        peers[String(name)] = SummaryPeer(
            state: received == nil ? state : "Established",
            prefixesReceived: received
        )
    }
}
