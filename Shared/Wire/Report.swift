// SPDX-License-Identifier: Apache-2.0
package import Routing

/// How well the agent sees the node's kernel.
package struct KernelStatus: Hashable, Sendable {
    /// The kernel's tables were read completely: absence is believed only then.
    package var isComplete: Bool
    /// The kernel tells when a BGP session's TCP connection ends; some want CAP_NET_ADMIN for it.
    package var watchesConnections: Bool

    package init(isComplete: Bool, watchesConnections: Bool = false) {
        self.isComplete = isComplete
        self.watchesConnections = watchesConnections
    }
}

/// A BIRD daemon as a whole.
package struct BIRDStatus: Hashable, Sendable {
    package var condition: BIRDCondition
    /// When the condition began.
    package var since: Timestamp
    package var version: String
    package var routerID: IPAddress?
    /// In BIRD's words: a change means a restart.
    package var lastReboot: String
    /// In BIRD's words: a change means that its configuration was read again.
    package var lastReconfiguration: String
    package var isReconfiguring: Bool
    package var isRecovering: Bool
    /// A static protocol is down: what it holds is not known.
    package var isStaticDown: Bool

    package init(
        condition: BIRDCondition,
        since: Timestamp,
        version: String = "",
        routerID: IPAddress? = nil,
        lastReboot: String = "",
        lastReconfiguration: String = "",
        isReconfiguring: Bool = false,
        isRecovering: Bool = false,
        isStaticDown: Bool = false
    ) {
        self.condition = condition
        self.since = since
        self.version = version
        self.routerID = routerID
        self.lastReboot = lastReboot
        self.lastReconfiguration = lastReconfiguration
        self.isReconfiguring = isReconfiguring
        self.isRecovering = isRecovering
        self.isStaticDown = isStaticDown
    }
}

/// What one BIRD daemon said; `daemon` is the path of the control socket it was read from.
package struct OfDaemon<Value: Hashable & Sendable>: Hashable, Sendable {
    package var daemon: String
    package var value: Value

    package init(_ daemon: String, _ value: Value) {
        self.daemon = daemon
        self.value = value
    }
}

/// Whether a prefix was sent over one uplink.
package struct Export: Hashable, Sendable {
    package var key: ExportKey
    package var answer: ExportAnswer

    package init(_ key: ExportKey, _ answer: ExportAnswer) {
        self.key = key
        self.answer = answer
    }
}

/// Facts of one node: all of them, those that changed, or, with nothing in them but their keys,
/// those that are gone. Each list is in the order of its keys, and no key stands twice.
package struct Report: Hashable, Sendable {
    /// One or none.
    package var kernel: [KernelStatus] = []
    package var links: [Link] = []
    package var routes: [KernelRoute] = []
    package var birds: [OfDaemon<BIRDStatus>] = []
    package var sessions: [OfDaemon<BGPSession>] = []
    package var statics: [OfDaemon<BIRDStatic>] = []
    package var birdRoutes: [OfDaemon<BIRDRoute>] = []
    package var exports: [OfDaemon<Export>] = []
    package var addresses: [LinkAddress] = []
    package var rules: [RoutingRule] = []

    package init() {}

    /// How many facts there are.
    package var count: Int {
        kernel.count + links.count + routes.count + birds.count + sessions.count + statics.count
            + birdRoutes.count + exports.count + addresses.count + rules.count
    }

    package var isEmpty: Bool { count == 0 }

    /// Every list as the format wants it, whatever order the facts were found in.
    package mutating func sort() {
        kernel.sortByKey()
        links.sortByKey()
        routes.sortByKey()
        birds.sortByKey()
        sessions.sortByKey()
        statics.sortByKey()
        birdRoutes.sortByKey()
        exports.sortByKey()
        addresses.sortByKey()
        rules.sortByKey()
    }

    /// Replaces and adds what `updated` holds, after taking out what `removed` names.
    package mutating func apply(updated: Report, removed: Report) {
        kernel.apply(updated.kernel, removed.kernel)
        links.apply(updated.links, removed.links)
        routes.apply(updated.routes, removed.routes)
        birds.apply(updated.birds, removed.birds)
        sessions.apply(updated.sessions, removed.sessions)
        statics.apply(updated.statics, removed.statics)
        birdRoutes.apply(updated.birdRoutes, removed.birdRoutes)
        exports.apply(updated.exports, removed.exports)
        addresses.apply(updated.addresses, removed.addresses)
        rules.apply(updated.rules, removed.rules)
    }
}
