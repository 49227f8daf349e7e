// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f32 = FieldCase("F32") { story in
        func cilium(_ network: String) -> ClusterUpdate {
            let setting = "ipv4-native-routing-cidr"
            let rule = MasqueradeRule(setting: setting, networks: [prefix(network)])
            return .ciliumSettings(
                .listed(["kube-system/cilium-config": Masquerading([.ipv4: rule])])
            )
        }
        story.watchKubernetes()
        story.tell(.masqueradeAgents(.listed([:])))
        story.tell(cilium("10.0.0.0/8"))
        story.begin()
        story.tell(cilium("10.16.0.0/16"))
        story.pass(60)
        story.tell(cilium("10.0.0.0/8"))
        story.pass(60)
    }
}
