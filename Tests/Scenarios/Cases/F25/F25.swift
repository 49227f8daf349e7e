// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f25 = FieldCase("F25") { story in
        let other = prefix("10.16.99.0/24")
        story.watchKubernetes()
        let cilium = Site.intents(4).mapValues { CNINode(podCIDRs: $0.podCIDRs) }
        story.tell(.ciliumNodes(.listed(cilium)))
        story.begin()
        story.node("n3") { $0.podCIDRs = [other] }
        story.node(3) { _, bird in bird.announces(other) }
        story.switches("a") { table in
            table.lacks(3)
            table.has("10.16.99.0/24", via: "10.1.0.3")
        }
        story.switches("b") { table in
            table.lacks(3)
            table.has("10.16.99.0/24", via: "10.2.0.3")
        }
        story.loadBalancer { $0.buries(3) }
        story.pass(90)
        story.node("n3") { $0.podCIDRs = [Site.cidr(3)] }
        story.node(3)
        story.restore()
        story.pass(60)
    }
}
