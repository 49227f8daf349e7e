// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f44 = FieldCase("F44") { story in
        story.begin()
        story.silent = [3]
        story.pass(120)
        story.silent = []
        story.node(3)
        story.pass(60)
    }
}
