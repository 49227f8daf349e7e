// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// One cause, one verdict, however many CIDRs it takes down.
///
/// 1. Most sessions of one switch down → the switch, and its unreadability is part of that.
/// 2. Most agents of the fleet silent → one verdict: the collector's own way is cut, likely.
/// 3. Kernel, BIRD, export and session roots of one node → the node.
/// 4. The same CIDR on several switches → the CIDR; most CIDRs of one switch → the switch.
/// 5. Load balancer roots → the load balancer, but ltm-cidr-down → the CIDR.
func verdicts(from findings: [Finding], in world: World) -> [Verdict] {
    let lost = lostSwitches(findings, in: world)
    let crowded = crowdedSwitches(findings, in: world)
    let isFleetSilent = isMostOfFleet(findings.count { $0.kind == .agentSilent }, in: world)
    var groups: [String: [Finding]] = [:]
    for finding in findings {
        if finding.kind == .sourceUnreadable, let name = finding.switchName, lost.contains(name) {
            continue
        }
        let identity = identity(
            of: finding,
            lost: lost,
            crowded: crowded,
            isFleetSilent: isFleetSilent
        )
        groups[identity, default: []].append(finding)
    }
    return groups.map { identity, findings in
        verdict(identity, findings, in: world)
    }.sorted { left, right in
        if left.severity != right.severity { return left.severity > right.severity }
        return left.identity < right.identity
    }
}

private func identity(
    of finding: Finding,
    lost: Set<String>,
    crowded: Set<String>,
    isFleetSilent: Bool
) -> String {
    let kind = finding.kind.rawValue
    let node = finding.node ?? ""
    switch finding.kind {
    case .sessionDown:
        if let name = finding.switchName, lost.contains(name) { return "\(kind)/switch/\(name)" }
        return "\(kind)/\(node)"
    case .agentSilent: return isFleetSilent ? "\(kind)/fleet" : "\(kind)/\(node)"
    case .sourceUnreadable:
        return "\(kind)/\(finding.switchName ?? finding.loadBalancer ?? "nodes")"
    case .switchRouteMissing, .switchWrongNextHop:
        if let name = finding.switchName, crowded.contains("\(kind)/\(name)") {
            return "\(kind)/switch/\(name)"
        }
        return "\(kind)/\(text(finding.prefix))"
    case .switchRouteStale, .ownerDuplicate: return "\(kind)/\(text(finding.prefix))"
    case .ltmCIDRDown: return "\(kind)/\(finding.loadBalancer ?? "")/\(text(finding.prefix))"
    case .ltmRouteMissing, .ltmMembersDown: return "\(kind)/\(finding.loadBalancer ?? "")"
    case .kernelRouteMissing, .kernelDeviceDown, .birdUnreachable, .birdRouteMissing,
        .birdConfigDrift, .birdRouteUnreachable, .notExported, .sessionDisabled:
        return "\(kind)/\(node)"
    }
}

private func text(_ prefix: Prefix?) -> String { prefix?.description ?? "" }

/// Switches that are lost: more than half of their sessions are down, two nodes at least; or they
/// cannot be read either, for then even the first session to expire is no node's own fault.
private func lostSwitches(_ findings: [Finding], in world: World) -> Set<String> {
    var down: [String: Set<String>] = [:]
    for finding in findings where finding.kind == .sessionDown {
        if let name = finding.switchName { down[name, default: []].insert(finding.node ?? "") }
    }
    let unreadable = Set(
        findings.filter { $0.kind == .sourceUnreadable }.compactMap(\.switchName)
    )
    return Set(
        down.filter { name, nodes in
            unreadable.contains(name)
                || nodes.count >= 2 && nodes.count * 2 > nodeCount(of: name, in: world)
        }.keys
    )
}

private func nodeCount(of switchName: String, in world: World) -> Int {
    world.intents.keys.count { node in
        guard let facts = world.facts(of: node).facts else { return false }
        return facts.sessions.contains { world.switchName(of: $0) == switchName }
    }
}

/// Kinds and switches where more than half of all CIDRs fail: the switch, not the CIDRs.
private func crowdedSwitches(_ findings: [Finding], in world: World) -> Set<String> {
    var prefixes: [String: Set<Prefix>] = [:]
    for finding in findings
    where finding.kind == .switchRouteMissing || finding.kind == .switchWrongNextHop {
        guard let name = finding.switchName, let prefix = finding.prefix else { continue }
        prefixes["\(finding.kind.rawValue)/\(name)", default: []].insert(prefix)
    }
    let all = world.paths.count
    return Set(prefixes.filter { $0.value.count >= 2 && $0.value.count * 2 > all }.keys)
}

private func isMostOfFleet(_ silent: Int, in world: World) -> Bool {
    silent >= 3 && silent * 2 > world.intents.count
}

// MARK: - One verdict

private func verdict(_ identity: String, _ findings: [Finding], in world: World) -> Verdict {
    let first = findings[0]
    let group = CauseGroup(identity: identity, findings: findings)
    let severity = findings.map(\.severity).max() ?? first.severity
    return Verdict(
        kind: first.kind,
        severity: severity,
        identity: identity,
        subject: group.subject,
        summary: summary(of: group, in: world),
        since: findings.compactMap(\.since).min(),
        evidence: unique(findings.flatMap(\.evidence), atMost: 12),
        impact: impact(of: group, in: world),
        verify: unique(findings.flatMap(\.verify), atMost: 4),
        hold: findings.compactMap(\.hold).max(),
        absorbs: absorbed(by: group)
    )
}

/// What was told before the common cause was seen: its nodes one by one, the switch unreadable.
private func absorbed(by group: CauseGroup) -> [String] {
    guard group.isWholeSwitch else { return [] }
    let nodes = group.nodes.map { "\(group.kind.rawValue)/\($0)" }
    guard group.kind == .sessionDown else { return nodes }
    return nodes + group.switches.map { "\(Kind.sourceUnreadable.rawValue)/\($0)" }
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
        subject.pool = only(Set(findings.map { $0.pool ?? "" }).sorted()).flatMap {
            $0.isEmpty ? nil : $0
        }
        if isWholeSwitch || kind == .agentSilent {
            subject.prefix = nil
            subject.uplink = nil
        }
        if kind == .sessionDown || kind == .sessionDisabled, !isWholeSwitch { subject.prefix = nil }
        return subject
    }

    private func only<Element>(_ elements: [Element]) -> Element? {
        elements.count == 1 ? elements[0] : nil
    }
}
