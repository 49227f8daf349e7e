// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f16 = FieldCase("F16") { story in
        story.begin()
        let now = story.site.now
        story.node(3) { _, bird in
            bird.lose("uplink0", "uplink1", error: "Error: No listening socket", since: now)
            for name in ["uplink0", "uplink1"] {
                bird.sessions[name]?.protocolState = .down
                bird.sessions[name]?.state = .down
            }
        }
        story.lose(3)
        story.pass(60)
        let back = story.site.now
        story.node(3) { _, bird in bird.established("uplink0", "uplink1", since: back) }
        story.restore()
        story.pass(60)
    }
}
