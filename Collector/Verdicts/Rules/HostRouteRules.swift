// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Host routes inside an owned CIDR that a switch has from the CIDR's own node, in two reads: beside the CIDR,
/// or in its place. One that another node announces is a matter of ownership.
func hostRouteFindings(in world: World) -> [Finding] {
    world.sights.flatMap { sight in
        let hosts = sight.table.routes.keys.filter { prefix in
            prefix.isHost && sight.confirmed { $0.best(prefix, vrf: sight.vrf) != nil }
        }
        var byCIDR: [Prefix: [Prefix]] = [:]
        for host in hosts {
            guard let (cidr, owner) = world.owners.longestMatch(host), cidr != host,
                let hops = sight.best(host)?.nextHops, !hops.isEmpty,
                hops.allSatisfy({ world.addressOwners[$0] == owner })
            else { continue }
            byCIDR[cidr, default: []].append(host)
        }
        return byCIDR.sorted { $0.key < $1.key }.map { cidr, hosts in
            finding(cidr, hosts.sorted(), sight, in: world)
        }
    }
}

private func finding(
    _ cidr: Prefix,
    _ hosts: [Prefix],
    _ sight: SwitchSight,
    in world: World
) -> Finding {
    let isAlone = sight.confirmed { $0.best(cidr, vrf: sight.vrf) == nil }
    let examples = hosts.prefix(3).map(\.description).joined(separator: ", ")
    let count = hosts.count == 1 ? "a host route inside it" : "\(hosts.count) host routes inside it"
    let node = world.owners[cidr] ?? ""
    var finding = Finding(
        .hostRoutesExported,
        node: node,
        prefix: cidr,
        switchName: sight.name,
        severity: isAlone ? .critical : nil,
        what: "\(count) (\(examples)) \(isAlone ? "in its place" : "beside it")",
        evidence: hosts.prefix(3).map { host in
            let via = sight.best(host)?.nextHops.map(\.description).joined(separator: ", ") ?? ""
            return Evidence(sight.source, sight.fact(host), "via \(via)", at: sight.readAt)
        } + [
            Evidence(
                sight.source,
                sight.fact(cidr),
                isAlone ? "absent" : "there",
                at: sight.readAt
            ),
            world.ownership(cidr, of: node),
        ],
        verify: [
            sight.show(hosts[0]).showing("a route to a single pod"),
            sight.show(cidr).showing(isAlone ? "no route to the CIDR itself" : "the CIDR's own"),
        ]
    )
    finding.announced = (hosts[0], [node])
    return finding
}

/// What of a CIDR's way explains host routes in its place says less than they do.
func fold(_ paths: inout [JudgedPath], underHosts hosts: [Finding]) {
    let replaced = Set(hosts.filter { $0.severity == .critical }.compactMap(\.prefix))
    guard !replaced.isEmpty else { return }
    for index in paths.indices where replaced.contains(paths[index].trace.prefix) {
        paths[index].findings.removeAll {
            [.notExported, .switchRouteMissing, .switchPartialPaths].contains($0.kind)
        }
    }
}
