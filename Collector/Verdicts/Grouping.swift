// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// One cause, one verdict, however many CIDRs it takes down.
///
/// 1. Most sessions of one switch down → the switch, and its unreadability is part of that.
/// 2. Most agents of the fleet silent → one verdict: the collector's own way is cut, likely.
/// 3. Kernel, BIRD, export and session roots of one node → the node.
/// 4. The same CIDR on several switches → the CIDR; most CIDRs of one switch → the switch.
/// 5. Load balancer roots → the load balancer, but ltm-cidr-down → the CIDR, unless several do not answer it.
///
/// `carried` is how many CIDRs of a family are exported to each switch.
func verdicts(
    from findings: [Finding],
    of fleet: Fleet,
    carried: () -> [SwitchFamily: Int],
    in world: World
) -> [Verdict] {
    guard !findings.isEmpty else { return [] }
    let causes = CommonCauses(
        lostSwitches: lostSwitches(findings, fleet, in: world),
        crowdedSwitches: crowdedSwitches(findings, carried, fleet),
        deafLoadBalancers: deafLoadBalancers(findings, in: world),
        flappingSwitches: flappingSwitches(findings, fleet),
        ofFleet: kindsOfFleet(findings, in: world)
    )
    var groups: [String: [Finding]] = [:]
    // Of a switch that is lost: why it cannot be read either.
    var unreadable: [Finding] = []
    for finding in findings {
        if finding.kind == .sourceUnreadable, let name = finding.switchName,
            causes.lostSwitches.contains(name)
        {
            unreadable.append(finding)
            continue
        }
        let identity = identity(of: finding, causes)
        groups[identity, default: []].append(finding)
    }
    return groups.map { identity, findings in
        var verdict = verdict(identity, findings, unreadable, in: world)
        // What stands by itself is another cause's.
        verdict.absorbs.removeAll { groups[$0] != nil }
        return verdict
    }.sorted { left, right in
        if left.severity != right.severity { return left.severity > right.severity }
        return left.identity < right.identity
    }
}

/// What is wider than a node or a CIDR.
private struct CommonCauses {
    var lostSwitches: Set<String>
    /// `kind/switch`.
    var crowdedSwitches: Set<String>
    var deafLoadBalancers: Set<String>
    var flappingSwitches: Set<String>
    /// Kinds that most nodes show at once.
    var ofFleet: Set<Kind>
}

private func identity(of finding: Finding, _ causes: CommonCauses) -> String {
    let kind = finding.kind.rawValue
    let node = finding.node ?? ""
    if causes.ofFleet.contains(finding.kind) { return "\(kind)/fleet" }
    switch finding.kind {
    case .sessionDown:
        if let name = finding.switchName, causes.lostSwitches.contains(name) {
            return "\(kind)/switch/\(name)"
        }
        return "\(kind)/\(node)"
    case .sourceUnreadable:
        if let name = finding.loadBalancer { return "\(kind)/\(name)/\(finding.source ?? "")" }
        return "\(kind)/\(finding.switchName ?? finding.source ?? "nodes")"
    case .sinkFailing: return "\(kind)/\(finding.source ?? "")"
    case .switchRestartNotHonoured: return "\(kind)/\(finding.switchName ?? "")"
    case .sessionFlapping:
        if let name = finding.switchName, causes.flappingSwitches.contains(name) {
            return "\(kind)/switch/\(name)"
        }
        return "\(kind)/\(node)"
    case .switchNeighborMissing, .switchPrefixLimit:
        let name = finding.switchName ?? ""
        return causes.crowdedSwitches.contains("\(kind)/\(name)")
            ? "\(kind)/switch/\(name)" : "\(kind)/\(node)/\(name)"
    case .switchRouteMissing, .switchWrongNextHop, .switchPartialPaths, .switchRouteFlapping:
        if let name = finding.switchName,
            causes.crowdedSwitches.contains("\(kind)/\(name)")
        {
            return "\(kind)/switch/\(name)"
        }
        return "\(kind)/\(text(finding.prefix))"
    case .ltmPoolEmptied where finding.isOfWhole: return "\(kind)/\(finding.loadBalancer ?? "")"
    case .ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied:
        return "\(kind)/\(finding.loadBalancer ?? "")\(finding.pool ?? "")"
    case .ltmUnitDiffers: return "\(kind)/\(finding.loadBalancer ?? "")/\(finding.source ?? "")"
    case .virtualServerDown where finding.isOfWhole: return "\(kind)/\(finding.loadBalancer ?? "")"
    case .virtualServerDown:
        return "\(kind)/\(finding.loadBalancer ?? "")\(finding.virtualServer ?? "")"
    case .switchRouteStale, .ownerDuplicate: return "\(kind)/\(text(finding.prefix))"
    case .ltmCIDRDown:
        let name = finding.loadBalancer ?? ""
        return causes.deafLoadBalancers.contains(name)
            ? "\(kind)/\(name)" : "\(kind)/\(name)/\(text(finding.prefix))"
    case .cisMisconfigured: return "\(kind)/\(finding.source ?? "")"
    case .ltmRouteMissing, .ltmRoutesRemoved, .ltmMembersDown, .ltmPoolsFrozen, .gtmDegraded,
        .masqueradeOutside:
        return "\(kind)/\(finding.loadBalancer ?? "")"
    case .hostRoutesExported: return "\(kind)/\(text(finding.prefix))"
    case .kernelRouteMissing, .kernelDeviceDown, .birdUnreachable, .birdRouteMissing,
        .birdConfigDrift, .birdRouteUnreachable, .notExported, .sessionDisabled, .noPodCIDR,
        .ownerDisagreement, .kernelDeviceRecreated, .kernelRoutesSwept, .kernelBlackhole,
        .birdTwoSpeakers, .restartStuck, .mtuDiffers, .agentSilent, .rpFilterStrict, .clockSkew,
        .readyButUnreachable:
        return "\(kind)/\(node)"
    }
}

