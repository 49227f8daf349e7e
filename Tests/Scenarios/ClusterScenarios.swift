// SPDX-License-Identifier: Apache-2.0
import Facts
import Incidents
import Routing
import Support
import Testing
import Verdicts

/// The small site as Kubernetes tells it: nodes n1…n4, Services web and api with a pod on each node, which
/// the F5 controller exposes as the pools /K8S/web and /K8S/api.
@Suite struct ClusterScenarios {
    private func site() -> Site {
        var site = Site()
        site.snapshot.intentSource = .kubernetes
        site.snapshot.kubernetes = ClusterFacts()
        tell(&site, .ciliumNodes(.notOffered))
        tell(&site, .blockAffinities(.notOffered))
        tell(&site, .nodes(.listed(nodes())))
        let port = ClusterService.Port(name: "http", number: 80)
        tell(
            &site,
            .services(
                .listed([
                    "default/web": ClusterService(ports: [port]),
                    "default/api": ClusterService(ports: [port]),
                ])
            )
        )
        tell(
            &site,
            .exposures(
                .listed([
                    "default/web": Exposure(pool: "/K8S/web", service: "default/web", port: 80),
                    "default/api": Exposure(pool: "/K8S/api", service: "default/api", port: 80),
                ])
            )
        )
        tell(
            &site,
            .endpointSlices(
                .listed(["web-1": slice("web", 10), "api-1": slice("api", 11)])
            )
        )
        for _ in 0..<2 { cycle(&site) }
        return site
    }

    private func nodes() -> [String: ClusterNode] {
        var nodes: [String: ClusterNode] = [:]
        for index in 1...4 {
            nodes["n\(index)"] = ClusterNode(
                podCIDRs: [Site.cidr(index)],
                addresses: [address("10.1.0.\(index)"), address("10.2.0.\(index)")],
                createdAt: at(0)
            )
        }
        return nodes
    }

    /// A pod on each node but those left out.
    private func slice(_ service: String, _ host: Int, without missing: Set<Int> = [])
        -> EndpointSlice
    {
        EndpointSlice(
            service: "default/\(service)",
            endpoints: (1...4).filter { !missing.contains($0) }.map { index in
                EndpointSlice.Endpoint(
                    address: address("10.16.\(index - 1).\(host)"),
                    node: "n\(index)",
                    isReady: true
                )
            },
            ports: [ClusterService.Port(name: "http", number: 80)]
        )
    }

    private func tell(_ site: inout Site, _ update: ClusterUpdate) {
        site.snapshot.apply(.cluster(update), at: site.now)
    }

    private func cycle(
        _ site: inout Site,
        every period: Int64 = 15_000,
        isHeard: Bool = true,
        _ change: (inout LoadBalancerTable) -> Void = { _ in }
    ) {
        site.pass(period)
        site.heartbeats()
        if isHeard {
            tell(&site, .endpointSlices(.heard))
            tell(&site, .services(.heard))
            tell(&site, .exposures(.heard))
        }
        for name in ["a", "b"] { site.read(name, .read(site.table(name))) }
        site.readLTM(
            .read(
                site.loadBalancer { table in
                    table.partitions = ["K8S"]
                    change(&table)
                }
            )
        )
    }

    private func drop(_ table: inout LoadBalancerTable, _ pool: String, _ host: String) {
        table.all.removeAll { $0.pool == pool && $0.address == address(host) }
    }

    // MARK: - Intent

    @Test("what Kubernetes tells is a healthy site")
    func healthy() {
        let site = site()
        #expect(site.kinds == [])
        #expect(site.judgement.paths.count == 4)
    }

    @Test("no-pod-cidr: a node that nobody gave one")
    func noPodCIDR() {
        var site = site()
        tell(&site, .nodes(.changed(["n5": ClusterNode(podCIDRs: [], createdAt: at(0))])))
        site.report(1)
        let verdict = site.judgement.verdicts.first { $0.kind == .noPodCIDR }
        #expect(verdict?.subject.node == "n5")
        #expect(verdict?.summary.hasPrefix("n5 has no pod CIDR") ?? false)
        tell(&site, .nodes(.changed(["n5": nil])))
        #expect(site.kinds == [])
    }

