// SPDX-License-Identifier: Apache-2.0

package enum Severity: String, Sendable, Hashable, Comparable, CaseIterable, Codable {
    case critical
    case warning
    case info

    /// Critical is the greatest.
    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .critical: 2
        case .warning: 1
        case .info: 0
        }
    }
}

/// What podpath can name. The strings are public and never change their meaning.
package enum Kind: String, Sendable, Hashable, CaseIterable, Comparable, Codable {
    case noPodCIDR = "no-pod-cidr"
    case ownerDuplicate = "owner-duplicate"
    case ownerDisagreement = "owner-disagreement"
    case kernelRouteMissing = "kernel-route-missing"
    case kernelDeviceDown = "kernel-device-down"
    case kernelDeviceRecreated = "kernel-device-recreated"
    case kernelRoutesSwept = "kernel-routes-swept"
    case kernelBlackhole = "kernel-blackhole"
    case birdUnreachable = "bird-unreachable"
    case birdRouteMissing = "bird-route-missing"
    case birdConfigDrift = "bird-config-drift"
    case birdRouteUnreachable = "bird-route-unreachable"
    case birdTwoSpeakers = "bird-two-speakers"
    case notExported = "not-exported"
    case hostRoutesExported = "host-routes-exported"
    case sessionDown = "session-down"
    case sessionFlapping = "session-flapping"
    case sessionDisabled = "session-disabled"
    case restartStuck = "restart-stuck"
    case switchNeighborMissing = "switch-neighbor-missing"
    case switchPrefixLimit = "switch-prefix-limit"
    case switchRouteMissing = "switch-route-missing"
    case switchWrongNextHop = "switch-wrong-next-hop"
    case switchPartialPaths = "switch-partial-paths"
    case switchRouteStale = "switch-route-stale"
    case switchRouteFlapping = "switch-route-flapping"
    case switchRestartNotHonoured = "switch-restart-not-honoured"
    case ltmRouteMissing = "ltm-route-missing"
    case ltmMemberMissing = "ltm-member-missing"
    case ltmMemberStale = "ltm-member-stale"
    case ltmPoolEmptied = "ltm-pool-emptied"
    case ltmPoolsFrozen = "ltm-pools-frozen"
    case ltmCIDRDown = "ltm-cidr-down"
    case ltmMembersDown = "ltm-members-down"
    case ltmRoutesRemoved = "ltm-routes-removed"
    case ltmUnitDiffers = "ltm-unit-differs"
    case virtualServerDown = "virtual-server-down"
    case gtmDegraded = "gtm-degraded"
    case readyButUnreachable = "ready-but-unreachable"
    case masqueradeOutside = "masquerade-outside"
    case rpFilterStrict = "rp-filter-strict"
    case mtuDiffers = "mtu-differs"
    case clockSkew = "clock-skew"
    case cisMisconfigured = "cis-misconfigured"
    case agentSilent = "agent-silent"
    case sourceUnreadable = "source-unreadable"
    case sinkFailing = "sink-failing"

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
