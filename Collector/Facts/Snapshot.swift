// SPDX-License-Identifier: Apache-2.0
package import HashTreeCollections
package import Routing

/// Where intent comes from (`nodes.from`).
package enum IntentSource: String, Sendable, Codable { case kubernetes, file, agents }

/// Everything the collector believes at one moment: an immutable value, all that judgement sees.
package struct Snapshot: Sendable, Equatable {
    package var cluster: String
    /// Supernets pods live in.
    package var podSupernets: [Prefix]
    /// Milliseconds without a frame after which an agent's facts are stale.
    package var agentStaleAfter: Int64
    package var intentSource: IntentSource
    package var intent: Readings<[String: NodeIntent]>
    /// Nil where no API server is watched.
    package var kubernetes: ClusterFacts?
    /// Agents are listened to; else nobody is missed who does not report.
    package var hasAgents = true
    /// By node name, as their agents report. A tree: one node's change leaves a snapshot of before as it was, and
    /// copies a few dozen nodes of it, not thousands.
    package var nodes: TreeDictionary<String, NodeFacts>
    package var switches: [String: SwitchFacts]
    package var loadBalancers: [String: LoadBalancerFacts]
    /// What operators asked not to be told.
    package var silences = Silences()
    /// How those do who are told, by name, as far as each was tried.
    package var sinks: [String: SinkFacts] = [:]
    /// How long a pool may lack a ready pod, or keep one that is gone; milliseconds.
    package var memberPatience: Int64 = 120_000
    /// When this collector began to listen: nobody is called silent before he could have spoken.
    package var startedAt: Timestamp

    package init(
        cluster: String,
        podSupernets: [Prefix],
        agentStaleAfter: Int64,
        intentSource: IntentSource,
        startedAt: Timestamp
    ) {
        self.cluster = cluster
        self.podSupernets = podSupernets
        self.agentStaleAfter = agentStaleAfter
        self.intentSource = intentSource
        // A file or claim does not age: it is as good as its last reading.
        intent = Readings(staleAfter: .max / 4)
        kubernetes = nil
        nodes = [:]
        switches = [:]
        loadBalancers = [:]
        self.startedAt = startedAt
    }
}
