// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// One sentence: whose CIDR is lost, or what else is wrong, and what was seen there; the stage is told beside it.
func summary(of group: CauseGroup, in world: World) -> String {
    let what = group.findings[0].what
    switch group.kind {
    case .sessionDown: return sessionSummary(group)
    case .sessionDisabled:
        return
            "\(owner(group)): \(group.uplinks.joined(separator: " and "))"
            + " \(group.uplinks.count == 1 ? "is" : "are") disabled, by an operator or in bird.conf"
    case .notExported:
        let uplinks = group.uplinks.joined(separator: " and ")
        let verb = group.prefixes.count == 1 ? "is" : "are"
        return "\(subject(group)) \(verb) not exported over \(uplinks): \(what)"
    case .switchNeighborMissing, .switchPrefixLimit: return neighborSummary(group, in: world)
    case .switchRouteMissing, .switchWrongNextHop, .switchPartialPaths, .switchRouteFlapping:
        return switchSummary(group, in: world)
    case .switchRouteStale:
        let switches = group.switches.map { "switch \($0)" }.joined(separator: " and ")
        return "\(subject(group)) is on \(switches) \(what), yet no node owns it"
    case .ownerDuplicate: return "\(text(group.prefixes)) is claimed twice: \(what)"
    case .ltmRouteMissing:
        return "\(loadBalancer(group)) has no usable route to \(text(group.prefixes)): \(what)"
    case .ltmCIDRDown:
        let verb = group.prefixes.count == 1 ? "does" : "do"
        return "\(subject(group)) \(verb) not answer \(loadBalancer(group))'s monitors: \(what),"
            + " others are up, and \(whatHolds(group))"
    case .noPodCIDR: return "\(owner(group)) \(has(group)) no pod CIDR: \(what)"
    case .ownerDisagreement: return "the pod CIDRs of \(owner(group)) are not agreed on: \(what)"
    case .ltmPoolEmptied where group.findings[0].isOfWhole:
        return "\(loadBalancer(group)): \(group.findings.count) pools have no members at once,"
            + " Kubernetes has ready pods for each; \(group.findings[0].pool ?? ""): \(what)"
    case .ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied:
        return "pool \(group.subject.pool ?? "") of \(loadBalancer(group)): \(what)"
    case .ltmPoolsFrozen:
        return
            "\(loadBalancer(group)): \(group.findings.count) pools differ from Kubernetes at the same time,"
            + " the controller does not write them; \(group.findings[0].pool ?? ""): \(what)"
    case .ltmMembersDown:
        return scatteredSummary(group, in: world)
    case .ltmRoutesRemoved, .ltmUnitDiffers, .masqueradeOutside:
        return "\(loadBalancer(group)): \(what)"
    case .virtualServerDown where group.findings[0].isOfWhole:
        return
            "\(loadBalancer(group)): \(group.findings.count) virtual servers are offline at once; \(what)"
    case .virtualServerDown:
        return "\(loadBalancer(group)): virtual server \(what)"
    case .gtmDegraded:
        let more = group.findings.count - 1
        let rest = more == 0 ? "" : "; \(more) more wide IP\(more == 1 ? "" : "s") alike"
        return "\(loadBalancer(group)): \(what)\(rest)"
    case .rpFilterStrict where group.isFleet, .readyButUnreachable where group.isFleet:
        let first = group.findings[0].node.map { "\($0): " } ?? ""
        return "\(group.nodes.count) nodes alike, \(first)\(what)"
    case .readyButUnreachable, .kernelBlackhole, .rpFilterStrict, .mtuDiffers:
        return "\(owner(group)): \(what)"
    case .clockSkew where group.isFleet:
        let first = group.findings[0].node.map { "\($0): " } ?? ""
        return
            "the clocks of \(group.nodes.count) nodes differ from the collector's, so the collector's may be"
            + " the one that is wrong; \(first)\(what)"
    case .clockSkew: return "\(owner(group)): \(what)"
    case .birdTwoSpeakers: return "\(owner(group)): \(what)"
    case .hostRoutesExported:
        let switches = group.switches.map { "switch \($0)" }.joined(separator: " and ")
        let verb = group.switches.count == 1 ? "has" : "have"
        let how = what.hasSuffix("in its place") ? "host routes instead of" : "more than"
        return "\(owner(group)) exports \(how) \(text(group.prefixes)): \(switches) \(verb) \(what)"
    case .sessionFlapping where group.isWholeSwitch:
        return
            "switch \(group.switches.first ?? ""): its sessions with \(names(group.nodes)) flap, \(what)"
    case .sessionFlapping:
        let isOne = group.uplinks.count == 1
        let peer = group.switches.count == 1 ? " with switch \(group.switches[0])" : ""
        let sessions = group.uplinks.joined(separator: " and ")
        return "\(owner(group)): BGP session\(isOne ? "" : "s") \(sessions)\(peer)"
            + " flap\(isOne ? "s" : ""), \(what)"
    case .switchRestartNotHonoured:
        let switches = group.switches.map { "switch \($0)" }.joined(separator: " and ")
        return
            "\(switches) dropped \(subject(group)) while the node's BIRD restarted gracefully: \(what)"
    case .restartStuck:
        let uplinks = group.uplinks.joined(separator: " and ")
        let verb = group.nodes.count == 1 ? "exports" : "export"
        return "\(owner(group)) \(verb) nothing over \(uplinks): \(what)"
    case .cisMisconfigured: return "the F5 controller \(what)"
    case .agentSilent: return agentSummary(group)
    case .sourceUnreadable: return sourceSummary(group, in: world)
    case .sinkFailing:
        return "sink \(group.findings[0].source ?? "") does not take what it is sent: \(what)"
    case .birdUnreachable:
        let verb = group.prefixes.count == 1 ? "is" : "are"
        return
            "\(owner(group)): \(what); whether \(text(group.prefixes)) \(verb) announced is not known"
    case .kernelRoutesSwept where group.findings.allSatisfy(\.isPart):
        return "\(subject(group)): \(what)"
    case .kernelRouteMissing, .kernelDeviceDown, .kernelDeviceRecreated, .kernelRoutesSwept,
        .birdRouteMissing, .birdConfigDrift, .birdRouteUnreachable:
        return "\(subject(group)) \(isLost(group)): \(what)"
    }
}

