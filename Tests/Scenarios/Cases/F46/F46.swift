// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f46 = FieldCase("F46") { story in
        story.begin()
        for _ in 0..<3 {
            story.node(3) { kernel, _ in
                kernel.isComplete = false
                kernel.routes = []
                kernel.links = [:]
            }
            story.pass(20)
            story.node(3)
            story.pass(5)
        }
        story.pass(60)
    }
}
