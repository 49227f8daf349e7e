// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f07 = FieldCase("F07") { story in
        story.useCalico()
        story.begin()
        story.calicoNode(3) { _, bird in bird.answer(.rejectedByFilter) }
        story.switches("a") { table in
            table.lacks(3)
            for host in [10, 11] { table.has("10.16.2.\(host)/32", via: "10.1.0.3") }
        }
        story.switches("b") { table in
            table.lacks(3)
            for host in [10, 11] { table.has("10.16.2.\(host)/32", via: "10.2.0.3") }
        }
        story.pass(120)
        story.calicoNode(3)
        story.restore()
        story.pass(90)
    }
}
