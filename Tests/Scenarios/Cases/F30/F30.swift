// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f30 = FieldCase("F30") { story in
        story.begin()
        story.node(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"] = nil
        }
        story.pass(2)
        story.node(3) { kernel, _ in
            kernel.routes = []
            kernel.links["cilium_host"]?.index = 9
        }
        story.loadBalancer { $0.buries(3) }
        story.pass(60)
        story.node(3) { kernel, _ in kernel.links["cilium_host"]?.index = 9 }
        story.restore()
        story.pass(60)
    }
}
