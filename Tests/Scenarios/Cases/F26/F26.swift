// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f26 = FieldCase("F26") { story in
        story.useCalico()
        story.begin()
        let second = BlockAffinity(node: "n4", block: Site.cidr(3), isConfirmed: true)
        story.tell(.blockAffinities(.changed(["n4-10-16-2-0-24": second])))
        story.calicoNode(4) { kernel, bird in
            kernel.routes.append(KernelRoute(prefix: Site.cidr(3), destination: .blackhole))
            bird.alsoAnnounces(Site.cidr(3))
        }
        story.switches("a") { $0.has("10.16.2.0/24", via: "10.1.0.3", "10.1.0.4") }
        story.switches("b") { $0.has("10.16.2.0/24", via: "10.2.0.3", "10.2.0.4") }
        story.loadBalancer { $0.kill { $0.address == address("10.16.2.11") } }
        story.pass(60)
        story.tell(.blockAffinities(.changed(["n4-10-16-2-0-24": nil])))
        story.calicoNode(4)
        story.restore()
        story.pass(60)
    }
}
