// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f48 = FieldCase("F48") { story in
        story.begin()
        story.agent(3, .clock(ahead: -30_500))
        story.pass(90)
        story.agent(3, .clock(ahead: -40))
        story.pass(90)
    }
}
