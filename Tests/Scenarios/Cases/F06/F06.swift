// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f06 = FieldCase("F06") { story in
        story.begin()
        for index in 1...4 { story.node(index) { _, bird in bird.answer(.rejectedByFilter) } }
        story.switches("a", "b") { $0.lacks(1, 2, 3, 4) }
        story.loadBalancer { table in
            table.buries(1, 2, 3, 4)
            table.takeOffline("The children pool member(s) are down")
        }
        story.pass(60)
        for index in 1...4 { story.node(index) }
        story.restore()
        story.pass(60)
    }
}