/// `an unreachable`, `a blackhole`.
func withArticle(_ word: String) -> String {
    (word.first.map { "aeiou".contains($0) } == true ? "an " : "a ") + word
}

/// As tmsh writes a pool member's: a point before the port where the address is full of colons.
func socketText(_ address: IPAddress?, _ port: some BinaryInteger) -> String {
    guard let address else { return ":\(port)" }
    return address.family == .ipv6 ? "\(address).\(port)" : "\(address):\(port)"
}

private func subject(_ group: CauseGroup) -> String {
    let nodes = group.nodes
    guard group.prefixes.count > 1 else {
        return text(group.prefixes) + (nodes.isEmpty ? "" : " of \(names(nodes))")
    }
    // What is said is said of the first, by the order of findings; the others are alike.
    let first = group.findings.first { $0.prefix != nil }
    let node = first?.node.map { " of \($0)" } ?? ""
    let more = group.prefixes.count - 1
    return
        "\(first?.prefix?.description ?? "")\(node) and \(more) more pod CIDR\(more == 1 ? "" : "s")"
}

private func owner(_ group: CauseGroup) -> String { names(group.nodes) }

private func isLost(_ group: CauseGroup) -> String {
    group.prefixes.count == 1 ? "is lost" : "are lost"
}

/// By the evidence: a site need not have its switches read.
private func whatHolds(_ group: CauseGroup) -> String {
    let sources = group.findings.flatMap(\.evidence).map(\.source)
    let switches = Set(sources.filter { $0.hasPrefix("switch ") }).sorted()
    guard !switches.isEmpty else { return "the route on the node is there; no switch is read" }
    let names =
        switches.count <= 3 ? switches.joined(separator: " and ") : "\(switches.count) switches"
    return "the routes on the node and on \(names) are there"
}

