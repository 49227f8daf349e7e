// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support
import Testing
import Verdicts

/// What is asked of Kubernetes: at the object that decides, of the controller that writes, as the account that is refused.
@Suite struct ClusterCommandScenarios {
    private func watched() -> Story {
        var story = Story()
        story.watchKubernetes()
        story.begin()
        return story
    }

    private func verdict(_ story: Story, _ kind: Kind) throws -> Verdict {
        try #require(story.site.judgement.verdicts.first { $0.kind == kind })
    }

    @Test("a ready pod that is no member: which, on which node, and what the controller says")
    func missing() throws {
        var story = watched()
        story.loadBalancer { $0.all.removeAll { $0.address == address("10.16.2.10") } }
        story.pass(200)
        var verdict = try verdict(story, .ltmMemberMissing)
        #expect(verdict.evidence.contains { $0.value == "10.16.2.10:80 on n3" })
        let search = "kubectl get deployments -A -o wide | grep k8s-bigip-ctlr"
        #expect(verdict.verify.last?.command == search)
        let own = F5Controller(partitions: ["K8S"])
        let other = F5Controller(partitions: ["Else"])
        story.tell(.controllers(.listed(["f5/cis": own, "kube-system/cis-2": other])))
        story.pass(1)
        verdict = try self.verdict(story, .ltmMemberMissing)
        #expect(
            verdict.verify.map { "\($0.on): \($0.command)" } == [
                "ltm-1 (u): tmsh show ltm pool /K8S/web members",
                "kubernetes: kubectl get endpointslices -n default -l kubernetes.io/service-name=web -o yaml",
                "kubernetes: kubectl -n f5 logs deployment/cis --since=10m",
            ]
        )
    }

    @Test("a pod that moved is one incident, not one for where it is and one for where it was")
    func moved() throws {
        var story = watched()
        story.loadBalancer { table in
            for index in table.all.indices where table.all[index].address == address("10.16.2.10") {
                table.all[index].address = address("10.16.2.99")
            }
        }
        story.pass(200)
        #expect(story.named == [.ltmMemberMissing])
        let summary = try verdict(story, .ltmMemberMissing).summary
        #expect(
            summary == "pool /K8S/web of ltm-1: 1 of 4 ready pods is not a member,"
                + " 1 member belongs to no pod"
        )
        story.loadBalancer()
        story.pass(120)
        #expect(story.transcript.count == 2)
        #expect(story.isQuiet)
    }

    @Test(
        "a node without a pod CIDR is looked up where its allocator would have written it",
        arguments: [
            ("Node", "kubectl get node n3 -o jsonpath='{.spec.podCIDRs}'"),
            (
                "CiliumNode",
                "kubectl get ciliumnode n3 -o jsonpath='{.spec.ipam.podCIDRs}{.spec.ipam.pools.allocated}'"
            ),
            (
                "BlockAffinity",
                "kubectl get blockaffinities.crd.projectcalico.org"
                    + " -o custom-columns=NODE:.spec.node,CIDR:.spec.cidr,STATE:.spec.state | grep -iw n3"
            ),
        ]
    )
    func allocators(kind: String, command: String) throws {
        var story = watched()
        switch kind {
        case "CiliumNode":
            let all = (1...4).map { index in
                (
                    "n\(index)",
                    CNINode(podCIDRs: index == 3 ? [] : [Site.cidr(index)], addresses: [])
                )
            }
            story.tell(.ciliumNodes(.listed(Dictionary(uniqueKeysWithValues: all))))
        case "BlockAffinity":
            story.tell(.blockAffinities(.listed(Story.blocks(4).filter { $0.key != "n3" })))
        default: story.node("n3") { $0.podCIDRs = [] }
        }
        let verdict = try verdict(story, .noPodCIDR)
        #expect(verdict.verify.first.map { "\($0.on): \($0.command)" } == "kubernetes: \(command)")
        #expect(verdict.evidence.first?.fact == "\(kind) n3")
        #expect(
            verdict.summary
                == "n3 has no pod CIDR: no \(kind) gives it one inside 10.16.0.0/16 (pod-cidrs in"
                + " podpath's configuration); 3 other nodes have theirs"
        )
    }

    @Test("what the API server refuses is asked for as the account that it refuses")
    func refused() throws {
        var story = watched()
        story.isKubernetesHeard = false
        let words =
            "HTTP 403: endpointslices.discovery.k8s.io is forbidden: User"
            + " \"system:serviceaccount:podpath:podpath-collector\" cannot list resource"
        for _ in 0..<3 {
            story.tell(.endpointSlices(.failed(words)))
            story.pass(60)
        }
        let verdict = try verdict(story, .sourceUnreadable)
        #expect(
            verdict.summary.hasPrefix("a part of the API server cannot be read: EndpointSlices: ")
        )
        #expect(
            verdict.verify.last?.command
                == "kubectl auth can-i watch endpointslices.discovery.k8s.io --all-namespaces"
                + " --as=system:serviceaccount:podpath:podpath-collector"
        )
    }

    @Test(
        "at its end an incident is called by all that it was, not by the switch that was read last"
    )
    func ends() {
        var story = Story()
        story.begin()
        story.switches("a", "b") { $0.lacks(3) }
        story.pass(60)
        story.switches("a", "b")
        story.pass(60)
        #expect(story.isQuiet)
        let last = story.transcript.last ?? ""
        #expect(last.contains("resolved switch-route-missing"))
        #expect(last.contains("switch a lacks it") && last.contains("switch b lacks it"))
    }
}
