// SPDX-License-Identifier: Apache-2.0
import Routing

/// `show bfd sessions 'n'`: a line with the protocol's name, a heading, then
/// `ADDRESS INTERFACE STATE SINCE INTERVAL TIMEOUT` for each neighbour.
struct BFDReply {
    /// BFD's word for the way to each neighbour: `Up`, `Down`, `Init`, `AdminDown`. Where two
    /// sessions lead to one address, over two interfaces, the one that is not up is told.
    private(set) var states: [IPAddress: String] = [:]

    /// A node has an uplink or two; a thousand is BIRD as a route server.
    private static let limit = 1_024

    init(_ reply: Reply) {
        for line in reply.lines where line.code == 1020 && states.count < Self.limit {
            let words = line.text.words
            guard words.count >= 3, let first = words.first, first.utf8.last != UInt8(ascii: ":"),
                let address = IPAddress(first.prefix { $0 != "%" })
            else { continue }
            if states[address] == nil || words[2] != "Up" { states[address] = words[2].bounded(16) }
        }
    }
}
