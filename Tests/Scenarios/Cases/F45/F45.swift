// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f45 = FieldCase("F45") { story in
        story.begin()
        story.reading("a", fails: "HTTP 401: login refused")
        story.pass(60)
        story.reading("a", fails: "the answer ends after 1 of 4 routes")
        story.pass(60)
        story.reading("a", fails: nil)
        story.pass(60)
        story.reading("ltm-1", fails: "no answer within 30 s")
        story.pass(90)
        story.reading("ltm-1", fails: nil)
        story.pass(60)
    }
}