private func has(_ group: CauseGroup) -> String { group.nodes.count == 1 ? "has" : "have" }

private func text(_ prefixes: [Prefix]) -> String {
    prefixes.count == 1 ? prefixes[0].description : "\(prefixes.count) pod CIDRs"
}

private func names(_ names: [String]) -> String {
    names.count <= 3 ? names.joined(separator: ", ") : "\(names.count) nodes"
}

private func loadBalancer(_ group: CauseGroup) -> String {
    group.subject.loadBalancer ?? "the load balancer"
}

/// No CIDR as a whole: how many members of how many, where.
private func scatteredSummary(_ group: CauseGroup, in world: World) -> String {
    let name = group.subject.loadBalancer ?? ""
    let members = group.prefixes.flatMap { world.members(of: name, in: $0) }
    let down = members.filter { $0.isUp == false }
    let pools = Set(down.map(\.pool)).sorted()
    let place = pools.count == 1 ? "pool \(pools[0])" : "\(pools.count) pools"
    let verb = down.count == 1 ? "member of \(place) is" : "members of \(place) are"
    let up = members.count { $0.isUp == true }
    let rest = up == 0 ? "" : ", \(up) \(up == 1 ? "other there is" : "others there are") up"
    return "\(loadBalancer(group)): \(down.count) \(verb) down in \(subject(group))\(rest)"
        + (world.isEveryMemberDown(of: name) ? noneUp(name) : ": look at the application")
}

private func source(_ group: CauseGroup) -> String {
    if group.findings.allSatisfy(\.isPart) { return "a part of \(wholeSource(group))" }
    return wholeSource(group)
}

private func wholeSource(_ group: CauseGroup) -> String {
    if let name = group.subject.switchName { return "switch \(name)" }
    if group.findings[0].source == "kubernetes" { return "the API server" }
    return group.subject.loadBalancer ?? "the node list"
}

private func sessionSummary(_ group: CauseGroup) -> String {
    let what = group.findings[0].what
    if group.isWholeSwitch {
        let name = group.switches.first ?? ""
        return "switch \(name) has lost its sessions with \(names(group.nodes)): \(what)"
    }
    let links = Dictionary(grouping: group.findings, by: { $0.uplink ?? "" })
        .sorted { $0.key < $1.key }
        .map { uplink, findings in
            let peer = findings[0].switchName.map { " to switch \($0)" } ?? ""
            return "\(uplink)\(peer): \(findings[0].what)"
        }
    let isCritical = group.findings.contains { $0.severity == .critical }
    let rest = isCritical ? "; no uplink is left" : "; another uplink's session is up"
    if !group.switches.isEmpty, group.findings.allSatisfy({ $0.shutWords != nil }) {
        let doers = group.switches.map { "switch \($0)" }.joined(separator: " and ")
        let verb = group.switches.count == 1 ? "has shut its session" : "have shut their sessions"
        let errors = Set(group.findings.map { "\($0.uplink ?? ""): \($0.shutWords ?? "")" })
            .sorted()
        return "\(doers) \(verb) with \(owner(group)) (\(errors.joined(separator: ", ")))\(rest)"
    }
    return "\(owner(group)) has lost \(links.joined(separator: ", "))\(rest)"
}

