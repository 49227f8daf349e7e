// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// The small site, whose LTM reaches the pods from its network 10.3.1.0/24, and what its cluster is set to.
@Suite struct SettingScenarios {
    private func site(_ updates: [ClusterUpdate]) -> Site {
        var site = Site()
        site.snapshot.kubernetes = ClusterFacts()
        for update in updates { tell(&site, update) }
        return site
    }

    private func tell(_ site: inout Site, _ update: ClusterUpdate) {
        site.snapshot.apply(.cluster(update), at: site.now)
    }

    private func cilium(
        _ networks: String...,
        asksAgent: Bool = false,
        at place: String = "kube-system"
    ) -> ClusterUpdate {
        let rule = MasqueradeRule(
            setting: "ipv4-native-routing-cidr",
            networks: networks.map(prefix)
        )
        let settings = Masquerading([.ipv4: rule], asksAgent: asksAgent)
        return .ciliumSettings(.listed(["\(place)/cilium-config": settings]))
    }

    private func agent(_ networks: String..., at place: String = "kube-system") -> ClusterUpdate {
        let rule = MasqueradeRule(setting: "nonMasqueradeCIDRs", networks: networks.map(prefix))
        return .masqueradeAgents(.listed(["\(place)/ip-masq-agent": Masquerading([.ipv4: rule])]))
    }

    private let noCilium = ClusterUpdate.ciliumSettings(.listed([:]))
    private let noAgent = ClusterUpdate.masqueradeAgents(.listed([:]))

    // MARK: - Masquerade

