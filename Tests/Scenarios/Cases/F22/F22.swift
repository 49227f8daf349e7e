// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f22 = FieldCase("F22") { story in
        func both(_ table: inout SwitchTable) {
            table.has("10.16.2.0/24", via: "10.1.0.3", "10.1.0.103")
        }
        var nodes = Site.intents(4)
        nodes["n3"]?.addresses.append(address("10.1.0.103"))
        story.nodes(nodes)
        story.node(3) { _, bird in
            bird.sessions["uplink2"] = bird.sessions["uplink0"]
            bird.sessions["uplink2"]?.name = "uplink2"
            bird.exports[ExportKey(uplink: "uplink2", prefix: Site.cidr(3))] = .sent
        }
        story.switches("a", show: both)
        story.begin()
        story.switches("a")
        story.pass(60)
        story.switches("a", show: both)
        story.pass(60)
    }
}
