// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Wide IPs that GTM answers with less than there is, in this order:
/// 1. not asked for, not read twice, checking, unknown, or disabled by an operator → nothing;
/// 2. members that are down and whose virtual server is down here too, or is not known, or has an earlier
///    root → impact of that;
/// 3. members that are down though their virtual server is available here: GTM's own sight of it, told apart
///    by whether its server answered at all → gtm-degraded;
/// 4. a wide IP that is down as a whole by another load balancer's members alone → gtm-degraded.
/// All of one load balancer are one verdict.
func globalFindings(in world: World, _ findings: [Finding]) -> [Finding] {
    world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }.flatMap { facts in
        guard facts.hasGTM, let unit = facts.activeUnit(at: world.now), let read = unit.latest,
            let now = read.value.wideIPs, let before = unit.previous?.value.wideIPs
        else { return [Finding]() }
        let known = Dictionary(before.map { (WideIPKey($0), $0) }) { first, _ in first }
        let explained = explainedServers(facts.name, read.value, findings)
        return now.compactMap { wideIP in
            guard let before = known[WideIPKey(wideIP)],
                wideIP.round == 0 || wideIP.round != before.round
            else { return nil }
            let device = world.device(of: facts.name)
            return finding(
                wideIP,
                before,
                facts.name,
                device,
                read,
                explained,
                hold: unit.staleAfter / 3
            )
        }
    }
}

private struct WideIPKey: Hashable {
    let name: String
    let type: String

    init(_ wideIP: WideIP) { (name, type) = (wideIP.name, wideIP.type) }
}

/// Virtual servers that are down here, or that something earlier may take down.
private func explainedServers(
    _ name: String,
    _ table: LoadBalancerTable,
    _ findings: [Finding]
) -> Set<String> {
    let own = findings.filter { $0.loadBalancer == name && $0.severity == .critical }
    let pools = Set(own.compactMap(\.pool))
    let unwell = table.virtualServers.filter { server in
        server.availability != "available" || server.enabled != "enabled"
            || server.pool.map(pools.contains) ?? false
    }
    return Set(unwell.map(\.name)).union(own.compactMap(\.virtualServer))
}

private func finding(
    _ wideIP: WideIP,
    _ before: WideIP,
    _ name: String,
    _ device: String,
    _ read: Read<LoadBalancerTable>,
    _ explained: Set<String>,
    hold: Int64
) -> Finding? {
    let downBefore = Set(before.members.filter(\.state.isDown).map { [$0.server, $0.name] })
    let down = wideIP.members.filter {
        $0.state.isDown && downBefore.contains([$0.server, $0.name])
    }
    let own = down.filter { $0.virtualServer.map { !explained.contains($0) } ?? false }
    let isDown = wideIP.state.isDown && before.state.isDown
    let isImpact = down.contains { $0.virtualServer.map(explained.contains) ?? false }
    guard !own.isEmpty || isDown && !down.isEmpty && !isImpact else { return nil }
    var finding = Finding(
        .gtmDegraded,
        loadBalancer: name,
        what: words(wideIP, own, isDown: isDown),
        evidence: [Evidence("\(name) GTM", wideIP.domain, text(wideIP.state), at: read.at)]
            + own.prefix(3).map { member in
                let place = "\(member.server):\(member.name)"
                return Evidence("\(name) GTM", place, text(member.state), at: read.at)
            }
            + own.prefix(3).compactMap { member in
                read.value.virtualServers.first { $0.name == member.virtualServer }
            }.map { Evidence(name, $0.name, $0.availability, at: read.at) },
        verify: commands(wideIP, down, own, on: device),
        // GTM hears of a change later than the LTM itself.
        hold: hold
    )
    finding.wideIP = wideIP.domain
    finding.virtualServer = own.count == 1 ? own[0].virtualServer : nil
    return finding
}

/// The wide IP, then GTM's sight of what is down, then why it may see it otherwise than the LTM does.
private func commands(
    _ wideIP: WideIP,
    _ down: [GlobalMember],
    _ own: [GlobalMember],
    on device: String
) -> [Verification] {
    let type = wideIP.type.isEmpty ? "" : "\(wideIP.type) "
    let servers = (own + down).prefix(1).map { member in
        Verification(on: device, "tmsh show gtm server \(member.server) virtual-servers")
            .showing("\(member.name): \(text(member.state))")
    }
    let virtual = own.prefix(1).compactMap(\.virtualServer).map { name in
        Verification(on: device, "tmsh show ltm virtual \(name)")
            .showing("available: the LTM itself serves it")
    }
    let query = Verification(on: device, showQueries, shows: unheardServers)
    let wide = Verification(on: device, "tmsh show gtm wideip \(type)\(wideIP.name)")
        .showing(text(wideIP.state))
    return (own.contains(where: \.state.isUnheard) ? [query] : []) + [wide] + servers + virtual
}

private func words(_ wideIP: WideIP, _ down: [GlobalMember], isDown: Bool) -> String {
    let extent = isDown ? "is offline" : "is degraded"
    let place = "wide IP \(wideIP.domain) \(extent)"
    guard let first = down.first else { return "\(place): \(wideIP.state.reason)" }
    if down.allSatisfy(\.state.isUnheard) {
        let servers = Set(down.map(\.server)).sorted().joined(separator: ", ")
        return
            "\(place): GTM gets no answer from big3d of \(servers), whose virtual servers are available"
    }
    let count = down.count == 1 ? "its member" : "\(down.count) members, among them"
    return
        "\(place): \(count) \(first.server):\(first.name) is down in GTM and available in the LTM"
}

private func text(_ state: GlobalState) -> String {
    state.reason.isEmpty ? state.availability : "\(state.availability): \(state.reason)"
}

/// The wide IPs that lead to a path's virtual servers.
func judgeWideIPs(_ path: inout JudgedPath, in world: World) {
    for sight in world.loadBalancers {
        guard sight.facts.hasGTM else {
            path.add(StageResult(.gtm, at: sight.name, .notChecked))
            continue
        }
        guard let read = sight.read, read.value.wideIPs != nil else {
            let reason = sight.read?.value.wideIPProblem ?? "not read yet"
            path.add(StageResult(.gtm, at: sight.name, .unknown(reason: reason)))
            continue
        }
        let servers = sight.virtualServers(before: path.trace.prefix)
        let all = servers.flatMap { sight.wideIPs(before: $0.name) }
        let named = Dictionary(all.map { (WideIPKey($0), $0) }) { first, _ in first }
        path.add(stage(named.values.sorted { $0.name < $1.name }, sight.name, at: read.at))
    }
    if world.loadBalancers.isEmpty { path.add(StageResult(.gtm, .notChecked)) }
}

private func stage(_ wideIPs: [WideIP], _ name: String, at moment: Timestamp) -> StageResult {
    let state: StageState
    if let down = wideIPs.first(where: \.state.isDown) {
        state = .wrong(expected: "available", found: "\(down.domain) offline")
    } else {
        // Disabled, or checking for good because nobody uses it: the device itself does not say.
        let isServed = wideIPs.contains { $0.state.availability == "available" }
        state = isServed ? .ok : .notChecked
    }
    let detail = wideIPs.prefix(3).map(\.domain).joined(separator: ", ")
    return StageResult(.gtm, at: name, state, detail: detail, readAt: moment)
}
