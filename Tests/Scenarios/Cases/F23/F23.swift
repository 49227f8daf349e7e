// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f23 = FieldCase("F23") { story in
        story.begin()
        story.silent = [4]
        story.agent(4, .disconnected(.lost(reason: "connection reset")))
        story.pass(10)
        var nodes = Site.intents(4)
        nodes["n4"] = nil
        story.nodes(nodes)
        func withoutMembers(_ table: inout LoadBalancerTable) {
            table.all.removeAll { Site.cidr(4).contains($0.address ?? address("::")) }
        }
        story.loadBalancer(shows: withoutMembers)
        story.pass(340)
        story.switches("a", "b") { $0.lacks(4) }
        story.pass(60)
    }
}
