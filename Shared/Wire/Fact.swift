// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A BIRD daemon as a whole.
package struct BIRDStatus: Hashable, Sendable {
    package var condition: BIRDCondition
    /// When the condition began.
    package var since: Timestamp
    package var version: String
    package var routerID: IPAddress?
    /// In BIRD's words: a change means a restart.
    package var lastReboot: String
    package var isReconfiguring: Bool
    package var isRecovering: Bool

    package init(
        condition: BIRDCondition,
        since: Timestamp,
        version: String = "",
        routerID: IPAddress? = nil,
        lastReboot: String = "",
        isReconfiguring: Bool = false,
        isRecovering: Bool = false
    ) {
        self.condition = condition
        self.since = since
        self.version = version
        self.routerID = routerID
        self.lastReboot = lastReboot
        self.isReconfiguring = isReconfiguring
        self.isRecovering = isRecovering
    }
}

/// One thing a node knows. `daemon` is the path of the control socket it was read from.
package enum Fact: Hashable, Sendable {
    /// Whether the kernel's tables were read completely: absence is believed only then.
    case kernel(isComplete: Bool)
    case link(Link)
    case kernelRoute(KernelRoute)
    case bird(daemon: String, BIRDStatus)
    case session(daemon: String, BGPSession)
    case birdStatic(daemon: String, BIRDStatic)
    case birdRoute(daemon: String, BIRDRoute)
    case export(daemon: String, ExportKey, ExportAnswer)

    package var key: FactKey {
        switch self {
        case .kernel: .kernel
        case .link(let link): .link(name: link.name)
        case .kernelRoute(let route):
            .kernelRoute(prefix: route.prefix, table: route.table, metric: route.metric)
        case .bird(let daemon, _): .bird(daemon: daemon)
        case .session(let daemon, let session): .session(daemon: daemon, name: session.name)
        case .birdStatic(let daemon, let route):
            .birdStatic(daemon: daemon, name: route.protocolName, prefix: route.prefix)
        case .birdRoute(let daemon, let route):
            .birdRoute(
                daemon: daemon,
                table: route.table,
                name: route.protocolName,
                prefix: route.prefix
            )
        case .export(let daemon, let key, _): .export(daemon: daemon, key)
        }
    }
}

/// What a fact is about: a newer fact with the same key replaces the older.
package enum FactKey: Hashable, Sendable {
    case kernel
    case link(name: String)
    case kernelRoute(prefix: Prefix, table: UInt32, metric: UInt32)
    case bird(daemon: String)
    case session(daemon: String, name: String)
    case birdStatic(daemon: String, name: String, prefix: Prefix)
    case birdRoute(daemon: String, table: String, name: String, prefix: Prefix)
    case export(daemon: String, ExportKey)

    /// The number of the fact type on the wire (FORMAT.md, Facts). Never reused.
    package var type: UInt8 {
        switch self {
        case .kernel: 1
        case .link: 2
        case .kernelRoute: 3
        case .bird: 4
        case .session: 5
        case .birdStatic: 6
        case .birdRoute: 7
        case .export: 8
        }
    }
}
