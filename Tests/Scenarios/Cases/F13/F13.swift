// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f13 = FieldCase("F13") { story in
        story.begin()
        let now = story.site.now
        story.node(3) { _, bird in bird.lose("uplink1", error: "Hold timer expired", since: now) }
        story.switches("b") { $0.lacks(3) }
        story.pass(120)
        let back = story.site.now
        story.node(3) { _, bird in bird.established("uplink1", since: back) }
        story.restore()
        story.pass(60)
    }
}
