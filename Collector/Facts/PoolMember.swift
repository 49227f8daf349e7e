// SPDX-License-Identifier: Apache-2.0
package import Routing

/// A pool member as the BIG-IP's `members/stats` tells it: three axes, none of which is a Bool.
package struct PoolMember: Hashable, Sendable, Codable {
    /// Full path: `/K8S/cfgmap_default_web_web`.
    package var pool: String
    package var address: IPAddress?
    package var routeDomain: Int?
    package var port: Int
    /// `available`, `offline`, `unknown`, `unavailable`, or the device's own word.
    package var availability: String
    /// `enabled`, `disabled`, `disabled-by-parent`.
    package var enabled: String
    /// sessionStatus: `enabled`, `user-disabled`, `addr-disabled`.
    package var session: String
    /// monitorStatus: `up`, `down`, `checking`, `forced-down`, `unchecked` …
    package var monitor: String
    /// The device's own sentence; outside text.
    package var reason: String

    package init(
        pool: String,
        address: IPAddress?,
        routeDomain: Int?,
        port: Int,
        availability: String,
        enabled: String,
        session: String,
        monitor: String,
        reason: String
    ) {
        self.pool = pool
        self.address = address
        self.routeDomain = routeDomain
        self.port = port
        self.availability = availability
        self.enabled = enabled
        self.session = session
        self.monitor = monitor
        self.reason = reason
    }

    /// What a monitor proved: true, false, or nil where the device itself does not know
    /// (checking, unchecked, forced down by an operator, FQDN template, unknown word).
    package var isUp: Bool? {
        guard address != nil else { return nil }
        return switch monitor {
        case "up": availability == "available" ? true : nil
        case "down", "address-down", "addr-down": availability == "offline" ? false : nil
        default: nil
        }
    }
}
