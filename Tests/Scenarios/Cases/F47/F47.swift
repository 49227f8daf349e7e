// SPDX-License-Identifier: Apache-2.0
import Facts

extension FieldCase {
    static let f47 = FieldCase("F47") { story in
        story.begin()
        story.restartCollector()
        story.nodes(Site.intents(4))
        story.pass(3)
        story.node(1)
        story.node(2)
        story.pass(27)
        story.node(3)
        story.node(4) { kernel, bird in
            kernel = KernelFacts()
            bird = BIRDFacts()
        }
        story.pass(10)
        story.node(4)
        story.pass(90)
    }
}