private func text(_ prefix: Prefix?) -> String { prefix?.description ?? "" }

/// Switches that are lost: more than half of their sessions are down, two nodes at least; or they
/// cannot be read by any way either, for then even the first session to expire is no node's own fault.
private func lostSwitches(_ findings: [Finding], _ fleet: Fleet, in world: World) -> Set<String> {
    var down: [String: Set<String>] = [:]
    var speaking: Set<String> = []
    for finding in findings where finding.kind == .sessionDown {
        guard let name = finding.switchName else { continue }
        down[name, default: []].insert(finding.node ?? "")
        // Who says goodbye to one, or hangs up, is there for the others.
        let signs = ["Received: ", "reset by peer", "refused", "Connection closed"]
        if signs.contains(where: finding.what.contains) { speaking.insert(name) }
    }
    let unreadable = Set(
        findings.filter { $0.kind == .sourceUnreadable }.compactMap(\.switchName)
            .filter { hasJustGone($0, in: world) }
    )
    return Set(
        down.filter { name, nodes in
            unreadable.contains(name) && !speaking.contains(name)
                || nodes.count >= 2 && nodes.count * 2 > fleet.facing[name] ?? 0
        }.keys
    )
}

/// What tells most of it stopped to within the time that sessions take to expire: a hung switch is first
/// unreadable, and its sessions end one by one. One that is unreadable for longer, or always was, is not to
/// blame for a node's session.
private func hasJustGone(_ name: String, in world: World) -> Bool {
    let first = world.snapshot.switches[name]?.views.min { $0.key < $1.key }?.value.readings
    guard let first, first.freshness(at: world.now) != .fresh, let seen = first.latest?.at else {
        return false
    }
    return world.now - seen < longestHold
}

/// BIRD's default hold time is 240 s; a minute more for the last to tell.
let longestHold: Int64 = 300_000

/// One family on one switch.
struct SwitchFamily: Hashable {
    var name: String
    var family: AddressFamily
}

/// Kinds and switches where more than half of the CIDRs of a family that are exported to the switch fail,
/// or of its sessions: the switch, not the CIDRs.
private func crowdedSwitches(
    _ findings: [Finding],
    _ carried: () -> [SwitchFamily: Int],
    _ fleet: Fleet
) -> Set<String> {
    var prefixes: [String: Set<Prefix>] = [:]
    for finding in findings
    where finding.kind.entry.stage == .switchRIB && finding.kind != .switchRouteStale {
        guard let name = finding.switchName, let prefix = finding.prefix else { continue }
        prefixes["\(finding.kind.rawValue)/\(name)", default: []].insert(prefix)
    }
    guard !prefixes.isEmpty else { return [] }
    let counts = carried()
    return Set(prefixes.filter { isCrowd($0.value, on: $0.key, counts, fleet) }.keys)
}

private func isCrowd(
    _ prefixes: Set<Prefix>,
    on key: String,
    _ carried: [SwitchFamily: Int],
    _ fleet: Fleet
) -> Bool {
    let name = String(key.split(separator: "/", maxSplits: 1).last ?? "")
    let isSession =
        key.hasPrefix(Kind.switchNeighborMissing.rawValue)
        || key.hasPrefix(Kind.switchPrefixLimit.rawValue)
    return Dictionary(grouping: prefixes, by: \.family).contains { family, some in
        let all =
            isSession
            ? fleet.facing[name] ?? 0
            : carried[SwitchFamily(name: name, family: family)] ?? 0
        return some.count >= 2 && some.count * 2 > all
    }
}

