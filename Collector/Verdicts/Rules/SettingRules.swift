// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Settings that break nothing by themselves and explain much: they are told as they stand, for a person to
/// decide.
func settingFindings(in world: World) -> [Finding] {
    controllerFindings(in: world) + masqueradeFindings(in: world)
}

// MARK: - cis-misconfigured

/// Each Deployment of the F5 controller that runs, in this order: more than one replica, members that are no
/// pods, any certificate taken for the BIG-IP's.
private func controllerFindings(in world: World) -> [Finding] {
    guard let cluster = world.snapshot.kubernetes else { return [] }
    return cluster.controllers.objects.sorted { $0.key < $1.key }.compactMap { key, controller in
        let faults = faults(of: controller)
        guard controller.replicas > 0, !faults.isEmpty else { return nil }
        let heard = cluster.controllers.lastHeard
        let (namespace, name) = split(key)
        var finding = Finding(
            .cisMisconfigured,
            loadBalancer: loadBalancer(of: controller, in: world),
            what: "\(key) \(list(faults.map(\.words)))",
            evidence: faults.map {
                Evidence("kubernetes", "Deployment \(key)", $0.value, at: heard)
            },
            verify: [
                Verification(
                    on: "kubernetes",
                    "kubectl -n \(namespace) get deployment \(name) -o yaml",
                    shows: list(faults.map(\.value))
                )
            ]
        )
        finding.source = key
        return finding
    }
}

private func faults(of controller: F5Controller) -> [(words: String, value: String)] {
    var faults: [(words: String, value: String)] = []
    if controller.replicas > 1 {
        let count = controller.replicas
        faults.append(("runs with \(count) replicas, which undo each other", "replicas \(count)"))
    }
    if let type = controller.poolMemberType.map({ String($0.prefix(32)) }), type != "cluster" {
        faults.append(
            ("has pool-member-type \(type), not cluster", "pool-member-type \(type)")
        )
    }
    if controller.isInsecure {
        faults.append(("takes any certificate for the BIG-IP's (insecure)", "insecure"))
    }
    return faults
}

/// The one whose partitions it writes; the only one where it does not say.
private func loadBalancer(of controller: F5Controller, in world: World) -> String? {
    let all = world.snapshot.loadBalancers
    let written = all.values.filter { facts in
        let read = facts.activeUnit(at: world.now)?.latest?.value.partitions ?? []
        return !read.isDisjoint(with: controller.partitions)
    }
    let meant = written.isEmpty ? Array(all.values) : written
    return meant.count == 1 ? meant[0].name : nil
}

/// `kube-system/k8s-bigip-ctlr`.
func split(_ key: String) -> (namespace: String, name: String) {
    let parts = key.split(separator: "/", maxSplits: 1).map(String.init)
    return parts.count == 2 ? (parts[0], parts[1]) : ("default", key)
}

private func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    // Where one of them has a comma of its own.
    let mark = words.contains { $0.contains(",") } ? ", and " : " and "
    return words.dropLast().joined(separator: ", ") + mark + last
}

// MARK: - masquerade-outside

/// Networks from which a load balancer speaks to pods and to which a node lets no pod speak with its own
/// address: the LTM sees the node's in what pods open to it.
private func masqueradeFindings(in world: World) -> [Finding] {
    guard let rules = world.snapshot.kubernetes?.masquerading else { return [] }
    let heard = world.snapshot.kubernetes?.masqueradingHeard
    let loadBalancers = world.snapshot.loadBalancers.values.sorted { $0.name < $1.name }
    return loadBalancers.flatMap { facts -> [Finding] in
        guard let sight = world.sight(of: facts.name)?.routes.active?.latest else { return [] }
        let networks = Set(world.paths.compactMap { sight.network(towards: $0.prefix) })
        return networks.sorted().compactMap { network in
            guard let rule = rules.rule(against: network) else { return nil }
            let inside = rule.networks.map(\.description).sorted().prefix(4).joined(separator: ", ")
            return Finding(
                .masqueradeOutside,
                loadBalancer: facts.name,
                what:
                    "\(rules.whose) masquerades towards the LTM's network \(network), which is outside of"
                    + " \(rule.setting) \(inside): what pods open to it shows their node's"
                    + " address (SNAT); what it opens to pods is not touched",
                evidence: [
                    Evidence("kubernetes", rule.setting, inside, at: heard),
                    Evidence(facts.name, "network towards the pods", "\(network)", at: nil),
                ],
                verify: rules.sources.map { source in
                    let (namespace, name) = split(source)
                    return Verification(
                        on: "kubernetes",
                        "kubectl -n \(namespace) get configmap \(name) -o yaml",
                        shows: "no network there that contains \(network)"
                    )
                }
            )
        }
    }
}

/// What counts of all that ConfigMaps say of masquerading.
private struct MasqueradeRules {
    let byFamily: [AddressFamily: MasqueradeRule]
    /// Their keys.
    let sources: [String]

    /// By whose word.
    var whose: String { sources.contains { $0.hasSuffix("/\(agentName)") } ? agentName : "Cilium" }

    /// The rule that leaves all of the network outside; a network that is partly inside may be meant.
    func rule(against network: Prefix) -> MasqueradeRule? {
        guard let rule = byFamily[network.family], !rule.networks.isEmpty,
            !rule.networks.contains(where: { $0.overlaps(network) })
        else { return nil }
        return rule
    }
}

extension ClusterFacts {
    /// Nil where not all of it is known. Cilium decides where it masquerades, and asks the agent's ConfigMap
    /// if it is told to; else the agent does.
    ///
    /// Anybody may have a ConfigMap of such a name: of the agent's the one counts that stands beside Cilium's,
    /// or where Kubernetes' own parts stand.
    fileprivate var masquerading: MasqueradeRules? {
        guard ciliumSettings.isComplete, masqueradeAgents.isComplete else { return nil }
        let cilium = ciliumSettings.objects.min { rank($0.key) < rank($1.key) }
        let home = cilium.map { split($0.key).namespace } ?? systemNamespace
        let agentKey = "\(home)/\(agentName)"
        let agent = masqueradeAgents.objects[agentKey]
        guard let cilium else {
            return agent.map { MasqueradeRules(byFamily: $0.rules, sources: [agentKey]) }
        }
        var rules = cilium.value.rules
        guard cilium.value.asksAgent, let agent else {
            return MasqueradeRules(byFamily: rules, sources: [cilium.key])
        }
        for (family, rule) in agent.rules { rules[family]?.networks += rule.networks }
        return MasqueradeRules(byFamily: rules, sources: [cilium.key, agentKey])
    }

    fileprivate var masqueradingHeard: Timestamp? {
        [ciliumSettings.lastHeard, masqueradeAgents.lastHeard].compactMap(\.self).max()
    }
}

private let systemNamespace = "kube-system"
private let agentName = "ip-masq-agent"

private func rank(_ key: String) -> String {
    let namespace = split(key).namespace
    return namespace == systemNamespace ? "" : namespace
}
