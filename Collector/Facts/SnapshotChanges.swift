// SPDX-License-Identifier: Apache-2.0

/// What is not as it was when a snapshot was looked at last.
package struct SnapshotChanges: Sendable, Hashable {
    /// Nodes of which something new was heard, be it that they are alive.
    package private(set) var nodes: Set<String> = []
    /// Something that all ways may stand on: who owns what, a switch, a load balancer, Kubernetes.
    package private(set) var isWide = false
    /// Something of Kubernetes or of a sink, which says nothing new of who owns what.
    package private(set) var hasClusterMoved = false

    package init() {}

    /// Of a snapshot that was never looked at.
    package static let everything: SnapshotChanges = {
        var changes = SnapshotChanges()
        changes.isWide = true
        return changes
    }()

    /// An update, just before it is applied.
    mutating func add(_ update: FactUpdate, to snapshot: Snapshot) {
        if case .operators = update { return }
        switch update {
        case .cluster, .sink:
            hasClusterMoved = true
            return
        default: break
        }
        // An agent that comes for the first time may be what was missed under another name.
        guard case .agent(let node, _) = update, snapshot.nodes[node] != nil else {
            isWide = true
            return
        }
        nodes.insert(node)
    }

    mutating func widen() { isWide = true }
}
