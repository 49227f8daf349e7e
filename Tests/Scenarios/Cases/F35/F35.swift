// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f35 = FieldCase("F35") { story in
        story.begin()
        story.loadBalancer { $0.buries(3) }
        story.pass(90)
        story.restore()
        story.pass(60)
    }
}
