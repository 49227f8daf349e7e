// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Testing

@testable import KubernetesSource

private func facts<Object: ClusterObject>(
    _: Object.Type,
    _ object: [String: Any]
) throws -> [String: Object.Fact] {
    let data = try JSONSerialization.data(withJSONObject: object)
    return try JSONDecoder().decode(Object.self, from: data).facts
}

/// Deployments as `kubectl get deployment -o json` prints them, of which only what is read is given.
@Suite struct ControllerObjects {
    private func deployment(
        image: String = "f5networks/k8s-bigip-ctlr:2.20.0",
        command: [String] = ["/app/bin/k8s-bigip-ctlr"],
        _ arguments: [String],
        replicas: Int? = 1
    ) -> [String: Any] {
        let container: [String: Any] = ["image": image, "command": command, "args": arguments]
        var spec: [String: Any] = ["template": ["spec": ["containers": [container]]]]
        spec["replicas"] = replicas
        return ["metadata": ["name": "cis", "namespace": "kube-system"], "spec": spec]
    }

    private func controller(_ arguments: String...) throws -> F5Controller? {
        try facts(ControllerObject.self, deployment(arguments))["kube-system/cis"]
    }

    @Test("the controller's flags are read as it reads them itself")
    func flags() throws {
        #expect(try controller()?.poolMemberType == nil)
        #expect(try controller("--bigip-url=x")?.poolMemberType == "nodeport")
        #expect(
            try controller("--bigip-url=x", "--pool-member-type=$(TYPE)")?.poolMemberType == nil
        )
        #expect(try controller("--pool-member-type=cluster")?.poolMemberType == "cluster")
        #expect(try controller("--pool-member-type", "cluster")?.poolMemberType == "cluster")
        #expect(
            try controller("--pool-member-type=nodeport", "--pool-member-type=cluster")?
                .poolMemberType == "cluster"
        )
        #expect(try controller("--insecure")?.isInsecure == true)
        #expect(try controller("--insecure", "--ipam")?.isInsecure == true)
        #expect(try controller("--insecure=true")?.isInsecure == true)
        #expect(try controller("--insecure", "false")?.isInsecure == true)
        #expect(try controller("--insecure=false")?.isInsecure == false)
        #expect(try controller("--insecure-registry")?.isInsecure == false)
        #expect(
            try controller("--bigip-partition=a", "--bigip-partition", "b")?.partitions
                == ["a", "b"]
        )
        #expect(try controller("--", "=", "", "--=x", "-")?.partitions == [])
    }

    @Test("only what starts the controller is one, by its image or by its program")
    func others() throws {
        let mirrored = deployment(image: "registry.example:5000/m/k8s-bigip-ctlr@sha256:00", [])
        #expect(try facts(ControllerObject.self, mirrored).count == 1)
        let built = deployment(image: "own/cis:1", [])
        #expect(try facts(ControllerObject.self, built).count == 1)
        let other = deployment(image: "nginx", command: ["nginx"], ["--pool-member-type=x"])
        #expect(try facts(ControllerObject.self, other).isEmpty)
        let beside = deployment(image: "k8s-bigip-ctlr-tools/shell:1", command: ["sh"], [])
        #expect(try facts(ControllerObject.self, beside).isEmpty)
    }

    @Test("one that does not say how often runs once, and no password of its is kept")
    func kept() throws {
        let some = deployment(["--bigip-password=hunter2", "--insecure"], replicas: nil)
        let found = try facts(ControllerObject.self, some)
        #expect(found["kube-system/cis"]?.replicas == 1)
        #expect(!"\(found)".contains("hunter2"))
    }
}

@Suite struct MasqueradeObjects {
    private func cilium(_ data: [String: String]) throws -> Masquerading? {
        let object: [String: Any] = [
            "metadata": ["name": "cilium-config", "namespace": "kube-system"], "data": data,
        ]
        return try facts(CiliumSettingsObject.self, object)["kube-system/cilium-config"]
    }

    private func agent(_ text: String?) throws -> Masquerading? {
        let object: [String: Any] = [
            "metadata": ["name": "ip-masq-agent", "namespace": "kube-system"],
            "data": text.map { ["config": $0] } ?? [:],
        ]
        return try facts(MasqueradeAgentObject.self, object)["kube-system/ip-masq-agent"]
    }

    @Test("Cilium's words, those of earlier versions too")
    func ciliumWords() throws {
        func rule(_ setting: String, _ network: String) -> MasqueradeRule {
            MasqueradeRule(setting: setting, networks: [prefix(network)])
        }
        #expect(
            try cilium(["native-routing-cidr": "10.0.0.0/8", "masquerade": "true"])
                == Masquerading([.ipv4: rule("native-routing-cidr", "10.0.0.0/8")])
        )
        #expect(
            try cilium([
                "ipv4-native-routing-cidr": "10.0.0.0/8", "enable-ip-masq-agent": "true",
                "ipv6-native-routing-cidr": "fd00::/8", "native-routing-cidr": "",
            ])
                == Masquerading(
                    [
                        .ipv4: rule("ipv4-native-routing-cidr", "10.0.0.0/8"),
                        .ipv6: rule("ipv6-native-routing-cidr", "fd00::/8"),
                    ],
                    asksAgent: true
                )
        )
        #expect(
            try cilium([
                "ipv4-native-routing-cidr": "10.0.0.0/8", "enable-ipv4-masquerade": "false",
            ])
                == Masquerading()
        )
        #expect(
            try cilium(["native-routing-cidr": "10.0.0.0/8", "masquerade": "false"])
                == Masquerading()
        )
        #expect(try cilium(["native-routing-cidr": "wide"]) == Masquerading())
        #expect(try cilium([:]) == Masquerading())
    }

    @Test("the agent's list, as YAML or JSON; what is none says nothing")
    func agentWords() throws {
        let expected = Masquerading([
            .ipv4: MasqueradeRule(
                setting: "nonMasqueradeCIDRs",
                networks: [prefix("10.0.0.0/8"), prefix("192.168.0.0/16")]
            ),
            .ipv6: MasqueradeRule(setting: "nonMasqueradeCIDRs", networks: [prefix("fd00::/8")]),
        ])
        let yaml =
            "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 192.168.0.0/16\n- fd00::/8\nresyncInterval: 60s\n"
        #expect(try agent(yaml) == expected)
        #expect(
            try agent(#"{"nonMasqueradeCIDRs":["10.0.0.0/8","192.168.0.0/16","fd00::/8"]}"#)
                == expected
        )
        let deep = String(repeating: "[", count: 5_000)
        let long = "nonMasqueradeCIDRs: [" + String(repeating: "10.0.0.0/8,", count: 2_000) + "]"
        for text in [
            "", "nonMasqueradeCIDRs: 10.0.0.0/8", "a: [", "- x", "\u{0}",
            "a: &a [x]\nb: *a\nnonMasqueradeCIDRs: [10.0.0.0/8]", deep, long,
        ] {
            #expect(try agent(text) == Masquerading())
        }
        #expect(try agent(nil) == Masquerading())
    }
}
