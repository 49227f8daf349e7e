// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What a verdict or incident is about. Absent parts do not apply.
package struct Subject: Sendable, Hashable, Codable {
    package var node: String?
    package var prefix: Prefix?
    package var uplink: String?
    package var switchName: String?
    package var loadBalancer: String?
    package var pool: String?
    package var virtualServer: String?

    package init(
        node: String? = nil,
        prefix: Prefix? = nil,
        uplink: String? = nil,
        switchName: String? = nil,
        loadBalancer: String? = nil,
        pool: String? = nil,
        virtualServer: String? = nil
    ) {
        self.node = node
        self.prefix = prefix
        self.uplink = uplink
        self.switchName = switchName
        self.loadBalancer = loadBalancer
        self.pool = pool
        self.virtualServer = virtualServer
    }
}

extension Verdict {
    /// The name of the sink that the verdict is about.
    package var failingSink: String? {
        guard kind == .sinkFailing else { return nil }
        return String(identity.dropFirst(Kind.sinkFailing.rawValue.count + 1))
    }
}

/// One observation that a verdict rests on.
package struct Evidence: Sendable, Hashable, Codable {
    /// `agent n3`, `switch a`, `ltm-1`.
    package var source: String
    package var fact: String
    package var value: String
    /// When it was read; nil where it has no moment of its own.
    package var at: Timestamp?

    package init(_ source: String, _ fact: String, _ value: String, at: Timestamp?) {
        self.source = source
        self.fact = fact
        self.value = value
        self.at = at
    }
}

/// What a person can type on which device to see it with his own eyes.
package struct Verification: Sendable, Hashable, Codable {
    package var on: String
    package var command: String
    /// What it shows while this is what is wrong, or what tells one cause from another; nil where that needs no word.
    package var shows: String?

    package init(on: String, _ command: String, shows: String? = nil) {
        self.on = on
        self.command = command
        self.shows = shows
    }

    func showing(_ words: String?) -> Verification {
        var verification = self
        verification.shows = words
        return verification
    }
}

/// What the fault takes down.
package struct Impact: Sendable, Hashable, Codable {
    package var prefixes: [Prefix] = []
    package var nodes: [String] = []
    package var poolMembers = 0
    package var pools: [String] = []
    package var virtualServers: [String] = []
    package var wideIPs: [String] = []
    /// Of those virtual servers, the ones with least left first.
    package var capacity: [Capacity] = []
    /// What is broken is not the only way to them: another switch or uplink carries it all.
    package var hasAnotherWay: Bool?

    package init() {}

    /// Keeps the first of each list.
    package mutating func shorten(to limit: Int) {
        prefixes = Array(prefixes.prefix(limit))
        nodes = Array(nodes.prefix(limit))
        pools = Array(pools.prefix(limit))
        virtualServers = Array(virtualServers.prefix(limit))
        wideIPs = Array(wideIPs.prefix(limit))
        capacity = Array(capacity.prefix(limit))
    }
}

/// What still answers behind a virtual server.
package struct Capacity: Sendable, Hashable, Codable {
    package var virtualServer: String
    /// Members of its pool that are up, and not behind what is broken.
    package var remaining: Int
    package var members: Int

    package init(virtualServer: String, remaining: Int, members: Int) {
        self.virtualServer = virtualServer
        self.remaining = remaining
        self.members = members
    }
}

/// One broken stage with its reasons, recomputed each time: it has no memory.
package struct Verdict: Sendable, Hashable, Codable {
    package var kind: Kind
    package var severity: Severity
    /// The same as long as the cause is the same, whatever its scope: what an incident is keyed by.
    package var identity: String
    package var subject: Subject
    package var summary: String
    /// When it really began, where a source tells.
    package var since: Timestamp?
    package var evidence: [Evidence]
    package var impact: Impact
    package var verify: [Verification]
    /// The device's own figure in place of the catalogue's, milliseconds.
    package var hold: Int64?
    /// Identities of narrower verdicts that this one speaks for.
    package var absorbs: [String]

    package init(
        kind: Kind,
        severity: Severity,
        identity: String,
        subject: Subject,
        summary: String,
        since: Timestamp?,
        evidence: [Evidence],
        impact: Impact,
        verify: [Verification],
        hold: Int64?,
        absorbs: [String]
    ) {
        self.kind = kind
        self.severity = severity
        self.identity = identity
        self.subject = subject
        self.summary = summary
        self.since = since
        self.evidence = evidence
        self.impact = impact
        self.verify = verify
        self.hold = hold
        self.absorbs = absorbs
    }
}

/// A kind that cannot be judged now; of one load balancer, or of all.
package struct Unjudged: Sendable, Hashable {
    package var kind: Kind
    package var loadBalancer: String?

    package init(_ kind: Kind, loadBalancer: String? = nil) {
        self.kind = kind
        self.loadBalancer = loadBalancer
    }
}

/// Everything judgement says of one snapshot.
package struct Judgement: Sendable, Hashable {
    package var paths: PathList
    /// Worst first.
    package var verdicts: [Verdict]
    /// Of what nothing can be said now: that there is no such verdict does not mean that all is well.
    package var unjudged: Set<Unjudged> = []
    /// Pools worth another look before their turn, by load balancer: what decides of them has moved.
    package var inDoubt: [String: Set<String>] = [:]
    /// Which nodes there are has been read: without that there are no paths, and no absence means anything.
    package var isIntentKnown: Bool
    /// What of our own sight is proved to be well: what would be said of it, were it not.
    package var wellRead: Set<String>
    /// When the same facts will be judged differently by age alone.
    package var nextChange: Timestamp?

    package init(
        paths: PathList,
        verdicts: [Verdict],
        unjudged: Set<Unjudged> = [],
        inDoubt: [String: Set<String>] = [:],
        isIntentKnown: Bool = true,
        wellRead: Set<String> = [],
        nextChange: Timestamp?
    ) {
        self.isIntentKnown = isIntentKnown
        self.wellRead = wellRead
        self.inDoubt = inDoubt
        self.unjudged = unjudged
        self.paths = paths
        self.verdicts = verdicts
        self.nextChange = nextChange
    }
}
