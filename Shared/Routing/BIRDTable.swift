// SPDX-License-Identifier: Apache-2.0

/// A route in BIRD's table, from `show route for/PREFIX`.
package struct BIRDRoute: Hashable, Sendable {
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
package struct BIRDStatic: Hashable, Sendable {
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
package enum ExportAnswer: Hashable, Sendable {
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
package enum BIRDCondition: Error, Hashable, Sendable {
    /// Greeting, `restrict` and every reply read to its end.
    case readable
    /// No socket file (ENOENT).
    case noSocket
    /// Nobody listens on the socket file (ECONNREFUSED): BIRD died.
    case refused
    /// No permission (EACCES): the agent is not in BIRD's group.
    case forbidden
    /// connect or greeting took too long, or the backlog is full (EAGAIN): BIRD is frozen.
    case noAnswer
    /// The connection ended inside a reply.
    case closed
    /// BIRD says it is shutting down.
    case shuttingDown
    /// A reply broke the protocol or a bound: too long, unexpected code, no 0016 for `restrict`.
    case malformed(String)
    /// Not asked yet: the agent has just started.
    case starting
}

/// One question of export: was this prefix sent over this uplink?
package struct ExportKey: Hashable, Comparable, Sendable {
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
