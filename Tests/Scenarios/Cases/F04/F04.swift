// SPDX-License-Identifier: Apache-2.0
import Facts

extension FieldCase {
    static let f04 = FieldCase("F04") { story in
        func learns(_: inout KernelFacts, _ bird: inout BIRDFacts) {
            bird.statics = []
            bird.routes[Site.cidr(3)]?[0].protocolName = "kernel1"
        }
        story.node(3, learns)
        story.begin()
        story.node(3) { kernel, bird in
            learns(&kernel, &bird)
            bird.forget()
            bird.lastReconfiguration = "2026-11-27 09:24:26.701"
        }
        story.lose(3)
        story.pass(60)
        story.node(3, learns)
        story.restore()
        story.pass(60)
    }
}
