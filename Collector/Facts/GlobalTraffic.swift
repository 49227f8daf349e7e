// SPDX-License-Identifier: Apache-2.0

/// A state as GTM has it of anything: three words of the device, and its sentence.
package struct GlobalState: Hashable, Sendable, Codable {
    package var availability: String
    package var enabled: String
    /// Outside text.
    package var reason: String

    package init(availability: String, enabled: String = "enabled", reason: String = "") {
        self.availability = availability
        self.enabled = enabled
        self.reason = reason
    }

    /// Proven to be out of use; `Checking`, unknown and what an operator disabled is not.
    package var isDown: Bool { availability == "offline" && enabled == "enabled" }
    /// Not the virtual server failed, but the way by which GTM asks its LTM.
    package var isUnheard: Bool { reason.lowercased().contains("big3d") }
}

/// A virtual server as a member of a GTM pool.
package struct GlobalMember: Hashable, Sendable, Codable {
    package var server: String
    package var name: String
    /// Full path of the virtual server of this load balancer behind it; nil: another's.
    package var virtualServer: String?
    package var state: GlobalState

    package init(server: String, name: String, virtualServer: String?, state: GlobalState) {
        self.server = server
        self.name = name
        self.virtualServer = virtualServer
        self.state = state
    }
}

/// A wide IP that leads to virtual servers of this load balancer, by whatever pools.
package struct WideIP: Hashable, Sendable, Codable {
    /// Full path: `/Common/www.example.com`.
    package var name: String
    /// `a`, `aaaa`; empty where the version knows no types.
    package var type: String
    package var state: GlobalState
    /// Of all its pools, each once.
    package var members: [GlobalMember]
    /// In which round of its unit it was asked for: the same in two tables is one answer.
    package var round = 0

    package init(name: String, type: String, state: GlobalState, members: [GlobalMember]) {
        self.name = name
        self.type = type
        self.state = state
        self.members = members
    }

    /// Without its partition.
    package var domain: String { String(name.split(separator: "/").last ?? "") }
}
