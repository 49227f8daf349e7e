// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

extension FieldCase {
    static let f03 = FieldCase("F03") { story in
        story.begin()
        story.node(3) { kernel, bird in
            kernel.routes = []
            kernel.links["cilium_host"]?.isAdminUp = false
            bird.statics[0].isDormant = true
            bird.forget()
        }
        story.lose(3)
        story.pass(60)
        story.node(3)
        story.restore()
        story.pass(60)
    }
}
