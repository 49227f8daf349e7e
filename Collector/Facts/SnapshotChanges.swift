// SPDX-License-Identifier: Apache-2.0

/// What is not as it was when a snapshot was looked at last.
package struct SnapshotChanges: Sendable, Hashable {
    /// Nodes of which something new was heard, be it that they are alive.
    package private(set) var nodes: Set<String> = []
    /// Something that all ways may stand on: who owns what, or a node that was not known.
    package private(set) var isWide = false
    /// Something of Kubernetes or of a sink, which says nothing new of who owns what.
    package private(set) var hasClusterMoved = false
    /// A switch or a load balancer was read, which says nothing new of what nodes have themselves.
    package private(set) var haveDevicesMoved = false

    package init() {}

    /// Of a snapshot that was never looked at.
    package static let everything: SnapshotChanges = {
        var changes = SnapshotChanges()
        changes.isWide = true
        return changes
    }()

    /// An update, just before it is applied.
    mutating func add(_ update: FactUpdate, to snapshot: Snapshot) {
        switch update {
        case .operators: return
        case .cluster, .sink: hasClusterMoved = true
        // Whom nobody can prove nobody may miss.
        case .tokenReviews(let failure):
            let wasFailing = snapshot.kubernetes?.tokenReviews.failure != nil
            if wasFailing == (failure != nil) { hasClusterMoved = true } else { isWide = true }
        case .switchRead, .loadBalancerRead, .poolsRead: haveDevicesMoved = true
        case .agent(let node, _) where snapshot.nodes[node] != nil: nodes.insert(node)
        // An agent that comes for the first time may be what was missed under another name.
        case .agent, .intent: isWide = true
        }
    }

    mutating func widen() { isWide = true }
}
