// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What an agent's stream changes.
package enum AgentUpdate: Sendable, Equatable, Codable {
    /// `byCertificate`: no token had to be reviewed.
    case connected(interval: Int64, version: String, byCertificate: Bool = false)
    /// All facts of the node, replacing what was known.
    case snapshot(KernelFacts, [String: BIRDFacts])
    /// Still there; nothing changed.
    case heartbeat
    /// By how many milliseconds the node's clock is ahead of the collector's.
    case clock(ahead: Int64)
    case disconnected(NodeFacts.Connection)
}

/// The result of one attempt to read a polled source.
package enum ReadResult<Value: Sendable & Equatable>: Sendable, Equatable {
    case read(Value)
    case failed(String)

    package var isGood: Bool {
        if case .read = self { return true }
        return false
    }
}

extension ReadResult: Codable where Value: Codable {}

/// Everything that can enter the collector. One writer applies them in order of arrival.
package enum FactUpdate: Sendable, Equatable, Codable {
    case agent(node: String, AgentUpdate)
    case intent(ReadResult<[String: NodeIntent]>)
    case cluster(ClusterUpdate)
    /// Why agents' tokens cannot be reviewed; nil: they can again.
    case tokenReviews(failure: String?)
    case switchRead(name: String, by: SwitchWay, ReadResult<SwitchTable>, took: Int64)
    case loadBalancerRead(
        name: String,
        unit: String,
        ReadResult<LoadBalancerTable>,
        took: Int64
    )
    /// Some pools of a unit, read between its rounds.
    case poolsRead(name: String, unit: String, [String: LoadBalancerPool], took: Int64)
    case operators(OperatorUpdate)
    case sink(name: String, SinkHealth)
}

extension Snapshot {
    /// Applies updates in order of arrival, and says what they may have changed. Those about unconfigured
    /// devices are dropped.
    @discardableResult
    package mutating func apply(
        _ updates: [(update: FactUpdate, at: Timestamp)]
    ) -> SnapshotChanges {
        var changes = SnapshotChanges()
        var claimants: Set<String> = []
        for (update, moment) in updates {
            changes.add(update, to: self)
            // Of the updates that are narrow by themselves only Kubernetes' may move who owns what.
            guard case .cluster = update else {
                take(update, at: moment)
                if case .agent(let node, .snapshot) = update { claimants.insert(node) }
                continue
            }
            let owners = intent.latest
            take(update, at: moment)
            // When it was read is told with what it says.
            if intent.latest != owners { changes.widen() }
        }
        guard intentSource == .agents, let last = updates.last?.at else { return changes }
        if claimIntent(of: claimants, at: last) { changes.widen() }
        return changes
    }

    @discardableResult
    package mutating func apply(_ update: FactUpdate, at now: Timestamp) -> SnapshotChanges {
        apply([(update, now)])
    }

    private mutating func take(_ update: FactUpdate, at now: Timestamp) {
        switch update {
        case .agent(let node, let change): apply(change, of: node, at: now)
        case .intent(.read(let nodes)): intent.succeeded(nodes, at: now)
        case .intent(.failed(let reason)): intent.failed(reason, at: now)
        case .cluster(let change): apply(change, at: now)
        case .tokenReviews(let reason?): kubernetes?.tokenReviews.failed(reason, at: now)
        case .tokenReviews(nil): kubernetes?.tokenReviews.succeeded(at: now)
        case .operators(let change): silences.apply(change, at: now)
        case .sink(let name, let health): sinks[name] = SinkFacts(health, since: now)
        case .switchRead(let name, let way, let result, let duration):
            switches[name]?
                .apply(result, by: way, inside: podSupernets, at: now, took: duration)
        case .loadBalancerRead(let name, let unit, let result, let duration):
            loadBalancers[name]?
                .apply(result, of: unit, at: now, took: duration, keepingMembers: kubernetes != nil)
        case .poolsRead(let name, let unit, let pools, let duration):
            loadBalancers[name]?
                .apply(pools, of: unit, at: now, took: duration, keepingMembers: kubernetes != nil)
        }
    }

