// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f21 = FieldCase("F21") { story in
        story.begin()
        let now = story.site.now
        let error = "Received: Maximum number of prefixes reached"
        for index in 1...4 {
            story.node(index) { _, bird in bird.lose("uplink0", error: error, since: now) }
        }
        story.switches("a") { table in
            table.lacks(1, 2, 3, 4)
            table.lists([1, 2, 3, 4], state: "Idle (PfxCt)")
        }
        story.pass(90)
        let back = story.site.now
        for index in 1...4 {
            story.node(index) { _, bird in bird.established("uplink0", since: back) }
        }
        story.switches("a") { $0.lists([1, 2, 3, 4]) }
        story.pass(60)
    }
}