/// Load balancers that several CIDRs do not answer at once: what is broken lies between them and many nodes.
private func deafLoadBalancers(_ findings: [Finding], in world: World) -> Set<String> {
    var prefixes: [String: Set<Prefix>] = [:]
    for finding in findings where finding.kind == .ltmCIDRDown {
        guard let name = finding.loadBalancer, let prefix = finding.prefix else { continue }
        prefixes[name, default: []].insert(prefix)
    }
    // A few of very many may each have their own cause.
    return Set(
        prefixes.filter { name, some in
            some.count >= 3 && some.count * 10 >= (world.sight(of: name)?.index.cidrCount ?? 0)
        }.keys
    )
}

/// Switches of whose sessions more than half flap, of two nodes at least.
private func flappingSwitches(_ findings: [Finding], _ fleet: Fleet) -> Set<String> {
    var nodes: [String: Set<String>] = [:]
    for finding in findings where finding.kind == .sessionFlapping {
        if let name = finding.switchName { nodes[name, default: []].insert(finding.node ?? "") }
    }
    return Set(
        nodes.filter { name, some in
            some.count >= 2 && some.count * 2 > fleet.facing[name] ?? 0
        }.keys
    )
}

/// Kinds that are a node's own and that more than half of the nodes show, three at least: what did that to all of
/// them is one thing.
private func kindsOfFleet(_ findings: [Finding], in world: World) -> Set<Kind> {
    var nodes: [Kind: Set<String>] = [:]
    for finding in findings where finding.kind.isOfNode {
        if let node = finding.node { nodes[finding.kind, default: []].insert(node) }
    }
    return Set(
        nodes.filter { $0.value.count >= 3 && $0.value.count * 2 > world.intents.count }.keys
    )
}

extension Kind {
    fileprivate var isOfNode: Bool {
        switch self {
        case .kernelRouteMissing, .kernelDeviceDown, .birdUnreachable, .birdRouteMissing,
            .birdConfigDrift, .birdRouteUnreachable, .notExported, .sessionDisabled, .noPodCIDR,
            .ownerDisagreement, .kernelDeviceRecreated, .kernelRoutesSwept, .restartStuck,
            .agentSilent, .rpFilterStrict, .clockSkew, .readyButUnreachable:
            true
        default: false
        }
    }
}

// MARK: - One verdict

private func verdict(
    _ identity: String,
    _ findings: [Finding],
    _ unreadable: [Finding],
    in world: World
) -> Verdict {
    let first = findings[0]
    let group = CauseGroup(identity: identity, findings: findings)
    var verify = findings.flatMap(\.verify)
    var evidence = findings.flatMap(\.evidence)
    if group.isWholeSwitch, let name = group.switches.first {
        // It is the switch to which somebody has to go.
        let family = findings.lazy.compactMap(\.prefix).first?.family ?? .ipv4
        if let facts = world.snapshot.switches[name] {
            let summary = facts.showSummary(family).showing("which neighbors are up")
            // What the findings say of it tells more.
            let told = verify.first { $0.command == summary.command && $0.on == summary.on }
            verify.insert(told ?? summary, at: 0)
        }
        evidence = unreadable.filter { $0.switchName == name }.flatMap(\.evidence) + evidence
    }
    let severity = findings.map(\.severity).max() ?? first.severity
    return Verdict(
        kind: first.kind,
        severity: severity,
        identity: identity,
        subject: group.subject,
        summary: summary(of: group, in: world),
        since: findings.compactMap(\.since).min(),
        evidence: unique(evidence, atMost: 12),
        impact: impact(of: group, in: world),
        verify: distinct(verify, atMost: 8),
        hold: findings.compactMap(\.hold).max(),
        absorbs: absorbed(by: group, in: world)
    )
}

