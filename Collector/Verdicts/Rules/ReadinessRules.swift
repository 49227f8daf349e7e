// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What Kubernetes says of a node beside what carries its traffic, in this order:
/// 1. Kubernetes is not the source of nodes or is not followed now; a node on its way in or out → nothing;
/// 2. a node that is not Ready, whose CIDR a switch has and whose members are up → it attracts traffic;
/// 3. a Ready node whose CIDRs every switch lacks, though no stage before was seen to fail → unreachable.
/// Both → ready-but-unreachable, once a node; most of the nodes at once are one verdict.
func readinessFindings(
    in world: World,
    _ names: [String],
    _ paths: [JudgedPath]
) -> [Finding] {
    guard !names.isEmpty, let nodes = world.snapshot.kubernetes?.nodes else { return [] }
    let byNode = Dictionary(grouping: paths, by: \.trace.node)
    return names.flatMap { name -> [Finding] in
        guard let node = world.intents[name], let own = byNode[name] else { return [] }
        return node.isReady == true
            ? unreachable(node, own, heard: nodes.lastHeard, in: world)
            : own.compactMap { attracting(node, $0, heard: nodes.lastHeard, in: world) }
    }
}

extension World {
    var watchesReadiness: Bool {
        guard snapshot.intentSource == .kubernetes, let nodes = snapshot.kubernetes?.nodes else {
            return false
        }
        return nodes.isComplete && nodes.failure == nil
    }
}

/// What Kubernetes says of the node is not what its switches show: worth a look once all else is known.
func isOddlyReady(_ node: NodeIntent, _ paths: [JudgedPath], now: Timestamp) -> Bool {
    guard !isInTransit(node, now: now) else { return false }
    let seen = paths.lazy.flatMap { $0.trace.stages }.filter { $0.stage == .switchRIB }
    return node.isReady == true
        ? !seen.isEmpty && seen.allSatisfy { $0.state == .missing }
        : seen.contains { $0.state == .ok }
}

private func attracting(
    _ node: NodeIntent,
    _ path: JudgedPath,
    heard: Timestamp?,
    in world: World
) -> Finding? {
    let carrying = path.trace.states(.switchRIB).filter { $0.state == .ok }
    guard !carrying.isEmpty, path.findings.isEmpty else { return nil }
    let prefix = path.trace.prefix
    let up = world.snapshot.loadBalancers.keys.sorted().flatMap { name in
        world.members(of: name, in: prefix).filter { $0.isUp == true }.map { (name, $0) }
    }
    guard let (name, first) = up.first else { return nil }
    let what =
        "Kubernetes calls it NotReady, yet switches and \(name) send to it: \(up.count) pool members are up"
    return Finding(
        .readyButUnreachable,
        node: node.name,
        prefix: prefix,
        what: what,
        evidence: [
            Evidence("kubernetes", "Node \(node.name)", "not Ready", at: heard)
        ]
            + carrying.prefix(2).map {
                Evidence("switch \($0.at ?? "")", "\(prefix)", $0.detail ?? "has it", at: $0.readAt)
            } + [
                Evidence(
                    name,
                    "\(first.pool) \(socketText(first.address, first.port))",
                    "\(first.monitor), one of \(up.count) in \(prefix)",
                    at: nil
                )
            ],
        verify: [
            Verification(on: "kubernetes", "kubectl describe node \(node.name)")
                .showing("under Conditions why it is not Ready"),
            Verification(on: world.device(of: name), showMembers(of: first.pool))
                .showing("\(socketText(first.address, first.port)): available"),
        ]
            + carrying.prefix(2).compactMap { stage in
                stage.at.flatMap(world.sight(ofSwitch:))?.show(prefix).showing("a route to it")
            }
    )
}

/// All CIDRs of the node on all switches, and nobody knows why: otherwise that is what is told.
private func unreachable(
    _ node: NodeIntent,
    _ paths: [JudgedPath],
    heard: Timestamp?,
    in world: World
) -> [Finding] {
    let seen = paths.flatMap { $0.trace.states(.switchRIB) }
    let isLost = !seen.isEmpty && seen.allSatisfy { $0.state == .missing }
    guard isLost, paths.allSatisfy({ $0.findings.isEmpty && !$0.isCut }) else { return [] }
    let switches = Set(seen.compactMap(\.at)).sorted()
    return paths.map { path in
        Finding(
            .readyButUnreachable,
            node: node.name,
            prefix: path.trace.prefix,
            what: "Kubernetes calls it Ready, yet no switch has its pod CIDRs",
            evidence: [Evidence("kubernetes", "Node \(node.name)", "Ready", at: heard)]
                + path.trace.states(.switchRIB).prefix(3).map {
                    Evidence(
                        "switch \($0.at ?? "")",
                        "RIB \(path.trace.prefix)",
                        "missing",
                        at: $0.readAt
                    )
                },
            verify: [
                Verification(
                    on: "kubernetes",
                    "kubectl describe node \(node.name)",
                    shows: "Ready: True under Conditions"
                )
            ]
                + switches.prefix(2).compactMap {
                    world.sight(ofSwitch: $0)?.show(path.trace.prefix).showing("no route to it")
                }
        )
    }
}
