// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f29 = FieldCase("F29") { story in
        story.node(3) { kernel, _ in kernel.hasPods([20, 21, 22, 23, 24]) }
        story.begin()
        story.node(3) { kernel, _ in kernel.routes = [] }
        story.loadBalancer { $0.buries(3) }
        story.pass(60)
        story.node(3) { kernel, _ in kernel.hasPods([20, 21, 22, 23, 24]) }
        story.restore()
        story.pass(60)
    }
}
