// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f10 = FieldCase("F10") { story in
        story.begin()
        story.node(3) { _, bird in
            bird.routes[Site.cidr(3)]?[0].destination = .unreachable
            bird.answer(.rejectedByFilter)
        }
        story.lose(3)
        story.pass(60)
        story.node(3)
        story.restore()
        story.pass(60)
    }
}
