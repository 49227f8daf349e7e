// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
package import Routing

/// The nodes file: what people say which node owns, where no Kubernetes API is asked.
///
///     nodes:
///       - name: n1
///         pod-cidrs: [10.16.0.0/24]
///         addresses: [10.1.0.1, 10.2.0.1]
package enum NodesFile {
    package static func read(path: String) throws(FileError) -> [String: NodeIntent] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw FileError(file: path, line: nil, reason: "cannot be read")
        }
        return try parse(text, file: path)
    }

    package static func parse(
        _ text: String,
        file: String
    ) throws(FileError) -> [String: NodeIntent] {
        let tree = try Tree(parsing: text, file: file)
        guard let list = try tree.mapping("nodes")["nodes"] else {
            throw tree.error("key \"nodes\" is missing")
        }
        var nodes: [String: NodeIntent] = [:]
        for item in try list.list() {
            let node = try node(item)
            guard nodes[node.name] == nil else { throw item.error("\(node.name) stands twice") }
            nodes[node.name] = node
        }
        return nodes
    }

    private static func node(_ tree: Tree) throws(FileError) -> NodeIntent {
        let keys = try tree.mapping("name", "pod-cidrs", "addresses")
        guard let name = try keys["name"]?.text() else { throw tree.error("\"name\" is missing") }
        var node = NodeIntent(name: name, podCIDRs: [])
        for item in try keys["pod-cidrs"]?.list() ?? [] { node.podCIDRs.append(try item.prefix()) }
        for item in try keys["addresses"]?.list() ?? [] {
            guard let address = IPAddress(try item.text()) else {
                throw item.error("an address is expected")
            }
            node.addresses.append(address)
        }
        return node
    }
}

extension Tree {
    package func prefix() throws(FileError) -> Prefix {
        guard let prefix = Prefix(try text()) else {
            throw error("a prefix such as 10.16.0.0/24, host bits zero, is expected")
        }
        return prefix
    }
}