/// Of several ways to one switch each is told.
private func sourceSummary(_ group: CauseGroup, in world: World) -> String {
    let whats = Set(group.findings.map(\.what)).sorted()
    // All units were read; what they say of themselves is the trouble.
    if group.findings[0].source == "role" {
        let roles = group.findings[0].evidence.map(\.value).joined(separator: ", ")
        return "\(loadBalancer(group)): \(whats.joined(separator: "; ")), \(roles)"
    }
    let joint = whats.allSatisfy { $0.hasPrefix("by ") } ? " " : ": "
    let rest = group.findings.allSatisfy(\.isPart) ? "" : whatIsSeen(group, in: world)
    return "\(source(group)) cannot be read\(joint)\(whats.joined(separator: "; "))\(rest)"
}

/// Of the device all the same.
private func whatIsSeen(_ group: CauseGroup, in world: World) -> String {
    if let name = group.subject.switchName {
        return world.sight(ofSwitch: name).map { "; it is still read by \($0.way.words)" }
            ?? onlyUnseen
    }
    guard let name = group.subject.loadBalancer else { return "" }
    guard let facts = world.snapshot.loadBalancers[name],
        let active = facts.activeUnitName(at: world.now)
    else { return onlyUnseen }
    return "; its active unit \(facts.place(of: active)) is read"
}

private let onlyUnseen = "; traffic through it may be fine, podpath just cannot see it"

private func neighborSummary(_ group: CauseGroup, in world: World) -> String {
    let switches = group.switches.joined(separator: ", ")
    let what = group.findings[0].what
    let rest = hasAnotherWay(group, in: world) ? "; another uplink's session is up" : ""
    return group.kind == .switchPrefixLimit
        ? "switch \(switches) has shut its session with \(owner(group)): \(what)\(rest)"
        : "switch \(switches) has no BGP neighbor for \(owner(group)): \(what)\(rest)"
}

private func switchSummary(_ group: CauseGroup, in world: World) -> String {
    let whats = Set(group.findings.map(\.what)).sorted()
    if group.isWholeSwitch {
        let rest = whats.count == 1 ? "" : ", and others otherwise"
        let first = group.findings[0]
        return "\(text(group.prefixes)): \(first.what)\(rest)"
    }
    let isWarning = [.switchPartialPaths, .switchRouteFlapping].contains(group.kind)
    let having = isWarning ? [] : switchesHaving(group, in: world)
    let verb = having.count == 1 ? "has" : "have"
    let rest = having.isEmpty ? "" : "; \(having.joined(separator: " and ")) \(verb) it"
    let extent = isWarning ? "is impaired" : lost(group, isElsewhere: !having.isEmpty, in: world)
    return "\(subject(group)) \(extent): \(whats.joined(separator: "; "))\(rest)"
}

/// Who is not seen may have it.
private func lost(_ group: CauseGroup, isElsewhere: Bool, in world: World) -> String {
    guard !isElsewhere else { return "is lost in part" }
    let sessions = group.nodes.flatMap { name in
        world.snapshot.nodes[name]?.birds.values.flatMap(\.sessions.values) ?? []
    }
    let isUnseen = sessions.compactMap(world.switchName).contains { name in
        !group.switches.contains(name) && world.sight(ofSwitch: name) == nil
    }
    return isUnseen ? "is lost in part at least" : "is lost"
}

/// Other switches that send all of it to its node.
func switchesHaving(_ group: CauseGroup, in world: World) -> [String] {
    guard group.nodes.count == 1, let node = group.nodes.first else { return [] }
    return world.sights.filter { sight in
        !group.switches.contains(sight.name)
            && group.prefixes.allSatisfy { prefix in
                let hops = sight.best(prefix)?.nextHops ?? []
                return !hops.isEmpty && hops.allSatisfy { world.addressOwners[$0] == node }
            }
    }.map { "switch \($0.name)" }
}

private func agentSummary(_ group: CauseGroup) -> String {
    guard !group.isFleet else {
        return
            "podpath's agents on \(group.nodes.count) nodes are silent at once; the nodes' traffic may be fine,"
            + " podpath just cannot see it"
    }
    let what = group.findings[0].what
    return
        "podpath's agent on \(owner(group)) \(what); the node's traffic may be fine, podpath just cannot see it"
}
