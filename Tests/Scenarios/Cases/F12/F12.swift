// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f12 = FieldCase("F12") { story in
        func join(_ cidrs: [Prefix], at created: Timestamp) -> ClusterUpdate {
            let addresses = [address("10.1.0.5"), address("10.2.0.5")]
            return .nodes(
                .changed([
                    "n5": ClusterNode(
                        podCIDRs: cidrs,
                        addresses: addresses,
                        isReady: !cidrs.isEmpty,
                        createdAt: created
                    )
                ])
            )
        }
        story.watchKubernetes()
        story.begin()
        let created = story.site.now
        story.tell(join([], at: created))
        story.node(5) { kernel, bird in
            kernel.routes = []
            bird.statics = []
            (bird.routes, bird.exports) = ([:], [:])
        }
        story.pass(400)
        story.tell(join([Site.cidr(5)], at: created))
        story.node(5)
        story.switches("a") { $0.has("10.16.4.0/24", via: "10.1.0.5") }
        story.switches("b") { $0.has("10.16.4.0/24", via: "10.2.0.5") }
        story.pass(60)
    }
}
