// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f05 = FieldCase("F05") { story in
        story.begin()
        story.node(3) { kernel, _ in kernel.routes = [] }
        story.pass(1)
        story.node(3) { _, bird in bird.answer(.notSent) }
        story.lose(3)
        story.pass(90)
        story.node(3)
        story.restore()
        story.pass(60)
    }
}
