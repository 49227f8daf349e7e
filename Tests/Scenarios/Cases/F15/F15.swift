// SPDX-License-Identifier: Apache-2.0
import Facts

extension FieldCase {
    static let f15 = FieldCase("F15") { story in
        story.begin()
        let now = story.site.now
        story.node(3) { _, bird in bird = BIRDFacts(condition: .noAnswer, conditionSince: now) }
        story.pass(60)
        story.lose(3)
        story.pass(120)
        let back = story.site.now
        story.node(3) { _, bird in bird.established("uplink0", "uplink1", since: back) }
        story.restore()
        story.pass(60)
    }
}
