// SPDX-License-Identifier: Apache-2.0

/// One row of the catalogue: what FAULTS.md fixes about a kind.
package struct CatalogueEntry: Sendable, Hashable {
    package let kind: Kind
    /// Nil for what has no place on the way: the watcher's own kinds.
    package let stage: PathStage?
    package let severity: Severity
    /// Milliseconds a verdict must stand before it is told.
    package let hold: Int64
    /// Why that long.
    package let holdReason: String
    /// What names it, in a few words.
    package let evidence: String
}

extension Kind {
    package var entry: CatalogueEntry {
        switch self {
        case .noPodCIDR:
            row(
                .intent,
                .warning,
                300_000,
                "a new node gets its CIDR within minutes",
                "a node owns no pod CIDR"
            )
        case .ownerDisagreement:
            row(
                .intent,
                .warning,
                60_000,
                "the objects of a new node are written one after the other",
                "Node and CNI name different pod CIDRs for a node"
            )
        case .ownerDuplicate:
            row(
                .intent,
                .critical,
                10_000,
                "a CIDR may move between nodes in one rollout",
                "two nodes own or announce equal or overlapping CIDRs"
            )
        case .kernelRouteMissing:
            row(
                .kernel,
                .critical,
                3_000,
                "a CNI restart replaces the route within a second",
                "the node owns the CIDR, its routing table lacks it"
            )
        case .kernelDeviceDown:
            row(
                .kernel,
                .critical,
                3_000,
                "a CNI restart recreates its device within a second",
                "the route's device is down or gone"
            )
        case .kernelDeviceRecreated:
            row(
                .kernel,
                .critical,
                3_000,
                "a CNI that recreates its device puts its route back within a second",
                "the device was made anew under its name, and the route is not back"
            )
        case .kernelRoutesSwept:
            row(
                .kernel,
                .warning,
                3_000,
                "a CNI restart puts its routes back within a second",
                "many routes left the kernel in one burst, and BIRD and the CNI still want them"
            )
        case .kernelBlackhole:
            row(
                .kernel,
                .warning,
                10_000,
                "a CNI moves an address in two steps",
                "a route drops what the node sends to a CIDR or pod in use"
            )
        case .birdUnreachable:
            row(
                .bird,
                .critical,
                10_000,
                "a BIRD restart takes a few seconds",
                "the control socket refuses, or accepts and does not answer"
            )
        case .birdRouteMissing:
            row(
                .bird,
                .critical,
                10_000,
                "a configuration reload is not a fault",
                "the kernel has the CIDR, BIRD does not"
            )
        case .birdConfigDrift:
            row(
                .bird,
                .critical,
                10_000,
                "a configuration reload is not a fault",
                "BIRD holds a CIDR that the node does not own, and lacks the one it owns"
            )
        case .birdRouteUnreachable:
            row(
                .bird,
                .critical,
                3_000,
                "an interface flap settles within a second",
                "the route is known to BIRD but unreachable, or not primary"
            )
        case .birdTwoSpeakers:
            row(
                .bird,
                .warning,
                10_000,
                "a restart may overlap with its successor",
                "two BIRDs, or another program on port 179"
            )
        case .notExported:
            row(
                .export,
                .critical,
                10_000,
                "a configuration reload is not a fault",
                "session up, CIDR in BIRD, not in what BIRD exports to the uplink"
            )
        case .hostRoutesExported:
            row(
                .export,
                .warning,
                30_000,
                "a CNI announces a block after its first addresses",
                "host routes inside an owned CIDR are exported beside it, or in its place"
            )
        case .sessionDown:
            row(
                .session,
                .warning,
                20_000,
                "a BIRD or switch restart is back in that time",
                "the session is not Established; critical when no other uplink carries the CIDR"
            )
        case .sessionFlapping:
            row(
                .session,
                .warning,
                0,
                "three times in ten minutes have passed already",
                "three transitions in ten minutes"
            )
        case .sessionDisabled:
            row(.session, .info, 0, "somebody did it on purpose", "disabled by an operator")
        case .restartStuck:
            row(
                .session,
                .warning,
                0,
                "the restart time has passed already",
                "session up, BIRD still in recovery past the restart time"
            )
        case .switchNeighborMissing:
            row(
                .switchRIB,
                .critical,
                60_000,
                "a switch's configuration may be written anew line by line",
                "the switch has no neighbor entry for this node, BIRD gets no answer"
            )
        case .switchPrefixLimit:
            row(
                .switchRIB,
                .critical,
                0,
                "the switch has said so",
                "the switch shut the neighbor: it sent more prefixes than maximum-prefix allows"
            )
        case .switchRouteMissing:
            row(
                .switchRIB,
                .critical,
                0,
                "two reads after the export have passed already",
                "exported on a session that is up, absent from the switch's RIB in two reads"
            )
        case .switchWrongNextHop:
            row(
                .switchRIB,
                .critical,
                0,
                "two reads after the export have passed already",
                "the switch has the CIDR, its next hop is not this node"
            )
        case .switchPartialPaths:
            row(
                .switchRIB,
                .warning,
                0,
                "two reads after the export have passed already",
                "the switch uses fewer next hops than uplinks carry the CIDR to it"
            )
        case .switchRouteFlapping:
            row(
                .switchRIB,
                .warning,
                0,
                "three times in ten minutes have passed already",
                "withdrawn and re-announced three times in ten minutes over a session that held"
            )
        case .switchRouteStale:
            row(
                .switchRIB,
                .warning,
                300_000,
                "a removed node's route may outlive it by a restart time",
                "the switch has a CIDR inside the pod supernets that no node owns"
            )
        case .switchRestartNotHonoured:
            row(
                .switchRIB,
                .warning,
                0,
                "the route has gone and come already",
                "graceful restart negotiated, the switch dropped the CIDR all the same"
            )
        case .ltmRouteMissing:
            row(
                .ltmRoute,
                .critical,
                0,
                "two reads have passed already",
                "no usable route on the active unit covers the CIDR"
            )
        case .ltmMemberMissing:
            row(
                .member,
                .warning,
                120_000,
                "the controller works in rounds of 30 s, and AS3 takes its time",
                "a ready endpoint of an exposed Service is not a pool member"
            )
        case .ltmMemberStale:
            row(
                .member,
                .warning,
                120_000,
                "the controller works in rounds of 30 s, and AS3 takes its time",
                "a pool member's address belongs to no live endpoint"
            )
        case .ltmPoolEmptied:
            row(
                .member,
                .critical,
                0,
                "nothing is left to serve",
                "a pool has no members while Kubernetes has ready endpoints for it"
            )
        case .ltmPoolsFrozen:
            row(
                .member,
                .critical,
                300_000,
                "a controller that restarts catches up in minutes",
                "most pools drift from Kubernetes at once: the controller is not applying"
            )
        case .ltmCIDRDown:
            row(
                .member,
                .critical,
                16_000,
                "monitor time-out and one read; taken from the device",
                "every monitored member in one CIDR is down, others are up, earlier stages hold"
            )
        case .ltmMembersDown:
            row(
                .member,
                .info,
                16_000,
                "monitor time-out and one read; taken from the device",
                "members down, scattered over CIDRs: the application's business"
            )
        case .ltmRoutesRemoved:
            row(
                .ltmRoute,
                .warning,
                0,
                "they were there in one read and not in the next",
                "several routes to pod CIDRs vanished between two reads, others still cover them"
            )
        case .ltmUnitDiffers:
            row(
                .member,
                .warning,
                0,
                "two reads of both units have passed already",
                "a standby unit lacks routes or members that the active one has, or cannot reach them"
            )
        case .virtualServerDown:
            row(
                .virtualServer,
                .critical,
                0,
                "two reads have passed already",
                "a virtual server is offline and no earlier root explains it"
            )
        case .gtmDegraded:
            row(
                .gtm,
                .warning,
                0,
                "two reads have passed already",
                "a wide IP or a member of its pools is down in GTM, and no earlier root explains it"
            )
        case .readyButUnreachable:
            row(
                nil,
                .warning,
                60_000,
                "Kubernetes takes most of a minute to notice that a node is back",
                "a node is Ready and no switch has its CIDR, or it is not Ready and attracts traffic"
            )
        case .masqueradeOutside:
            row(
                nil,
                .info,
                0,
                "a setting stands until somebody changes it",
                "pods reach the LTM's own network only with their node's address"
            )
        case .rpFilterStrict:
            row(
                nil,
                .info,
                0,
                "a setting stands until somebody changes it",
                "strict rp_filter on an uplink whose answers leave by another device"
            )
        case .mtuDiffers:
            row(
                nil,
                .info,
                60_000,
                "an MTU is changed node by node",
                "a node's uplink or pod device has another MTU than most nodes'"
            )
        case .clockSkew:
            row(
                nil,
                .info,
                60_000,
                "a clock that was just set is right with the next heartbeat",
                "the clocks of node and collector differ by more than 5 s"
            )
        case .cisMisconfigured:
            row(
                nil,
                .info,
                0,
                "a setting stands until somebody changes it",
                "the F5 controller runs more than once, not with pods as members, or insecure"
            )
        case .agentSilent:
            row(
                nil,
                .warning,
                0,
                "three intervals have passed already",
                "no report for three intervals; the node's stages are unknown"
            )
        case .sourceUnreadable:
            row(
                nil,
                .warning,
                0,
                "two reads have failed already",
                "a switch, an LTM unit or the node list cannot be read"
            )
        case .sinkFailing:
            row(
                nil,
                .warning,
                60_000,
                "a chat's server restarts within a minute",
                "a sink does not take what it is sent; told through the others"
            )
        }
    }

    private func row(
        _ stage: PathStage?,
        _ severity: Severity,
        _ hold: Int64,
        _ why: String,
        _ evidence: String
    ) -> CatalogueEntry {
        CatalogueEntry(
            kind: self,
            stage: stage,
            severity: severity,
            hold: hold,
            holdReason: why,
            evidence: evidence
        )
    }
}
