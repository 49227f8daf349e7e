// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What pools hold beside what Kubernetes wants in them, of each load balancer's active unit, in this order:
/// 1. the API server or the unit not believable, or a pool of a partition that is not read → nothing;
/// 2. no members, though ready pods have waited for a while → ltm-pool-emptied;
/// 3. ready pods that two reads lack, or addresses of nobody that two reads hold, for longer than the
///    controller needs → ltm-member-missing, ltm-member-stale;
/// 4. most pools drift like that at once → ltm-pools-frozen, in place of those.
func poolFindings(in world: World) -> [Finding] {
    guard let cluster = world.snapshot.kubernetes, !cluster.isInDoubt(at: world.now) else {
        return []
    }
    return world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }.flatMap { facts in
        guard let name = facts.activeUnitName(at: world.now), let unit = facts.units[name],
            let members = facts.members[name]
        else { return [Finding]() }
        let drifts = cluster.exposures.objects.values.sorted { $0.pool < $1.pool }.compactMap {
            PoolDrift($0, cluster, facts.name, unit, members, in: world)
        }
        return findings(drifts)
    }
}

/// While either side is not known nothing is said, and nothing is taken back.
func unjudgedKinds(in world: World) -> Set<Kind> {
    guard let cluster = world.snapshot.kubernetes else { return [] }
    let isUnread = world.snapshot.loadBalancers.values.contains {
        $0.activeUnitName(at: world.now) == nil
    }
    guard isUnread || cluster.isInDoubt(at: world.now) else { return [] }
    return [.ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied, .ltmPoolsFrozen]
}

/// As many pools of one load balancer as make a common cause: fewer may each have its own.
private let frozenCount = 3

private func findings(_ drifts: [PoolDrift]) -> [Finding] {
    let drifting = drifts.filter {
        !$0.isEmptied && ($0.missing.isEmpty == false || !$0.stale.isEmpty)
    }
    // Three of five: correlated failures, not a bad day of one application.
    let isFrozen = drifting.count >= frozenCount && drifting.count * 5 >= drifts.count * 3
    return drifts.flatMap { drift -> [Finding] in
        if drift.isEmptied { return [drift.finding(.ltmPoolEmptied, drift.emptiedWords)] }
        if isFrozen {
            let isPart = !drift.missing.isEmpty || !drift.stale.isEmpty
            return isPart ? [drift.finding(.ltmPoolsFrozen, drift.words)] : []
        }
        return (drift.missing.isEmpty ? [] : [drift.finding(.ltmMemberMissing, drift.missingWords)])
            + (drift.stale.isEmpty ? [] : [drift.finding(.ltmMemberStale, drift.staleWords)])
    }
}

/// The patience is the hold: it counts for each pod by itself, not for the pool. This much more, so that
/// pools that drift together are told together; milliseconds.
private let together: Int64 = 2_000

/// When what pools lack or keep will have lasted too long.
func poolChanges(in world: World) -> [Timestamp] {
    guard let cluster = world.snapshot.kubernetes else { return [] }
    let patience = world.snapshot.memberPatience
    let ready = cluster.exposures.objects.values.flatMap { exposure in
        let due = cluster.expected(in: exposure)?.values.map { $0.since + patience } ?? []
        return due + (cluster.endpoints[exposure.service]?.gone.values.map { $0 + patience } ?? [])
    }
    let members = world.snapshot.loadBalancers.values.flatMap(\.members.values)
    let came = members.flatMap { $0.since.values.map { $0 + patience } }
    return (ready + came).filter { $0 > world.now }
}

extension ClusterFacts {
    /// What pools should hold is not known, or no longer: what was known stays for a while.
    fileprivate func isInDoubt(at now: Timestamp) -> Bool {
        let failing = [services.failure, endpointSlices.failure, exposures.failure]
        return !services.isComplete || !endpointSlices.isComplete || !exposures.isComplete
            || !endpointSlices.isWatched
            || failing.contains { $0.map { now - $0.since > clusterPatience } ?? false }
    }
}

/// An API server that restarts is back in that time; what it said stands meanwhile.
let clusterPatience: Int64 = 60_000

/// One pool beside what it should hold.
private struct PoolDrift {
    let loadBalancer: String
    let exposure: Exposure
    let readAt: Timestamp
    var missing: [(socket: ServiceEndpoints.Socket, member: ServiceEndpoints.Member)] = []
    var stale: [ServiceEndpoints.Socket] = []
    var isEmptied = false
    var readyCount = 0
    /// Why the controller leaves some of the missing out, where that is known.
    var reason = ""