    private func unready(_ index: Int) -> ClusterUpdate {
        var node = nodes()["n\(index)"] ?? ClusterNode(podCIDRs: [])
        node.isReady = false
        return .nodes(.changed(["n\(index)": node]))
    }

    @Test("ready-but-unreachable: a node that is NotReady and whose members are up")
    func attracting() {
        var site = site()
        site.pass(700_000)
        for _ in 0..<2 { cycle(&site) }
        tell(&site, unready(2))
        #expect(site.kinds == [.readyButUnreachable])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(node: "n2"))
        #expect(verdict.impact.prefixes == [Site.cidr(2)])
        #expect(
            verdict.summary
                == "n2: Kubernetes calls it NotReady, yet switches and ltm-1 send to it: 2"
                + " pool members are up"
        )
        tell(&site, .nodes(.listed(nodes())))
        #expect(site.kinds == [])
    }

    @Test("a node that is NotReady, as it should be: its members are down, or gone")
    func wellBehaved() {
        var site = site()
        site.pass(700_000)
        tell(&site, unready(2))
        for _ in 0..<2 {
            cycle(&site) { table in
                table.all.removeAll { $0.address.map(Site.cidr(2).contains) ?? false }
            }
        }
        #expect(!site.kinds.contains(.readyButUnreachable))
        tell(&site, .nodes(.failed("HTTP 503")))
        cycle(&site)
        #expect(!site.kinds.contains(.readyButUnreachable))
    }

    @Test("nodes that are NotReady all at once, and still attract traffic, are one verdict")
    func fleetUnready() {
        var site = site()
        site.pass(700_000)
        for _ in 0..<2 { cycle(&site) }
        for index in 1...4 { tell(&site, unready(index)) }
        #expect(site.judgement.verdicts.map(\.identity) == ["ready-but-unreachable/fleet"])
        #expect(site.judgement.verdicts[0].impact.nodes.count == 4)
    }

    @Test("ready-but-unreachable: no switch has the CIDR, and no agent tells why")
    func unexplained() {
        var site = site()
        site.pass(700_000)
        cycle(&site)
        site.snapshot.nodes["n3"] = nil
        for _ in 0..<3 {
            site.pass(15_000)
            site.heartbeats()
            for name in ["a", "b"] {
                var table = site.table(name)
                table.routes[Site.cidr(3)] = nil
                site.read(name, .read(table))
            }
        }
        #expect(site.kinds.contains(.readyButUnreachable))
        #expect(
            site.judgement.verdicts.first { $0.kind == .readyButUnreachable }?.summary
                == "n3: Kubernetes calls it Ready, yet no switch has its pod CIDRs"
        )
    }

    @Test("where no agents are configured nobody is silent")
    func noAgents() {
        var site = site()
        site.snapshot.hasAgents = false
        site.snapshot.nodes = [:]
        site.pass(700_000)
        cycle(&site)
        #expect(!site.kinds.contains(.agentSilent))
    }

    @Test("owner-disagreement: Node and CiliumNode name different CIDRs; the CNI's word counts")
    func disagreement() {
        var site = site()
        var cilium: [String: CNINode] = [:]
        for index in 1...4 { cilium["n\(index)"] = CNINode(podCIDRs: [Site.cidr(index)]) }
        tell(&site, .ciliumNodes(.listed(cilium)))
        #expect(site.kinds == [])
        var node = nodes()["n3"] ?? ClusterNode(podCIDRs: [])
        node.podCIDRs = [prefix("10.16.99.0/24")]
        tell(&site, .nodes(.changed(["n3": node])))
        #expect(site.kinds == [.ownerDisagreement])
        #expect(
            site.judgement.verdicts[0].summary
                == "the pod CIDRs of n3 are not agreed on: CiliumNode says 10.16.2.0/24, Node says 10.16.99.0/24;"
                + " podpath goes by CiliumNode"
        )
    }

    @Test("owner-disagreement: the node's kernel and BIRD use a CIDR that no object gives it")
    func disagreementInUse() {
        var site = site()
        site.pass(700_000)
        for _ in 0..<2 { cycle(&site) }
        let other = prefix("10.16.99.0/24")
        site.report(3) { kernel, bird in
            kernel.routes[0].prefix = other
            bird.statics[0].prefix = other
            bird.routes = [other: bird.routes.values.first ?? []]
            bird.exports = [:]
        }
        #expect(site.kinds == [.ownerDisagreement])
        let verdict = site.judgement.verdicts.first
        #expect(verdict?.subject == Subject(node: "n3", prefix: Site.cidr(3)))
        #expect(
            verdict?.summary
                == "the pod CIDRs of n3 are not agreed on: it owns 10.16.2.0/24, its kernel and its BIRD"
                + " use 10.16.99.0/24, which no node owns"
        )
        // On a switch it is no stranger then.
        for _ in 0..<3 {
            cycle(&site)
            for name in ["a", "b"] {
                var table = site.table(name)
                table.routes[other] = table.routes[Site.cidr(3)]
                table.routes[Site.cidr(3)] = nil
                site.read(name, .read(table))
            }
        }
        #expect(site.kinds == [.ownerDisagreement])
    }

    @Test(
        "a CIDR of another size, or of another node, or only in the kernel, is used in place of none"
    )
    func otherUse() {
        for (used, isInBIRD) in [
            ("10.16.99.0/25", true), ("10.16.0.0/24", true), ("10.16.99.0/24", false),
        ] {
            var site = site()
            site.pass(700_000)
            for _ in 0..<2 { cycle(&site) }
            site.report(3) { kernel, bird in
                kernel.routes[0].prefix = prefix(used)
                if isInBIRD { bird.statics[0].prefix = prefix(used) }
            }
            #expect(site.kinds.contains(.kernelRouteMissing))
            #expect(!site.kinds.contains(.ownerDisagreement))
        }
    }

    @Test("agent-silent: an agent that reports under another name than its node has")
    func misnamed() {
        var site = site()
        site.snapshot.nodes["n3.example.com"] = site.snapshot.nodes["n3"]
        site.snapshot.nodes["n3"] = nil
        site.pass(700_000)
        cycle(&site)
        let verdict = site.judgement.verdicts.first { $0.kind == .agentSilent }
        #expect(
            verdict?.summary
                == "podpath's agent on n3 has not reported since the collector started; one that calls"
                + " itself n3.example.com does, and there is no node of that name; the node's"
                + " traffic may be fine, podpath just cannot see it"
        )
    }

    @Test("what a service's pods were is forgotten an hour after the service")
    func forgotten() {
        var site = site()
        tell(&site, .endpointSlices(.changed(["web-1": nil])))
        #expect(site.snapshot.kubernetes?.endpoints["default/web"]?.gone.count == 4)
        site.pass(3_700_000)
        tell(&site, .endpointSlices(.changed(["api-1": slice("api", 11, without: [1])])))
        #expect(site.snapshot.kubernetes?.endpoints.keys.sorted() == ["default/api"])
    }

    @Test("a node on its way in or out breaks nothing")
    func inTransit() {
        var site = site()
        site.report(3) { kernel, _ in kernel.routes = [] }
        #expect(site.kinds == [.kernelRouteMissing])
        var node = nodes()["n3"] ?? ClusterNode(podCIDRs: [])
        node.isBeingDeleted = true
        tell(&site, .nodes(.changed(["n3": node])))
        #expect(site.kinds == [])
        node.isBeingDeleted = false
        node.createdAt = site.now - 590_000
        tell(&site, .nodes(.changed(["n3": node])))
        #expect(site.kinds == [])
        site.pass(10_000)
        site.heartbeats()
        #expect(site.kinds == [.kernelRouteMissing])
    }

    @Test("an API server that is gone changes nothing but what is told of it")
    func apiServerGone() {
        var site = site()
        for _ in 0..<6 {
            cycle(&site)
            for _ in 0..<2 { tell(&site, .nodes(.failed("no answer: connection refused"))) }
        }
        #expect(site.kinds == [.sourceUnreadable])
        #expect(
            site.judgement.verdicts[0].summary
                == "a part of the API server cannot be read: nodes: no answer: connection refused"
        )
        #expect(site.judgement.paths.count == 4)
        tell(&site, .nodes(.heard))
        #expect(site.kinds == [])
    }

    @Test("where all that it offers fails it is the API server, and no part of it")
    func apiServerGoneWhole() {
        var site = site()
        let reason = "HTTP 503: unavailable"
        tell(&site, .ciliumNodes(.notOffered))
        tell(&site, .blockAffinities(.notOffered))
        for _ in 0..<6 {
            cycle(&site)
            for _ in 0..<2 {
                tell(&site, .nodes(.failed(reason)))
                tell(&site, .services(.failed(reason)))
                tell(&site, .endpointSlices(.failed(reason)))
                tell(&site, .exposures(.failed(reason)))
            }
        }
        #expect(
            site.judgement.verdicts.first?.summary.hasPrefix("the API server cannot be read: ")
                == true
        )
    }

    @Test("a resource that an API server has not loaded yet takes nothing away")
    func notLoadedYet() {
        var site = site()
        var cilium: [String: CNINode] = [:]
        for index in 1...4 { cilium["n\(index)"] = CNINode(podCIDRs: [Site.cidr(index)]) }
        tell(&site, .ciliumNodes(.listed(cilium)))
        let before = site.judgement.paths
        tell(&site, .ciliumNodes(.notOffered))
        #expect(site.judgement.paths == before)
        #expect(site.snapshot.kubernetes?.ciliumNodes.failure != nil)
    }

    // MARK: - Pools

    @Test("ltm-member-missing: a ready pod that two reads lack for two minutes")
    func memberMissing() {
        var site = site()
        for _ in 0..<10 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        #expect(site.kinds == [.ltmMemberMissing])
        let verdict = site.judgement.verdicts[0]
        #expect(verdict.subject == Subject(loadBalancer: "ltm-1", pool: "/K8S/web"))
        #expect(
            verdict.summary == "pool /K8S/web of ltm-1: 1 of 4 ready pods is not a member"
        )
        #expect(verdict.evidence.contains { $0.value == "10.16.2.10:80 on n3" })
    }

    /// The pool web, exposed in another way than by a ConfigMap of its own.
    private func exposed(_ update: ClusterUpdate, as3: Bool = false) -> Site {
        var site = site()
        tell(&site, .exposures(.changed(["default/web": nil])))
        tell(&site, update)
        if as3 {
            let port = ClusterService.Port(name: "http", number: 80)
            let service = ClusterService(ports: [port], as3Pool: "/K8S/web")
            tell(&site, .services(.changed(["default/web": service])))
        }
        for _ in 0..<10 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        return site
    }

    @Test("a pool of a declaration for AS3 is filled by the Service that bears its labels")
    func declared() {
        let declared = ClusterUpdate.exposures(
            .changed(["default/m#/K8S/web": Exposure(pool: "/K8S/web", service: "", port: 80)])
        )
        #expect(exposed(declared, as3: true).kinds == [.ltmMemberMissing])
        #expect(exposed(declared).kinds == [])
    }

    @Test("a VirtualServer's pool is found by whichever name the controller gave it")
    func customResource() {
        var exposure = Exposure(pool: "/*/Shared/web_80_default", service: "default/web", port: 80)
        exposure.alternatives = ["/*/web"]
        let site = exposed(.virtualServers(.listed(["default/web#0": exposure])))
        #expect(site.kinds == [.ltmMemberMissing])
        #expect(site.judgement.verdicts[0].subject.pool == "/K8S/web")
        exposure.alternatives = []
        #expect(exposed(.virtualServers(.listed(["default/web#0": exposure]))).kinds == [])
    }

    @Test("labels that were given a moment ago make no pool empty")
    func labelledNow() {
        var site = site()
        tell(&site, .exposures(.changed(["default/web": nil])))
        let declared = Exposure(pool: "/K8S/web", service: "", port: 80)
        tell(&site, .exposures(.changed(["default/m#/K8S/web": declared])))
        func empty(_ table: inout LoadBalancerTable) {
            table.pools["/K8S/web"] = LoadBalancerPool()
        }
        for _ in 0..<12 { cycle(&site, empty) }
        let port = ClusterService.Port(name: "http", number: 80)
        let service = ClusterService(ports: [port], as3Pool: "/K8S/web")
        tell(&site, .services(.changed(["default/web": service])))
        for _ in 0..<2 { cycle(&site, empty) }
        #expect(site.kinds == [])
        for _ in 0..<9 { cycle(&site, empty) }
        #expect(site.kinds == [.ltmPoolEmptied])
    }

    @Test(
        "a pool that several objects ask for is one pool, and stays asked for when one of them goes"
    )
    func askedTwice() {
        let exposure = Exposure(pool: "/K8S/web", service: "default/web", port: 80)
        var site = exposed(
            .virtualServers(.listed(["a#0": exposure, "a#1": exposure, "b#0": exposure]))
        )
        #expect(site.kinds == [.ltmMemberMissing])
        tell(&site, .virtualServers(.changed(["a#1": nil])))
        cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") }
        #expect(site.kinds == [.ltmMemberMissing])
    }

    @Test("a pool that is listed again, and whose turn has not come, is not gone")
    func awaited() {
        var site = site()
        for _ in 0..<10 { cycle(&site) }
        cycle(&site) { $0.pools["/K8S/web"] = nil }
        cycle(&site) { table in
            table.pools["/K8S/web"] = nil
            table.awaitedPools = ["/K8S/web"]
        }
        #expect(site.kinds == [])
    }

    @Test("the controller's resources that one may not read hide nothing of what ConfigMaps expose")
    func forbidden() {
        var site = site()
        tell(&site, .virtualServers(.failed("HTTP 403")))
        tell(&site, .transportServers(.failed("HTTP 403")))
        for _ in 0..<10 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        #expect(site.kinds == [.ltmMemberMissing])
    }

    @Test("a pod that became ready a moment ago may still be on its way into the pool")
    func memberOnItsWay() {
        var site = site()
        tell(&site, .endpointSlices(.changed(["web-1": slice("web", 10, without: [3])])))
        for _ in 0..<9 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        #expect(site.kinds == [])
        tell(&site, .endpointSlices(.changed(["web-1": slice("web", 10)])))
        for _ in 0..<8 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        #expect(site.kinds == [])
        cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") }
        #expect(site.kinds == [.ltmMemberMissing])
    }

    @Test("a pod on a node that is not Ready is left out by the controller, and that is told")
    func nodeCache() {
        var site = site()
        var node = nodes()["n3"] ?? ClusterNode(podCIDRs: [])
        node.isReady = false
        tell(&site, .nodes(.changed(["n3": node])))
        for _ in 0..<10 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        #expect(
            site.judgement.verdicts[0].summary.hasSuffix(
                "1 of 4 ready pods is not a member: n3 is not Ready, whose pods newer controllers leave out"
            )
        )
    }

    @Test("ltm-member-stale: an address that has been nobody's for two minutes")
    func memberStale() {
        var site = site()
        tell(&site, .endpointSlices(.changed(["web-1": slice("web", 10, without: [3])])))
        for _ in 0..<8 { cycle(&site) }
        #expect(site.kinds == [])
        cycle(&site)
        #expect(site.kinds == [.ltmMemberStale])
        #expect(
            site.judgement.verdicts[0].summary
                == "pool /K8S/web of ltm-1: 1 member belongs to no pod"
        )
    }

    @Test("a pool that is ahead of what was heard of Kubernetes is not wrong")
    func behind() {
        var site = site()
        let other = { (table: inout LoadBalancerTable) in
            table.all.append(Site().member("/K8S/web", "10.16.2.77", isUp: true))
            table.all.removeAll { $0.address == address("10.16.2.10") && $0.pool == "/K8S/web" }
        }
        for _ in 0..<12 { cycle(&site, isHeard: false, other) }
        #expect(site.kinds == [])
        tell(&site, .endpointSlices(.interrupted))
        #expect(site.judgement.unjudged.contains(Unjudged(.ltmMemberStale)))
        tell(&site, .endpointSlices(.heard))
        tell(&site, .services(.heard))
        tell(&site, .exposures(.heard))
        #expect(site.kinds == [.ltmMemberMissing])
        #expect(site.judgement.verdicts[0].summary.hasSuffix("1 member belongs to no pod"))
    }

    @Test("while Kubernetes is not watched an incident of a pool stays as it is")
    func notTakenBack() {
        var site = site()
        var ledger = IncidentLedger(cluster: "lab", policy: AlertPolicy())
        for _ in 0..<12 {
            cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") }
            _ = ledger.step(site.judgement, now: site.now)
        }
        #expect(ledger.incidents.map(\.state) == [.firing])
        tell(&site, .endpointSlices(.interrupted))
        for _ in 0..<4 {
            cycle(&site, isHeard: false)
            #expect(ledger.step(site.judgement, now: site.now).isEmpty)
        }
        #expect(ledger.incidents.map(\.state) == [.firing])
    }

    @Test("what the controller did after the last read is not held against it")
    func betweenReads() {
        var site = site()
        tell(&site, .endpointSlices(.changed(["web-1": slice("web", 10, without: [1, 2, 3, 4])])))
        for _ in 0..<4 {
            cycle(&site, every: 60_000) { $0.all.removeAll { $0.pool == "/K8S/web" } }
        }
        tell(&site, .endpointSlices(.changed(["web-1": slice("web", 10)])))
        for _ in 0..<2 {
            cycle(&site, every: 60_000) { $0.all.removeAll { $0.pool == "/K8S/web" } }
        }
        // Two minutes after the pods became ready; the pool was read 55 s ago, and filled since.
        site.pass(55_000)
        site.heartbeats()
        #expect(!site.kinds.contains(.ltmPoolEmptied) && !site.kinds.contains(.ltmMemberMissing))
    }

    @Test("a Service that is exposed only now has the controller's time from now on")
    func exposedNow() {
        var site = site()
        for _ in 0..<9 { cycle(&site) }
        let fresh = Exposure(pool: "/K8S/new", service: "default/web", port: 80)
        tell(&site, .exposures(.changed(["default/new": fresh])))
        func empty(_ table: inout LoadBalancerTable) {
            table.pools["/K8S/new"] = LoadBalancerPool()
        }
        for _ in 0..<8 { cycle(&site, empty) }
        #expect(site.kinds == [])
        for _ in 0..<2 { cycle(&site, empty) }
        #expect(site.kinds == [.ltmPoolEmptied])
    }

    @Test("a pool that is gone as a whole is an emptied one, once two lists lack it")
    func poolGone() {
        var site = site()
        for _ in 0..<12 { cycle(&site) }
        cycle(&site) { $0.pools["/K8S/web"] = nil }
        #expect(site.kinds == [])
        cycle(&site) { $0.pools["/K8S/web"] = nil }
        #expect(site.kinds == [.ltmPoolEmptied])
        #expect(site.judgement.verdicts[0].summary.contains("the pool is gone"))
        cycle(&site)
        #expect(site.kinds == [])
    }

    @Test("a pool that is not asked in every round: a read that is kept confirms nothing")
    func keptRead() {
        var site = site()
        for _ in 0..<12 { cycle(&site) }
        let began = site.now
        for _ in 0..<12 {
            cycle(&site) { table in
                drop(&table, "/K8S/web", "10.16.2.10")
                table.pools["/K8S/web"]?.began = began
            }
        }
        #expect(site.kinds == [])
        for _ in 0..<12 { cycle(&site) { drop(&$0, "/K8S/web", "10.16.2.10") } }
        #expect(site.kinds == [.ltmMemberMissing])
    }

    @Test("a pool that is asked by itself between rounds is judged by that read")
    func askedBetween() {
        var site = site()
        for _ in 0..<12 { cycle(&site) }
        site.pass(5_000)
        let pools = ["/K8S/web": LoadBalancerPool([], began: site.now)]
        site.snapshot.apply(
            .poolsRead(name: "ltm-1", unit: "u", pools, took: 50),
            at: site.now + 50
        )
        site.pass(100)
        for update in [ClusterUpdate.endpointSlices(.heard), .services(.heard), .exposures(.heard)]
        {
            tell(&site, update)
        }
        #expect(site.kinds == [.ltmPoolEmptied])
        #expect(site.judgement.inDoubt["ltm-1"] == ["/K8S/web"])
        cycle(&site)
        #expect(site.judgement.inDoubt.isEmpty)
    }

    @Test("a pool of node ports and one that was never made are no matter of pods")
    func notOfPods() {
        var site = site()
        site.snapshot.loadBalancers["ltm-1"] = LoadBalancerFacts(
            name: "ltm-1",
            podsVia: .staticRoutes,
            units: ["u": Readings(staleAfter: 45_000)]
        )
        for _ in 0..<12 {
            cycle(&site) { table in
                table.pools["/K8S/web"] = nil
                table.all = (1...4).map { index in
                    var member = Site().member("/K8S/api", "10.1.0.\(index)", isUp: true)
                    member.port = 30_080
                    return member
                }
            }
        }
        #expect(site.kinds == [])
    }

    @Test("an incident of a pool ends although a member elsewhere has no monitor's verdict")
    func resolves() {
        var site = site()
        var ledger = IncidentLedger(cluster: "lab", policy: AlertPolicy())
        for round in 0..<32 {
            cycle(&site) { table in
                if round < 14 { drop(&table, "/K8S/web", "10.16.2.10") }
                for index in table.all.indices where table.all[index].pool == "/K8S/api" {
                    table.all[index].availability = "unknown"
                    table.all[index].monitor = "unchecked"
                }
                if round >= 14 { table.all.removeAll { $0.address == address("10.16.0.10") } }
            }
            _ = ledger.step(site.judgement, now: site.now)
        }
        let told = ledger.incidents.filter { $0.verdict.kind == .ltmMemberMissing }
        #expect(told.contains { $0.state == .resolved })
    }

    @Test("many pools emptied at once is one incident")
    func manyEmptied() {
        var site = site()
        var exposures: [String: Exposure] = [:]
        for name in ["web", "api", "shop"] {
            let pool = Exposure(pool: "/K8S/\(name)", service: "default/web", port: 80)
            exposures["default/\(name)"] = pool
        }
        tell(&site, .exposures(.listed(exposures)))
        for _ in 0..<10 {
            cycle(&site) { table in
                table.pools["/K8S/shop", default: LoadBalancerPool()].members += []
                table.all = []
            }
        }
        #expect(site.kinds == [.ltmPoolEmptied])
        #expect(site.judgement.verdicts[0].subject == Subject(loadBalancer: "ltm-1"))
        #expect(site.judgement.verdicts[0].impact.pools.count == 3)
    }

    @Test("of a dual-stack Service the virtual server's family counts")
    func dualStack() {
        var site = site()
        var both = slice("web", 10)
        both.endpoints += (1...4).map { index in
            EndpointSlice.Endpoint(
                address: address("fd00::\(index)"),
                node: "n\(index)",
                isReady: true
            )
        }
        tell(&site, .endpointSlices(.changed(["web-1": both])))
        for _ in 0..<12 { cycle(&site) }
        #expect(site.kinds == [])
    }

    @Test("two allocators that differ on every node are the cluster's design")
    func byDesign() {
        var site = site()
        var cilium: [String: CNINode] = [:]
        var other: [String: ClusterNode] = nodes()
        for index in 1...4 {
            cilium["n\(index)"] = CNINode(podCIDRs: [Site.cidr(index)])
            other["n\(index)"]?.podCIDRs = [prefix("10.16.\(index + 100).0/24")]
        }
        tell(&site, .ciliumNodes(.listed(cilium)))
        tell(&site, .nodes(.listed(other)))
        #expect(site.kinds == [])
    }

    @Test("a Calico block is a blackhole on its node, in the kernel and in BIRD, and works")
    func calicoBlock() {
        var site = site()
        var blocks: [String: BlockAffinity] = [:]
        for index in 1...4 {
            blocks["n\(index)"] = BlockAffinity(
                node: "N\(index).example",
                block: Site.cidr(index),
                isConfirmed: true
            )
        }
        tell(&site, .blockAffinities(.listed(blocks)))
        for index in 1...4 {
            site.report(index) { kernel, bird in
                kernel.routes = [
                    KernelRoute(prefix: Site.cidr(index), destination: .blackhole, nextHops: [])
                ]
                bird.routes[Site.cidr(index)]?[0].destination = .blackhole
            }
        }
        #expect(site.judgement.paths.count == 4)
        #expect(site.kinds == [])
    }

    @Test("ltm-pool-emptied: no members, though pods have long been ready")
    func poolEmptied() {
        var site = site()
        for _ in 0..<7 { cycle(&site) }
        for _ in 0..<2 { cycle(&site) { $0.all.removeAll { $0.pool == "/K8S/web" } } }
        #expect(site.kinds == [.ltmPoolEmptied])
        #expect(site.judgement.verdicts[0].severity == .critical)
    }

    @Test("ltm-pools-frozen: most pools drift at once, and that is the controller")
    func poolsFrozen() {
        var site = site()
        var exposures: [String: Exposure] = [:]
        for name in ["web", "api", "shop"] {
            exposures["default/\(name)"] = Exposure(
                pool: "/K8S/\(name)",
                service: "default/web",
                port: 80
            )
        }
        tell(&site, .exposures(.listed(exposures)))
        let made = site
        func drift(_ table: inout LoadBalancerTable) {
            table.pools["/K8S/shop", default: LoadBalancerPool()].members += []
            table.all = []
            for pool in table.pools.keys.sorted() {
                for index in 1...3 {
                    table.all.append(made.member(pool, "10.16.\(index - 1).10", isUp: true))
                }
            }
        }
        for _ in 0..<10 { cycle(&site, drift) }
        #expect(site.kinds == [.ltmPoolsFrozen])
        #expect(
            site.judgement.verdicts[0].summary
                == "ltm-1: 3 pools differ from Kubernetes at the same time, the controller does not"
                + " write them;"
                + " /K8S/api: 1 of 4 ready pods is not a member"
        )
    }

    @Test("while Kubernetes or the pools are not known nothing is said of members")
    func unknown() {
        var site = site()
        for _ in 0..<7 {
            cycle(&site) {
                $0.partitions = ["Common"]; $0.all = []
            }
        }
        #expect(site.kinds == [])
        for _ in 0..<6 {
            tell(&site, .endpointSlices(.failed("HTTP 503")))
            cycle(&site, isHeard: false) { drop(&$0, "/K8S/web", "10.16.2.10") }
        }
        #expect(site.kinds == [.sourceUnreadable])
    }
}
