// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Pod CIDRs by whom they belong to. Each has a number, for tables that hold something of every one.
struct OwnedCIDRs: Sendable {
    private var numbers = PrefixNumbers()
    private var names: [String] = []

    /// Where two nodes own one it is the first one's, in any process.
    init(_ paths: [(node: String, prefix: Prefix)]) {
        for (node, prefix) in paths where numbers[prefix] == nil {
            numbers[prefix] = names.count
            names.append(node)
        }
    }

    var count: Int { names.count }
    var prefixes: [Prefix] { numbers.prefixes }

    subscript(prefix: Prefix) -> String? { numbers[prefix].map { names[$0] } }

    func number(of prefix: Prefix) -> Int? { numbers[prefix] }

    func number(around address: IPAddress) -> Int? {
        numbers.longestMatch(Prefix(host: address))?.number
    }

    /// The longest that contains it, and its owner.
    func longestMatch(_ address: IPAddress) -> (prefix: Prefix, value: String)? {
        longestMatch(Prefix(host: address))
    }

    func longestMatch(_ prefix: Prefix) -> (prefix: Prefix, value: String)? {
        numbers.longestMatch(prefix).map { ($0.prefix, names[$0.number]) }
    }
}
