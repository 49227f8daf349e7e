// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f02 = FieldCase("F02") { story in
        let new = prefix("10.16.9.0/24")
        story.begin()
        var nodes = Site.intents(4)
        nodes["n3"] = nil
        story.nodes(nodes)
        story.agent(3, .disconnected(.lost(reason: "connection reset")))
        story.silent = [3]
        story.switches("a", "b") { $0.lacks(3) }
        story.loadBalancer {
            $0.all.removeAll { Site.cidr(3).contains($0.address ?? address("::")) }
        }
        story.pass(120)
        nodes["n3"] = Site.intents(4)["n3"]
        nodes["n3"]?.podCIDRs = [new]
        story.nodes(nodes)
        story.silent = []
        story.node(3) { kernel, _ in kernel.leads(to: new) }
        story.switches("a", "b")
        story.loadBalancer { table in
            table.moveMembers(of: 3, to: "10.16.9")
            table.kill { $0.address.map(new.contains) ?? false }
        }
        story.pass(60)
        story.node(3) { kernel, bird in
            kernel.leads(to: new)
            bird.announces(new)
        }
        story.switches("a") { table in
            table.lacks(3)
            table.has("10.16.9.0/24", via: "10.1.0.3")
        }
        story.switches("b") { table in
            table.lacks(3)
            table.has("10.16.9.0/24", via: "10.2.0.3")
        }
        story.loadBalancer { $0.moveMembers(of: 3, to: "10.16.9") }
        story.pass(60)
    }
}
