// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Routes of a node's kernel that drop what they cover, in this order:
/// 1. a default route, one outside of the pod supernets, one that a unicast route of the same prefix precedes
///    → nothing;
/// 2. another node's pod CIDR inside it, or around it, without a longer unicast route → kernel-blackhole;
/// 3. a pod of another node inside it, without a longer route: an address that a CNI has lent out
///    → kernel-blackhole.
/// What drops the node's own CIDR breaks the CIDR's own way, and is judged there; Calico holds its own blocks so.
func blackholeFindings(_ routes: [Hole], in world: World) -> [Finding] {
    guard !routes.isEmpty else { return [] }
    let holes = Holes(withoutShared(routes, in: world))
    var cidrs: [Int: [(prefix: Prefix, node: String)]] = [:]
    for (node, prefix) in world.paths {
        for index in holes.around(prefix) where holes.all[index].drops(prefix, of: node) {
            cidrs[index, default: []].append((prefix, node))
        }
    }
    for (index, hole) in holes.all.enumerated() {
        // A part of a CIDR.
        guard let (prefix, node) = world.owners.longestMatch(hole.route.prefix),
            prefix != hole.route.prefix, hole.drops(prefix, of: node)
        else { continue }
        cidrs[index, default: []].append((prefix, node))
    }
    let pods = podsByHole(holes, in: world)
    return holes.all.enumerated().compactMap { index, hole in
        if let victims = cidrs[index], let first = victims.first {
            let victim = "\(first.prefix), which \(first.node) owns"
            let evidence = world.ownership(first.prefix, of: first.node)
            return finding(hole, victim, victims.count, evidence)
        }
        guard let lent = pods[index], let first = lent.first else { return nil }
        let evidence = Evidence(
            "kubernetes",
            "ready pod \(first.address)",
            "runs on \(first.node)",
            at: world.snapshot.kubernetes?.endpointSlices.lastHeard
        )
        let victim = "pod \(first.address), which runs on \(first.node)"
        return finding(hole, victim, lent.count, evidence)
    }
}

/// A block that its node shares with another is a matter of its owners, whatever is dropped in it.
private func withoutShared(_ holes: [Hole], in world: World) -> [Hole] {
    var owners: [Prefix: Int] = [:]
    for (_, prefix) in world.paths { owners[prefix, default: 0] += 1 }
    return holes.filter { hole in
        let isOwn = world.intents[hole.node]?.podCIDRs.contains(hole.route.prefix) ?? false
        return !isOwn || owners[hole.route.prefix] == 1
    }
}

/// Found by what they cover: there is one for each block of a Calico fleet.
private struct Holes {
    let all: [Hole]
    private let byPrefix: [Prefix: [Int]]
    private let lengths: [Int]

    init(_ holes: [Hole]) {
        all = holes
        byPrefix = Dictionary(grouping: holes.indices) { holes[$0].route.prefix }
        lengths = Set(holes.map(\.route.prefix.length)).sorted()
    }

    /// Those that cover all of the prefix.
    func around(_ prefix: Prefix) -> [Int] {
        lengths.filter { $0 <= prefix.length }.flatMap { length in
            Prefix(containing: prefix.address, length: length).flatMap { byPrefix[$0] } ?? []
        }
    }
}

struct Hole: Sendable {
    let node: String
    let facts: NodeFacts
    let route: KernelRoute

    /// Of another node's pod CIDR or pod.
    fileprivate func drops(_ prefix: Prefix, of owner: String) -> Bool {
        owner != node && !isPassed(by: prefix)
    }

    /// Whether a longer route, or one that is preferred, takes packets for all of the prefix past it.
    private func isPassed(by prefix: Prefix) -> Bool {
        guard route.prefix.length <= prefix.length else { return false }
        return facts.kernel.routes.contains { other in
            other.destination == .unicast && other.prefix.contains(prefix)
                && (other.prefix.length > route.prefix.length
                    || other.prefix == route.prefix && other.metric < route.metric)
        }
    }
}

func droppingRoutes(of name: String, _ facts: NodeFacts, in world: World) -> [Hole] {
    guard facts.kernel.isComplete else { return [] }
    // Of nearly all nodes there is none.
    guard facts.kernel.routes.contains(where: \.destination.isDropping) else { return [] }
    return facts.kernel.routesInUse.filter { route in
        route.destination.isDropping && !route.prefix.isDefault
            && world.snapshot.podSupernets.contains { $0.overlaps(route.prefix) }
    }.map { Hole(node: name, facts: facts, route: $0) }
}

extension Destination {
    var isDropping: Bool {
        switch self {
        case .blackhole, .unreachable, .prohibit: true
        case .unicast, .local, .other: false
        }
    }
}

private struct Pod {
    var address: IPAddress
    var node: String
}

/// Ready pods of other nodes, by the hole that they lie in.
private func podsByHole(_ holes: Holes, in world: World) -> [Int: [Pod]] {
    guard let cluster = world.snapshot.kubernetes, cluster.endpointSlices.isComplete else {
        return [:]
    }
    var found: [Int: [Pod]] = [:]
    let sockets = cluster.endpoints.values.flatMap { $0.ready.values.flatMap { $0 } }
    var seen: Set<IPAddress> = []
    for (socket, member) in sockets {
        guard let node = member.node, seen.insert(socket.address).inserted else { continue }
        let host = Prefix(host: socket.address)
        for index in holes.around(host) where holes.all[index].drops(host, of: node) {
            found[index, default: []].append(Pod(address: socket.address, node: node))
        }
    }
    return found.mapValues { $0.sorted { $0.address < $1.address } }
}

private func finding(
    _ hole: Hole,
    _ victim: String,
    _ count: Int,
    _ lost: Evidence
) -> Finding {
    let (node, prefix) = (hole.node, hole.route.prefix)
    let name = "\(withArticle(hole.route.destination.name)) route \(prefix)"
    let rest = count == 1 ? "" : " and \(count - 1) more"
    return Finding(
        .kernelBlackhole,
        node: node,
        what: "its kernel has \(name), which drops what it sends to \(victim)\(rest)",
        evidence: [
            Evidence(
                "agent \(node)",
                "kernel route \(prefix)",
                "\(hole.route.destination.name) proto \(RouteProtocol.name(hole.route.proto))",
                at: hole.facts.lastHeard
            ),
            lost,
        ],
        verify: [.route(prefix, on: node).showing(droppingWords)]
    )
}