    /// Nil where nothing can be said.
    init?(
        _ exposure: Exposure,
        _ cluster: ClusterFacts,
        _ loadBalancer: String,
        _ unit: Readings<LoadBalancerTable>,
        _ history: MemberHistory,
        in world: World
    ) {
        guard let latest = unit.latest, let previous = unit.previous?.value,
            let expected = cluster.expected(in: exposure), let firstReadAt = history.firstReadAt,
            let heard = cluster.endpointSlices.lastHeard,
            latest.value.partitions.contains(exposure.partition)
        else { return nil }
        self.loadBalancer = loadBalancer
        self.exposure = exposure
        readAt = latest.at
        readyCount = expected.count
        let (now, before) = (
            latest.value.sockets(of: exposure.pool), previous.sockets(of: exposure.pool)
        )
        let patience = world.snapshot.memberPatience
        let due = expected.filter { world.now - $0.value.since >= patience }
        isEmptied = now.isEmpty && !due.isEmpty && latest.value.pools.contains(exposure.pool)
        // What differs counts once Kubernetes was heard of after the pool came to be as it is: before that
        // the pool may only be ahead of what we know.
        missing = due.filter { socket, _ in
            let key = PoolSocket(pool: exposure.pool, socket: socket)
            return !now.contains(socket) && !before.contains(socket)
                && heard > (history.gone[key] ?? firstReadAt)
        }.sorted { $0.key.address < $1.key.address }.map { ($0.key, $0.value) }
        let pods = cluster.endpoints[exposure.service]
        stale = now.intersection(before).filter { socket in
            guard !(pods?.live.contains(socket.address) ?? false) else { return false }
            let key = PoolSocket(pool: exposure.pool, socket: socket)
            let came = history.since[key] ?? latest.at
            let orphaned = max(came, pods?.gone[socket.address] ?? firstReadAt)
            return heard > came && world.now - orphaned >= patience
        }.sorted { $0.address < $1.address }
        reason = Self.reason(missing.compactMap(\.member.node), cluster)
    }

    /// The controller leaves out pods of nodes that it does not know or that are not Ready.
    private static func reason(_ nodes: [String], _ cluster: ClusterFacts) -> String {
        let unknown = Set(nodes).filter { cluster.nodes.objects[$0]?.isReady != true }.sorted()
        guard !unknown.isEmpty else { return "" }
        let names = unknown.prefix(3).joined(separator: ", ")
        return ": \(names) not Ready, so the controller leaves its pods out"
    }

    var missingWords: String {
        "\(missing.count) of \(readyCount) ready pods are no members\(reason)"
    }
    var staleWords: String { "\(stale.count) members belong to no pod" }
    var emptiedWords: String { "it has no members, Kubernetes has \(readyCount) ready pods for it" }
    var words: String {
        [missing.isEmpty ? nil : missingWords, stale.isEmpty ? nil : staleWords]
            .compactMap(\.self).joined(separator: ", ")
    }

    func finding(_ kind: Kind, _ what: String) -> Finding {
        let lacking = missing.prefix(4).map { "\($0.socket.address):\($0.socket.port)" }
        let kept = stale.prefix(4).map { "\($0.address):\($0.port)" }
        var evidence = [
            Evidence("kubernetes", exposure.service, "\(readyCount) ready endpoints", at: nil),
            Evidence(loadBalancer, exposure.pool, what, at: readAt),
        ]
        if !lacking.isEmpty {
            evidence.append(
                Evidence(
                    loadBalancer,
                    "not in \(exposure.pool)",
                    lacking.joined(separator: ", "),
                    at: readAt
                )
            )
        }
        if !kept.isEmpty {
            evidence.append(
                Evidence(
                    loadBalancer,
                    "only in \(exposure.pool)",
                    kept.joined(separator: ", "),
                    at: readAt
                )
            )
        }
        return Finding(
            kind,
            loadBalancer: loadBalancer,
            pool: exposure.pool,
            since: missing.map(\.member.since).min(),
            what: what,
            evidence: evidence,
            verify: [
                Verification(on: loadBalancer, "tmsh list ltm pool \(exposure.pool) members"),
                Verification(
                    on: "kubectl",
                    "kubectl get endpointslices -n \(exposure.namespace) -l kubernetes.io/service-name=\(exposure.serviceName)"
                ),
            ],
            hold: kind == .ltmPoolsFrozen ? nil : kind == .ltmPoolEmptied ? 0 : together
        )
    }
}

extension Exposure {
    /// `/K8S/Shared/pool` → `K8S`.
    fileprivate var partition: String {
        String(pool.split(separator: "/").first ?? "")
    }
    fileprivate var namespace: String { String(service.split(separator: "/").first ?? "") }
    fileprivate var serviceName: String { String(service.split(separator: "/").last ?? "") }
}

extension LoadBalancerTable {
    fileprivate func sockets(of pool: String) -> Set<ServiceEndpoints.Socket> {
        Set(
            members.lazy.filter { $0.pool == pool }.compactMap { member in
                member.address.map { ServiceEndpoints.Socket(address: $0, port: member.port) }
            }
        )
    }
}
