// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f34 = FieldCase("F34") { story in
        story.watchKubernetes()
        story.begin()
        story.node("n2") { $0.isReady = nil }
        story.pass(90)
        story.node("n2") { $0.isReady = true }
        story.pass(60)
    }
}
