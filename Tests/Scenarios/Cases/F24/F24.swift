// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f24 = FieldCase("F24") { story in
        let shared = Site.cidr(3)
        var nodes = Site.intents(4)
        story.begin()
        nodes["n4"]?.podCIDRs = [shared]
        story.nodes(nodes)
        story.node(4) { kernel, bird in
            kernel.leads(to: shared)
            bird.announces(shared)
        }
        story.switches("a") { table in
            table.lacks(4)
            table.has("10.16.2.0/24", via: "10.1.0.3", "10.1.0.4")
        }
        story.switches("b") { table in
            table.lacks(4)
            table.has("10.16.2.0/24", via: "10.2.0.3", "10.2.0.4")
        }
        story.loadBalancer { table in
            table.all.removeAll { Site.cidr(4).contains($0.address ?? address("::")) }
            table.kill { $0.address == address("10.16.2.11") }
        }
        story.pass(60)
        story.nodes(Site.intents(4))
        story.node(4)
        story.restore()
        story.pass(60)
    }
}