    private mutating func apply(_ update: AgentUpdate, of node: String, at now: Timestamp) {
        if case .connected(let interval, let version, let byCertificate) = update {
            let known = nodes[node]
            var facts = NodeFacts(connectedAt: now, interval: interval, agentVersion: version)
            facts.isProvedByCertificate = byCertificate
            // The old facts stand until the new snapshot: a reconnect forgets nothing.
            if let known {
                facts.kernel = known.kernel
                facts.birds = known.birds
                facts.exportsSince = known.exportsSince
                facts.history = known.history
                facts.clockAhead = known.clockAhead
            }
            nodes[node] = facts
            return
        }
        guard nodes[node] != nil else { return }
        nodes[node]?.apply(update, at: now)
    }

    /// With `nodes: { from: agents }` a node owns what its kernel routes to a local device or its
    /// BIRD holds as a static route, inside the pod supernets.
    private mutating func claimIntent(of nodes: Set<String>, at now: Timestamp) -> Bool {
        var intents = intent.latest?.value ?? [:]
        var hasChanged = intent.latest == nil && !nodes.isEmpty
        for node in nodes {
            let claims = self.nodes[node]?.claimedPodCIDRs(inside: podSupernets) ?? []
            guard intents[node]?.podCIDRs != claims else { continue }
            intents[node] = NodeIntent(name: node, podCIDRs: claims)
            hasChanged = true
        }
        if hasChanged { intent.succeeded(intents, at: now) }
        return hasChanged
    }
}

extension Readings {
    package mutating func apply(_ result: ReadResult<Value>, at now: Timestamp, took: Int64) {
        switch result {
        case .read(let value): succeeded(value, at: now, took: took)
        case .failed(let reason): failed(reason, at: now, took: took)
        }
    }
}

extension NodeFacts {
    fileprivate mutating func apply(_ update: AgentUpdate, at now: Timestamp) {
        switch update {
        case .connected: return
        case .heartbeat: lastHeard = now
        case .clock(let ahead): clockAhead = ahead
        case .snapshot(let kernel, let birds):
            lastHeard = now
            stampExports(birds, at: now)
            history.saw(kernel, birds, at: now)
            history.saw(birds, at: now)
            self.kernel = kernel
            self.birds = birds
        case .disconnected(let why):
            connection = why
            connectionSince = now
        }
    }

    private mutating func stampExports(_ next: [String: BIRDFacts], at now: Timestamp) {
        var stamps: [ExportKey: Timestamp] = [:]
        for (daemon, facts) in next {
            for (key, answer) in facts.exports {
                let isSame = birds[daemon]?.exports[key] == answer
                stamps[key] = isSame ? exportsSince[key] ?? now : now
            }
        }
        exportsSince = stamps
    }

    package func claimedPodCIDRs(inside supernets: [Prefix]) -> [Prefix] {
        let statics = birds.values.flatMap(\.statics).map(\.prefix)
        let claims = Set(localPrefixes(inside: supernets)).union(
            statics.filter { claim in
                !claim.isHost && supernets.contains { $0.contains(claim) }
            }
        )
        return claims.sorted()
    }

    /// What the kernel leads to the node's own devices: one that carries a default route leads out of it.
    package func localPrefixes(inside supernets: [Prefix]) -> [Prefix] {
        let all = kernel.routesInUse
        let outward = Set(
            all.filter(\.prefix.isDefault).flatMap(\.nextHops).compactMap(\.device)
        )
        let own = Set(kernel.addresses.map(\.address))
        let local = all.filter { route in
            route.nextHops.contains { hop in
                hop.isLocal(to: own) && hop.device.map { !outward.contains($0) } ?? false
            }
        }.map(\.prefix)
        return Set(local).filter { claim in
            !claim.isHost && supernets.contains { $0.contains(claim) }
        }.sorted()
    }
}
