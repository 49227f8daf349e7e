// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f01 = FieldCase("F01") { story in
        story.begin()
        // The way ends in BIRD; all that comes behind it follows at once.
        story.node(3) { _, bird in bird.answer(.rejectedByFilter) }
        story.lose(3)
        story.pass(90)
        story.node(3)
        story.restore()
        story.pass(60)
    }
}
