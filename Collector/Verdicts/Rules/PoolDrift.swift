// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// One pool beside what it should hold.
struct PoolDrift {
    typealias Socket = ServiceEndpoints.Socket

    let loadBalancer: String
    let exposure: Exposure
    /// When the pool's members were asked for.
    let readAt: Timestamp
    /// It is not as Kubernetes wants it now, be it for a moment: worth another look soon.
    let differs: Bool
    private let hasVanished: Bool
    private(set) var missing: [(socket: Socket, node: String?, since: Timestamp)] = []
    private(set) var stale: [(socket: Socket, since: Timestamp)] = []
    private(set) var isEmptied = false
    private let readyCount: Int
    /// Why the controller leaves some of the missing out, where that is known.
    private var reason = ""

    /// The patience is the hold: it counts for each pod by itself, not for the pool. This much more, so
    /// that pools that drift together are told together; milliseconds.
    private static let together: Int64 = 2_000

    var isDrifting: Bool { !missing.isEmpty || !stale.isEmpty }

    /// Nil where nothing can be said.
    init?(_ asked: Exposure, _ cluster: ClusterFacts, _ sight: PoolSight, in world: World) {
        guard let name = sight.name(of: asked) else { return nil }
        var exposure = asked
        exposure.pool = name
        let pool = sight.pool(exposure.pool)
        let now = pool?.sockets ?? []
        guard let expected = cluster.expected(in: exposure), let heard = cluster.poolsHeard,
            let exposedSince = cluster.exposedSince[asked.pool],
            sight.latest.value.partitions.contains(exposure.partition),
            pool != nil || sight.hasVanished(exposure.pool),
            !world.areNodes(now.map(\.address))
        else { return nil }
        loadBalancer = sight.name
        self.exposure = exposure
        hasVanished = pool == nil
        readAt = pool?.began ?? sight.latest.at
        readyCount = expected.count
        differs = Set(expected.keys) != now
        let (began, patience) = (readAt, world.snapshot.memberPatience)
        // What differs counts once Kubernetes was heard of after the pool came to be as it is: before that
        // the pool may only be ahead of what we know.
        for (socket, member) in expected where !now.contains(socket) {
            let went = sight.history.gone[PoolSocket(pool: exposure.pool, socket: socket)]
            let since = max(member.since, exposedSince, went ?? .zero)
            guard began - since >= patience, heard > since else { continue }
            missing.append((socket, member.node, since))
        }
        let due = expected.values.filter { began - max($0.since, exposedSince) >= patience }
        let emptied = sight.history.lastGone(of: exposure.pool) ?? exposedSince
        isEmptied = now.isEmpty && !due.isEmpty && heard > emptied
        // Absence is believed of two reads.
        let before = pool?.previousSockets
        missing = missing.filter { before?.contains($0.socket) == false }
            .sorted { $0.socket.address < $1.socket.address }
        findStale(
            now.intersection(before ?? []),
            cluster,
            sight,
            heard: heard,
            exposedSince,
            patience
        )
        reason = leftOut(in: cluster)
    }

    private mutating func findStale(
        _ members: Set<Socket>,
        _ cluster: ClusterFacts,
        _ sight: PoolSight,
        heard: Timestamp,
        _ exposedSince: Timestamp,
        _ patience: Int64
    ) {
        let pods = cluster.endpoints[exposure.service]
        let firstReadAt = sight.history.firstReadAt ?? readAt
        for socket in members where !(pods?.live.contains(socket.address) ?? false) {
            let key = PoolSocket(pool: exposure.pool, socket: socket)
            let came = sight.history.since[key] ?? readAt
            let orphaned = max(came, exposedSince, pods?.gone[socket.address] ?? firstReadAt)
            guard heard > came, readAt - orphaned >= patience else { continue }
            stale.append((socket, orphaned))
        }
        stale.sort { $0.socket.address < $1.socket.address }
    }

    /// The controller leaves out pods of nodes that are not Ready.
    private func leftOut(in cluster: ClusterFacts) -> String {
        guard cluster.nodes.isComplete, cluster.nodes.failure == nil else { return "" }
        let unready = missing.compactMap(\.node).filter {
            cluster.nodes.objects[$0].map { $0.isReady != true } ?? false
        }
        guard !unready.isEmpty else { return "" }
        let names = Set(unready).sorted().prefix(3).joined(separator: ", ")
        let some = unready.count == missing.count ? "" : "\(unready.count) of them on "
        return
            ": \(some)\(names) \(some.isEmpty && !names.contains(",") ? "is " : "")not Ready, whose pods newer controllers leave out"
    }

