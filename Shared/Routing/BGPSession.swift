// SPDX-License-Identifier: Apache-2.0

/// RFC 4271 section 8.2.2, in the order of the way up; `down` is BIRD's word for not started at all.
package enum BGPState: UInt8, Hashable, Sendable, CaseIterable, Codable {
    case down = 0
    case idle = 1
    case connect = 2
    case active = 3
    case openSent = 4
    case openConfirm = 5
    case established = 6
    /// BIRD closes the session: neither up nor yet down.
    case close = 7
    case unknown = 255

    package var name: String {
        switch self {
        case .down: "Down"
        case .idle: "Idle"
        case .connect: "Connect"
        case .active: "Active"
        case .openSent: "OpenSent"
        case .openConfirm: "OpenConfirm"
        case .established: "Established"
        case .close: "Close"
        case .unknown: "unknown"
        }
    }
}

/// BIRD's own state of a protocol instance, the column `State` of `show protocols`.
package enum ProtocolState: UInt8, Hashable, Sendable, CaseIterable, Codable {
    case down = 0
    case start = 1
    case up = 2
    case stop = 3
    case flush = 4
    case unknown = 255
}

/// One address family of a session: BIRD's channel.
package struct BGPChannel: Hashable, Sendable, Codable {
    package enum State: UInt8, Hashable, Sendable, Codable {
        case down = 0
        case start = 1
        case up = 2
        case flushing = 3
        case unknown = 255
    }

    /// `ipv4`, `ipv6`, …
    package var name: String
    package var state: State
    package var imported: UInt32?
    package var filtered: UInt32?
    package var exported: UInt32?
    package var preferred: UInt32?
    /// `[HIT]` beside import, receive or export limit.
    package var limitHit: Bool
    /// `GR recovery`: holds routes back until the peers of a graceful restart are done.
    package var isRecovering: Bool

    package init(
        name: String,
        state: State,
        imported: UInt32? = nil,
        filtered: UInt32? = nil,
        exported: UInt32? = nil,
        preferred: UInt32? = nil,
        limitHit: Bool = false,
        isRecovering: Bool = false
    ) {
        self.name = name
        self.state = state
        self.imported = imported
        self.filtered = filtered
        self.exported = exported
        self.preferred = preferred
        self.limitHit = limitHit
        self.isRecovering = isRecovering
    }
}

/// A BGP session of the node as its BIRD sees it. The protocol's name is the uplink's name.
package struct BGPSession: Hashable, Sendable, Codable {
    package var name: String
    package var protocolState: ProtocolState
    package var state: BGPState
    package var neighbor: IPAddress?
    package var neighborAS: UInt32?
    package var localAS: UInt32?
    /// When the state was entered; nil where BIRD's time format does not tell.
    package var since: Timestamp?
    /// BIRD's `Last error`, in BIRD's words; empty if none.
    package var lastError: String
    /// The first error since the session was last established: the cause, which BIRD overwrites
    /// with those of its attempts to come back. Empty if none was seen.
    package var firstError: String
    /// The last shutdown text, ours or the peer's: outside text.
    package var message: String
    /// Stopped by `disable`, or disabled in the configuration.
    package var isDisabled: Bool
    /// `Neighbor graceful restart active`: the peer is restarting and keeps our routes meanwhile.
    package var isPeerRestarting: Bool
    /// Negotiated, in seconds; nil while not established.
    package var holdTime: UInt32?
    /// When the peer was last heard, told only once a keepalive of its is overdue: less than half
    /// of the hold time is left. BIRD calls such a session Established until it runs out.
    package var silentSince: Timestamp?
    /// BFD's word for the way to the neighbour (`Up`, `Down`, `Init`, `AdminDown`); empty without.
    package var bfdState: String
    /// Seconds for which the peer keeps our routes over our restart (RFC 4724): both sides have said that they
    /// can. Nil without.
    package var restartTime: UInt32?
    package var channels: [BGPChannel]

    package init(
        name: String,
        protocolState: ProtocolState,
        state: BGPState,
        neighbor: IPAddress? = nil,
        neighborAS: UInt32? = nil,
        localAS: UInt32? = nil,
        since: Timestamp? = nil,
        lastError: String = "",
        firstError: String = "",
        message: String = "",
        isDisabled: Bool = false,
        isPeerRestarting: Bool = false,
        holdTime: UInt32? = nil,
        silentSince: Timestamp? = nil,
        bfdState: String = "",
        restartTime: UInt32? = nil,
        channels: [BGPChannel] = []
    ) {
        self.name = name
        self.protocolState = protocolState
        self.state = state
        self.neighbor = neighbor
        self.neighborAS = neighborAS
        self.localAS = localAS
        self.since = since
        self.lastError = lastError
        self.firstError = firstError
        self.message = message
        self.isDisabled = isDisabled
        self.isPeerRestarting = isPeerRestarting
        self.holdTime = holdTime
        self.silentSince = silentSince
        self.bfdState = bfdState
        self.restartTime = restartTime
        self.channels = channels
    }

    package var isEstablished: Bool { protocolState == .up && state == .established }
}
