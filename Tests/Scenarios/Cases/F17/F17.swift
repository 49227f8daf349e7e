// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f17 = FieldCase("F17") { story in
        story.begin()
        let now = story.site.now
        story.node(3) { _, bird in
            bird.lose("uplink0", "uplink1", error: "Received: Bad peer AS", since: now)
            bird.lastReconfiguration = "2026-11-27 09:24:26.701"
        }
        story.lose(3)
        story.pass(120)
        let back = story.site.now
        story.node(3) { _, bird in
            bird.established("uplink0", "uplink1", since: back)
            bird.lastReconfiguration = "2026-11-27 09:26:27.112"
        }
        story.restore()
        story.pass(60)
    }
}