    @Test("masquerade-outside: the LTM's network is outside of what Cilium routes natively")
    func outside() {
        let site = site([cilium("10.16.0.0/16"), noAgent])
        let verdict = site.judgement.verdicts.first
        #expect(site.kinds == [.masqueradeOutside])
        #expect(verdict?.severity == .info)
        #expect(verdict?.subject == Subject(loadBalancer: "ltm-1"))
        #expect(
            verdict?.summary
                == "ltm-1: Cilium masquerades towards the LTM's network 10.3.1.0/24, which is outside of"
                + " ipv4-native-routing-cidr 10.16.0.0/16: what pods open to it shows their node's address (SNAT);"
                + " what it opens to pods is not touched"
        )
        #expect(
            verdict?.verify.map(\.command)
                == ["kubectl -n kube-system get configmap cilium-config -o yaml"]
        )
    }

    @Test("a network that is inside, or in part, or of which nothing is said, is no fault")
    func inside() {
        #expect(site([cilium("10.0.0.0/8"), noAgent]).kinds == [])
        #expect(site([cilium("10.3.1.128/25"), noAgent]).kinds == [])
        #expect(site([cilium(), noAgent]).kinds == [])
        #expect(site([noCilium, noAgent]).kinds == [])
        #expect(site([.ciliumSettings(.notOffered), noAgent]).kinds == [])
        #expect(
            site([.ciliumSettings(.listed(["kube-system/cilium-config": Masquerading()])), noAgent])
                .kinds
                == []
        )
    }

    @Test("the agent's word counts where Cilium asks for it, or is not there")
    func agents() {
        #expect(site([cilium("10.16.0.0/16", asksAgent: true), agent("10.3.0.0/16")]).kinds == [])
        #expect(
            site([cilium("10.16.0.0/16"), agent("10.3.0.0/16")]).kinds == [.masqueradeOutside]
        )
        let byAgent = site([noCilium, agent("10.16.0.0/16")])
        #expect(byAgent.kinds == [.masqueradeOutside])
        let words = byAgent.judgement.verdicts.first?.summary ?? ""
        #expect(words.hasPrefix("ltm-1: ip-masq-agent masquerades towards the LTM's"), "\(words)")
        // One that was left behind when Cilium came is nobody's.
        let silent = ClusterUpdate.ciliumSettings(
            .listed(["kube-system/cilium-config": Masquerading()])
        )
        #expect(site([silent, agent("10.16.0.0/16")]).kinds == [])
        #expect(site([noCilium, agent("10.16.0.0/16", "10.3.0.0/16")]).kinds == [])
    }

    @Test("a ConfigMap of that name in anybody's namespace is not the agent's")
    func strangers() {
        #expect(site([noCilium, agent("10.16.0.0/16", at: "team")]).kinds == [])
        var site = site([noAgent])
        let rule = MasqueradeRule(setting: "s", networks: [prefix("10.16.0.0/16")])
        let own = MasqueradeRule(setting: "s", networks: [prefix("10.0.0.0/8")])
        tell(
            &site,
            .ciliumSettings(
                .listed([
                    "a/cilium-config": Masquerading([.ipv4: rule]),
                    "kube-system/cilium-config": Masquerading([.ipv4: own]),
                ])
            )
        )
        #expect(site.kinds == [])
    }

    @Test("half of it read is not known, and what was known stays through a failure")
    func unread() {
        var site = site([cilium("10.16.0.0/16", asksAgent: true)])
        #expect(site.kinds == [])
        tell(&site, .masqueradeAgents(.failed("HTTP 403")))
        #expect(site.kinds == [])
        tell(&site, noAgent)
        #expect(site.kinds == [.masqueradeOutside])
        tell(&site, .ciliumSettings(.failed("HTTP 503")))
        #expect(site.kinds == [.masqueradeOutside])
    }

    @Test("a network is only that of the way to pods, and none where that is not checked")
    func otherNetworks() {
        var site = site([cilium("10.3.1.0/24"), noAgent])
        site.round { $0.selfNetworks.append(prefix("192.168.7.0/24")) }
        #expect(site.kinds == [])
        var unchecked = self.site([cilium("10.16.0.0/16"), noAgent])
        unchecked.snapshot.loadBalancers["ltm-1"]?.podsVia = .notChecked
        #expect(unchecked.kinds == [])
    }

    // MARK: - The controller

    private func controller(_ controller: F5Controller?) -> ClusterUpdate {
        .controllers(.changed(["kube-system/k8s-bigip-ctlr": controller]))
    }

    @Test("cis-misconfigured: two replicas, members that are no pods, any certificate")
    func misconfigured() {
        var site = site([.controllers(.listed([:])), controller(F5Controller())])
        #expect(site.kinds == [])
        tell(
            &site,
            controller(F5Controller(replicas: 2, poolMemberType: "nodeport", isInsecure: true))
        )
        let verdict = site.judgement.verdicts.first
        #expect(site.kinds == [.cisMisconfigured])
        #expect(verdict?.identity == "cis-misconfigured/kube-system/k8s-bigip-ctlr")
        #expect(verdict?.subject == Subject(loadBalancer: "ltm-1"))
        #expect(
            verdict?.summary
                == "the F5 controller kube-system/k8s-bigip-ctlr runs with 2 replicas, which undo"
                + " each other, has pool-member-type nodeport, not cluster, and takes any"
                + " certificate for the BIG-IP's (insecure)"
        )
        tell(&site, controller(F5Controller(isInsecure: true)))
        #expect(
            site.judgement.verdicts.first?.summary
                == "the F5 controller kube-system/k8s-bigip-ctlr takes any certificate for the"
                + " BIG-IP's (insecure)"
        )
        tell(&site, controller(F5Controller(replicas: 0, poolMemberType: "nodeport")))
        #expect(site.kinds == [])
        tell(&site, controller(nil))
        #expect(site.kinds == [])
    }

    @Test("a controller is of the load balancer whose partitions it writes")
    func ofWhich() {
        var site = site([.controllers(.listed([:]))])
        site.snapshot.loadBalancers["ltm-2"] = LoadBalancerFacts(
            name: "ltm-2",
            podsVia: .notChecked,
            units: ["v": Readings(staleAfter: 45_000)]
        )
        site.round { $0.partitions = ["K8S"] }
        let subjects = [["K8S"], ["other"]].map { partitions in
            tell(&site, controller(F5Controller(replicas: 2, partitions: partitions)))
            return site.judgement.verdicts.first { $0.kind == .cisMisconfigured }?.subject
        }
        #expect(subjects == [Subject(loadBalancer: "ltm-1"), Subject()])
    }
}
