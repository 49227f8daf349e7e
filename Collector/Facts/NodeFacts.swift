// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What Kubernetes, a file or the agents say a node should be.
package struct NodeIntent: Hashable, Sendable, Codable {
    package var name: String
    package var podCIDRs: [Prefix]
    /// Every address the node is known by; a switch's next hop is matched against them.
    package var addresses: [IPAddress]
    /// Cordoned and being deleted: expected absence.
    package var isLeaving: Bool
    /// What each object that speaks for the node says it owns, by the object's kind.
    package var claims: [String: [Prefix]]
    /// Nil where it is not known, as from a file.
    package var createdAt: Timestamp?
    package var isReady: Bool?

    package init(
        name: String,
        podCIDRs: [Prefix],
        addresses: [IPAddress] = [],
        isLeaving: Bool = false,
        claims: [String: [Prefix]] = [:],
        createdAt: Timestamp? = nil,
        isReady: Bool? = nil
    ) {
        self.name = name
        self.podCIDRs = podCIDRs
        self.addresses = addresses
        self.isLeaving = isLeaving
        self.claims = claims
        self.createdAt = createdAt
        self.isReady = isReady
    }
}

/// The node's kernel as its agent saw it.
package struct KernelFacts: Hashable, Sendable, Codable {
    /// False until the first dump ended and while one must be repeated: no absence is believed.
    package var isComplete: Bool
    /// In order of prefix, table and metric, as agents report them: thousands of nodes' are kept
    /// and replaced, and a few of them looked up.
    package var routes: [KernelRoute]
    package var links: [String: Link]
    /// Of the devices on the way.
    package var addresses: [LinkAddress] = []
    package var rules: [RoutingRule] = []

    package init(
        isComplete: Bool = false,
        routes: [KernelRoute] = [],
        links: [String: Link] = [:]
    ) {
        self.isComplete = isComplete
        self.routes = routes
        self.links = links
    }

    /// The routes that packets to a prefix meet whoever sends them: of the first table with any,
    /// among those that rules without a condition lead to, in their order. A route in a table only
    /// for marked packets (a proxy's, Cilium's 2005) carries no customer.
    package func routes(to prefix: Prefix) -> [KernelRoute] {
        inUse(routes[run(of: prefix)])
    }

    /// As `routes(to:)`, of every prefix.
    package var routesInUse: [KernelRoute] {
        var used: [KernelRoute] = []
        var start = 0
        while start < routes.count {
            let prefix = routes[start].prefix
            let end = routes[start...].firstIndex { $0.prefix != prefix } ?? routes.count
            used += inUse(routes[start..<end])
            start = end
        }
        return used
    }

    private func inUse(_ run: ArraySlice<KernelRoute>) -> [KernelRoute] {
        guard let first = run.first,
            let table = tables(first.prefix.family).first(where: { table in
                run.contains { $0.table == table }
            })
        else { return [] }
        return run.count == 1 ? [first] : run.filter { $0.table == table }
    }

    /// Where the routes of a prefix stand.
    private func run(of prefix: Prefix) -> Range<Int> {
        var (low, high) = (0, routes.count)
        while low < high {
            let middle = (low + high) / 2
            if routes[middle].prefix < prefix { low = middle + 1 } else { high = middle }
        }
        let end = routes[low...].firstIndex { $0.prefix != prefix } ?? routes.count
        return low..<end
    }

    /// RT_TABLE_MAIN alone while no rules are known.
    package func tables(_ family: AddressFamily) -> [UInt32] {
        guard !rules.isEmpty else { return Self.mainAlone }
        let led = rules.filter { $0.family == family && $0.isForAll && $0.action == .lookup }
            .map(\.table)
        return led.isEmpty ? Self.mainAlone : led
    }

    private static let mainAlone: [UInt32] = [254]
}

/// One BIRD daemon of the node as its agent saw it.
package struct BIRDFacts: Hashable, Sendable, Codable {
    package var condition: BIRDCondition
    package var conditionSince: Timestamp
    package var version: String
    package var routerID: IPAddress?
    /// In BIRD's words: a change means that its configuration was read again.
    package var lastReconfiguration = ""
    /// In BIRD's words: a change means a restart.
    package var lastReboot = ""
    package var isReconfiguring: Bool
    package var isRecovering: Bool
    /// A static protocol is down, by an operator: what it is configured with is not known.
    package var isStaticDown = false
    package var sessions: [String: BGPSession]
    package var statics: [BIRDStatic]
    package var routes: [Prefix: [BIRDRoute]]
    package var exports: [ExportKey: ExportAnswer]

    package init(condition: BIRDCondition = .starting, conditionSince: Timestamp = .zero) {
        self.condition = condition
        self.conditionSince = conditionSince
        version = ""
        isReconfiguring = false
        isRecovering = false
        sessions = [:]
        statics = []
        routes = [:]
        exports = [:]
    }
}

/// Everything one agent reports, and how fresh it is.
package struct NodeFacts: Hashable, Sendable {
    package enum Connection: Hashable, Sendable, Codable {
        case connected
        /// The agent said goodbye, as when its DaemonSet pod restarts.
        case left
        case lost(reason: String)
    }

    package var connection: Connection
    package var connectionSince: Timestamp
    /// Last frame of any kind.
    package var lastHeard: Timestamp
    /// Milliseconds between heartbeats.
    package var interval: Int64
    package var agentVersion: String
    /// When it came last: of no API server's word.
    package var isProvedByCertificate = false
    package var kernel: KernelFacts
    /// By control socket path.
    package var birds: [String: BIRDFacts]
    /// When the collector first saw each present export answer: a switch is only blamed for what
    /// was read after it.
    package var exportsSince: [ExportKey: Timestamp] = [:]
    package var history = NodeHistory()
    /// Milliseconds by which the node's clock is ahead of the collector's; nil where the agent does not tell.
    package var clockAhead: Int64?

    package init(connectedAt now: Timestamp, interval: Int64, agentVersion: String) {
        connection = .connected
        connectionSince = now
        lastHeard = now
        self.interval = interval
        self.agentVersion = agentVersion
        kernel = KernelFacts()
        birds = [:]
    }

    /// Every session of every daemon, by uplink name, in order.
    package var sessions: [BGPSession] {
        birds.values.flatMap(\.sessions.values).sorted { $0.name < $1.name }
    }

    package func birdRoutes(_ prefix: Prefix) -> [BIRDRoute] {
        // Nearly always there is one daemon, and its answer is not to be put together.
        if birds.count == 1, let bird = birds.first?.value { return bird.routes[prefix] ?? [] }
        return birds.values.flatMap { $0.routes[prefix] ?? [] }
    }

    package func exportAnswer(_ prefix: Prefix, over uplink: String) -> ExportAnswer? {
        let key = ExportKey(uplink: uplink, prefix: prefix)
        for bird in birds.values {
            if let answer = bird.exports[key] { return answer }
        }
        return nil
    }
}
