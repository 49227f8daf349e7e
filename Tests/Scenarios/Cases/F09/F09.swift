// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f09 = FieldCase("F09") { story in
        story.begin()
        story.node(3) { kernel, _ in kernel.routes = [] }
        story.loadBalancer { $0.buries(3) }
        story.pass(60)
        story.node(3)
        story.restore()
        story.pass(60)
    }
}
