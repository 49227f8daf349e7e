// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f08 = FieldCase("F08") { story in
        story.begin()
        story.switches("a", "b") { $0.routes[Site.cidr(3)]?[0].age = 3 }
        story.pass(75)
        story.switches("a", "b")
        story.pass(660)
    }
}