    // MARK: - Words

    var missingWords: String {
        missing.count == 1
            ? "1 of \(readyCount) ready pods is not a member\(reason)"
            : "\(missing.count) of \(readyCount) ready pods are not members\(reason)"
    }
    var staleWords: String {
        stale.count == 1 ? "1 member belongs to no pod" : "\(stale.count) members belong to no pod"
    }
    var emptiedWords: String {
        let what = hasVanished ? "the pool is gone" : "it has no members"
        return "\(what), Kubernetes has \(readyCount) ready pods for it"
    }
    var words: String {
        [missing.isEmpty ? nil : missingWords, stale.isEmpty ? nil : staleWords]
            .compactMap(\.self).joined(separator: ", ")
    }

    func finding(_ kind: Kind, _ what: String, in world: World) -> Finding {
        Finding(
            kind,
            loadBalancer: loadBalancer,
            pool: exposure.pool,
            since: (missing.map(\.since) + stale.map(\.since)).min(),
            what: what,
            evidence: evidence(what),
            verify: commands(kind, in: world),
            hold: kind == .ltmPoolsFrozen ? nil : kind == .ltmPoolEmptied ? 0 : Self.together
        )
    }

    /// What the controller says comes first where it is the controller that is meant.
    private func commands(_ kind: Kind, in world: World) -> [Verification] {
        let slices =
            "kubectl get endpointslices -n \(exposure.namespace)"
            + " -l kubernetes.io/service-name=\(exposure.serviceName) -o yaml"
        let pool = [
            Verification(
                on: world.device(of: loadBalancer),
                showMembers(of: exposure.pool),
                shows: hasVanished ? "was not found" : "the members that it has"
            ),
            Verification(on: "kubernetes", slices)
                .showing("the ready addresses that it should have"),
        ]
        let logs = world.controllerLogs(of: exposure.partition)
        return kind == .ltmPoolsFrozen ? [logs] + pool : pool + [logs]
    }

    private func evidence(_ what: String) -> [Evidence] {
        var evidence = [
            Evidence("kubernetes", exposure.service, "\(readyCount) ready endpoints", at: nil),
            Evidence(loadBalancer, exposure.pool, what, at: readAt),
        ]
        func add(_ fact: String, _ sockets: [String]) {
            guard !sockets.isEmpty else { return }
            let value = sockets.prefix(4).joined(separator: ", ")
            evidence.append(Evidence(loadBalancer, "\(fact) \(exposure.pool)", value, at: readAt))
        }
        add(
            "not in",
            missing.map { socket, node, _ in
                socketText(socket.address, socket.port) + (node.map { " on \($0)" } ?? "")
            }
        )
        add("only in", stale.map { socketText($0.socket.address, $0.socket.port) })
        return evidence
    }
}

extension Exposure {
    /// `/K8S/Shared/pool` → `K8S`.
    fileprivate var partition: String { String(pool.split(separator: "/").first ?? "") }
    fileprivate var namespace: String { String(service.split(separator: "/").first ?? "") }
    fileprivate var serviceName: String { String(service.split(separator: "/").last ?? "") }
}

extension World {
    /// What the F5 controller that writes the partition says; where several may be meant, or none is known, where it is.
    fileprivate func controllerLogs(of partition: String) -> Verification {
        let all = (snapshot.kubernetes?.controllers.objects ?? [:]).filter { $0.value.replicas > 0 }
        let writing = all.filter { $0.value.partitions.contains(partition) }
        let meant = writing.isEmpty ? all : writing
        guard meant.count == 1, let (namespace, name) = meant.keys.first.map(split) else {
            let list = "kubectl get deployments -A -o wide | grep k8s-bigip-ctlr"
            return Verification(on: "kubernetes", list, shows: "where the F5 controllers run")
        }
        let logs = "kubectl -n \(namespace) logs deployment/\(name) --since=10m"
        return Verification(
            on: "kubernetes",
            logs,
            shows: "why the controller did not write it: refused by the BIG-IP, or not asked"
        )
    }

    /// A pool of node ports: its members are no pods, and none of this tells of it.
    fileprivate func areNodes(_ addresses: [IPAddress]) -> Bool {
        !addresses.isEmpty && addresses.allSatisfy { addressOwners[$0] != nil }
    }
}