/// What was told before the common cause was seen: its nodes or CIDRs one by one, the switch unreadable;
/// or before the switch said why it has no session, or that single pods stand in a CIDR's place; or before
/// Kubernetes could be heard of what a virtual server's pool should hold.
private func absorbed(by group: CauseGroup, in world: World) -> [String] {
    let kind = group.kind.rawValue
    switch group.kind {
    case .switchNeighborMissing, .switchPrefixLimit:
        let sessions = group.nodes.map { "\(Kind.sessionDown.rawValue)/\($0)" }
        guard group.isWholeSwitch else { return sessions }
        let name = group.switches.first ?? ""
        return sessions + group.nodes.map { "\(kind)/\($0)/\(name)" }
    case .sessionFlapping where group.isWholeSwitch: return group.nodes.map { "\(kind)/\($0)" }
    case .sessionDown where group.isWholeSwitch:
        return group.nodes.map { "\(kind)/\($0)" }
            + group.switches.map { "\(Kind.sourceUnreadable.rawValue)/\($0)" }
    case .ltmCIDRDown where group.prefixes.count > 1:
        return group.prefixes.map { "\(group.identity)/\($0)" }
    case .ltmPoolsFrozen: return ofPools(group, [.ltmMemberMissing, .ltmMemberStale])
    case .ltmMemberMissing: return ofPools(group, [.ltmMemberStale])
    case .ltmPoolEmptied:
        let parts = group.findings[0].isOfWhole ? ofPools(group, [.ltmPoolEmptied]) : []
        return parts + serversBehind(group, in: world)
    case .hostRoutesExported where group.findings.contains { $0.severity == .critical }:
        return group.nodes.map { "\(Kind.notExported.rawValue)/\($0)" }
            + group.prefixes.map { "\(Kind.switchRouteMissing.rawValue)/\($0)" }
    case .virtualServerDown:
        let own = group.findings.map {
            "\(kind)/\($0.loadBalancer ?? "")\($0.virtualServer ?? "")"
        }
        let balancers = Set(group.findings.compactMap(\.loadBalancer)).sorted()
        return own.filter { $0 != group.identity }
            + balancers.map { "\(Kind.ltmMembersDown.rawValue)/\($0)" }
    case _ where group.isFleet:
        return group.nodes.map { "\(kind)/\($0)" }
    case _ where group.isWholeSwitch: return group.prefixes.map { "\(kind)/\($0)" }
    default: return []
    }
}

private func ofPools(_ group: CauseGroup, _ kinds: [Kind]) -> [String] {
    let pools = group.findings.map { "/\($0.loadBalancer ?? "")\($0.pool ?? "")" }
    return kinds.flatMap { kind in pools.map { kind.rawValue + $0 } }
}

/// As they are told by themselves, one by one or all at once.
private func serversBehind(_ group: CauseGroup, in world: World) -> [String] {
    let names = group.findings.flatMap { finding in
        let name = finding.loadBalancer ?? ""
        return world.virtualServers(of: name, before: finding.pool ?? "").map { name + $0.name }
            + [name]
    }
    return Set(names).sorted().map { "\(Kind.virtualServerDown.rawValue)/\($0)" }
}

/// Of one command on one device the first word of what it shows.
private func distinct(_ commands: [Verification], atMost limit: Int) -> [Verification] {
    var seen = Set<[String]>()
    var kept: [Verification] = []
    for command in commands where kept.count < limit {
        if seen.insert([command.on, command.command]).inserted { kept.append(command) }
    }
    return kept
}

private func unique<Element: Hashable>(_ elements: [Element], atMost limit: Int) -> [Element] {
    var seen = Set<Element>()
    return Array(elements.filter { seen.insert($0).inserted }.prefix(limit))
}

/// Findings with one cause, and what they have in common.
struct CauseGroup {
    let identity: String
    let findings: [Finding]

    var kind: Kind { findings[0].kind }
    var isWholeSwitch: Bool { identity.hasPrefix("\(kind.rawValue)/switch/") }
    var isFleet: Bool { identity.hasSuffix("/fleet") }
    var prefixes: [Prefix] { Set(findings.compactMap(\.prefix)).sorted() }
    var uplinks: [String] { Set(findings.compactMap(\.uplink)).sorted() }
    var switches: [String] { Set(findings.compactMap(\.switchName)).sorted() }

    var nodes: [String] {
        let names = findings.compactMap(\.node).flatMap { $0.split(separator: ", ") }
        return Set(names.map(String.init)).sorted()
    }

    /// What all findings share; a part in which they differ is left out.
    var subject: Subject {
        var subject = Subject()
        if kind == .ownerDuplicate {
            subject.prefix = findings[0].prefix
            return subject
        }
        subject.node = isWholeSwitch ? nil : only(nodes)
        subject.prefix = only(prefixes)
        subject.uplink = only(uplinks)
        subject.switchName = only(switches)
        subject.loadBalancer = only(Set(findings.compactMap(\.loadBalancer)).sorted())
        subject.virtualServer = only(Set(findings.compactMap(\.virtualServer)).sorted())
        subject.pool = only(Set(findings.map { $0.pool ?? "" }).sorted()).flatMap {
            $0.isEmpty ? nil : $0
        }
        if isWholeSwitch || kind == .agentSilent {
            subject.prefix = nil
            subject.uplink = nil
        }
        let ofNode: Set<Kind> = [
            .sessionDown, .sessionDisabled, .switchNeighborMissing, .switchPrefixLimit,
            .readyButUnreachable, .sessionFlapping, .restartStuck, .switchRestartNotHonoured,
            .birdTwoSpeakers,
        ]
        if ofNode.contains(kind), !isWholeSwitch { subject.prefix = nil }
        return subject
    }

    private func only<Element>(_ elements: [Element]) -> Element? {
        elements.count == 1 ? elements[0] : nil
    }
}
