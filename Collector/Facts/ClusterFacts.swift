// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What Kubernetes and its CNI say: who owns which pod CIDR, and which pods should be in which pool.
package struct ClusterFacts: Sendable, Equatable {
    package var nodes = Watched<ClusterNode>()
    package var ciliumNodes = Watched<CNINode>()
    package var blockAffinities = Watched<BlockAffinity>()
    /// By namespace and name, as are all below.
    package var services = Watched<ClusterService>()
    package var endpointSlices = Watched<EndpointSlice>()
    package var exposures = Watched<Exposure>()
    /// cis.f5.com: of clusters that expose services in another way there are none, or one may not ask.
    package var virtualServers = Watched<Exposure>()
    package var transportServers = Watched<Exposure>()
    /// The F5 controller's Deployments, and how pods are masqueraded: settings, without which only hints are
    /// missing.
    package var controllers = Watched<F5Controller>()
    package var ciliumSettings = Watched<Masquerading>()
    package var masqueradeAgents = Watched<Masquerading>()
    /// Of the tokens by which agents prove their nodes, where they do.
    package internal(set) var tokenReviews = TokenReviewFacts()
    /// By service, of all its slices.
    package internal(set) var endpoints: [String: ServiceEndpoints] = [:]
    /// Since when a pool has been asked for as it is now.
    package internal(set) var exposedSince: [String: Timestamp] = [:]
    var slicesOfService: [String: Set<String>] = [:]
    var endpointsSwept = Timestamp.zero

    package init() {}

    package var isComplete: Bool {
        isSettled && services.isComplete && endpointSlices.isComplete && exposures.isComplete
    }

    /// The last word of any of them.
    package var lastHeard: Timestamp? {
        [
            nodes.lastHeard, ciliumNodes.lastHeard, blockAffinities.lastHeard, services.lastHeard,
            endpointSlices.lastHeard, exposures.lastHeard,
        ].compactMap(\.self).max()
    }

    package static let reviewing = "token reviews"

    /// Whether one of those that `failures` may tell of is read; what the server does not offer cannot be.
    package var isReadInPart: Bool {
        nodes.isRead || ciliumNodes.isRead || blockAffinities.isRead || services.isRead
            || endpointSlices.isRead || exposures.isRead
    }

    /// Every collection that fails, with the reason, in the order above.
    package var failures: [(what: String, failure: ReadFailure)] {
        let all: [(String, ReadFailure?)] = [
            ("nodes", nodes.failure), ("CiliumNodes", ciliumNodes.failure),
            ("BlockAffinities", blockAffinities.failure), ("services", services.failure),
            ("EndpointSlices", endpointSlices.failure), ("ConfigMaps", exposures.failure),
            (Self.reviewing, tokenReviews.failure),
        ]
        return all.compactMap { what, failure in failure.map { (what, $0) } }
    }
}
