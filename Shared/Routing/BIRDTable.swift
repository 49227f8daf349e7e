// SPDX-License-Identifier: Apache-2.0

/// A route in BIRD's table, from `show route for/PREFIX`.
package struct BIRDRoute: Hashable, Sendable, Codable {
    package var prefix: Prefix
    package var table: String
    /// The protocol instance it came from: `static1`.
    package var protocolName: String
    package var destination: Destination
    /// Marked `*`: the best of its prefix.
    package var isBest: Bool
    package var nextHops: [NextHop]

    package init(
        prefix: Prefix,
        table: String,
        protocolName: String,
        destination: Destination,
        isBest: Bool,
        nextHops: [NextHop] = []
    ) {
        self.prefix = prefix
        self.table = table
        self.protocolName = protocolName
        self.destination = destination
        self.isBest = isBest
        self.nextHops = nextHops
    }
}

/// A configured static route of BIRD, from `show static`.
package struct BIRDStatic: Hashable, Sendable, Codable {
    package var prefix: Prefix
    package var protocolName: String
    /// Configured, but its interface is down or gone.
    package var isDormant: Bool
    /// The interface it names, if it names one: `via "cilium_host"`.
    package var device: String?

    package init(prefix: Prefix, protocolName: String, isDormant: Bool, device: String? = nil) {
        self.prefix = prefix
        self.protocolName = protocolName
        self.isDormant = isDormant
        self.device = device
    }
}

/// Whether BIRD sent a prefix over one uplink: the answer to `show route P exported 'uplink'`,
/// with `noexport` asked where the first had no row.
package enum ExportAnswer: Hashable, Sendable, Codable {
    /// A row in `exported`: sent.
    case sent
    /// A row in `export`, from a BIRD that has no `exported` (before 2.0.8): the filter accepts.
    case accepted
    /// In the table; the export filter rejects it now.
    case rejectedByFilter
    /// In the table and accepted by the filter, yet not sent: export limit, `configure soft`.
    case notSent
    /// Not in BIRD's table.
    case notInTable
    /// The session's channel is not up: nothing is exported to anyone there.
    case channelDown
    /// The question could not be answered.
    case unknown(String)
}

/// Why the control socket gave no complete picture. Each is its own reason, none is "route lost".
package enum BIRDCondition: Error, Hashable, Sendable, Codable {
    /// Greeting, `restrict` and every reply read to its end.
    case readable
    /// The directory is there, the socket file is not (ENOENT): BIRD is not running.
    case noSocket
    /// The file is gone (ENOENT), yet somebody listens on the socket that it named: it was removed
    /// under a BIRD that runs, and only a restart brings it back.
    case socketRemoved
    /// Not even the directory is there (ENOENT): not mounted, or another path.
    case noDirectory
    /// Nobody listens on the socket file (ECONNREFUSED): BIRD died.
    case refused
    /// No permission (EACCES): the agent is not in BIRD's group.
    case forbidden
    /// BIRD's backlog of connections is full (EAGAIN): it has long not accepted any.
    case backlogFull
    /// Connected, and no greeting came: BIRD is frozen or very busy.
    case noGreeting
    /// A reply did not end in time.
    case noAnswer
    /// The connection ended inside a reply.
    case closed
    /// BIRD says it is shutting down.
    case shuttingDown
    /// BIRD is reconfiguring and stopped a reply for it (8004), twice.
    case reconfiguring
    /// `restrict` was not answered 0016: nothing more was asked.
    case unrestricted
    /// A reply broke the protocol or a bound: too long, unexpected code.
    case malformed(String)
    /// Not asked yet: the agent has just started.
    case starting
}

extension BIRDCondition {
    /// For people: log, page and alert.
    package var words: String {
        switch self {
        case .readable: "readable"
        case .noSocket: "no control socket: BIRD is not running"
        case .socketRemoved:
            "the control socket's file was removed: BIRD runs, and cannot be asked until its restart"
        case .noDirectory: "no directory for the control socket: not mounted, or another path"
        case .refused: "control socket refuses: BIRD is not running"
        case .forbidden: "no permission for the control socket: the agent is not in BIRD's group"
        case .backlogFull: "BIRD does not accept connections, its backlog is full"
        case .noGreeting: "BIRD accepts the connection and does not greet"
        case .noAnswer: "BIRD does not finish its answer"
        case .closed: "BIRD closed the connection in the middle of an answer"
        case .shuttingDown: "BIRD is shutting down"
        case .reconfiguring: "BIRD is reconfiguring and stopped its answer for it"
        case .unrestricted: "BIRD does not accept `restrict`: nothing was asked"
        case .malformed(let reason): "BIRD's answer cannot be read: \(reason)"
        case .starting: "BIRD was not asked yet"
        }
    }
}

/// One question of export: was this prefix sent over this uplink?
package struct ExportKey: Hashable, Comparable, Sendable, Codable {
    package let uplink: String
    package let prefix: Prefix

    package init(uplink: String, prefix: Prefix) {
        self.uplink = uplink
        self.prefix = prefix
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.prefix, left.uplink) < (right.prefix, right.uplink)
    }
}
