// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f14 = FieldCase("F14") { story in
        story.begin()
        for _ in 0..<3 {
            let now = story.site.now
            story.node(3) { _, bird in bird.lose("uplink0", error: "Hold timer expired", since: now)
            }
            story.switches("a") { $0.lacks(3) }
            story.pass(10)
            let back = story.site.now
            story.node(3) { _, bird in bird.established("uplink0", since: back) }
            story.switches("a")
            story.pass(20)
        }
        story.pass(620)
    }
}
