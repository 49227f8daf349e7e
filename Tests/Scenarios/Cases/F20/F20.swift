// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f20 = FieldCase("F20") { story in
        story.site = Site(nodes: 5)
        story.watchKubernetes()
        let created = story.site.now
        story.node("n5") { $0.createdAt = created }
        func report(isUp: Bool) {
            let now = story.site.now
            story.node(5) { _, bird in
                guard !isUp else { return bird.established("uplink0", since: now) }
                bird.lose("uplink0", error: "Socket: Connection closed", since: created)
            }
        }
        report(isUp: false)
        story.switches("a") { table in
            table.lacks(5)
            table.lists([1, 2, 3, 4])
        }
        story.begin()
        story.pass(660)
        report(isUp: true)
        story.switches("a") { $0.lists([1, 2, 3, 4, 5]) }
        story.pass(60)
    }
}
