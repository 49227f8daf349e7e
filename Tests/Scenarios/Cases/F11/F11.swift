// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f11 = FieldCase("F11") { story in
        story.begin()
        story.switches("a", "b") { $0.has("10.16.2.0/24", via: "172.16.9.3") }
        story.loadBalancer { $0.buries(3) }
        story.pass(60)
        story.restore()
        story.pass(60)
    }
}
