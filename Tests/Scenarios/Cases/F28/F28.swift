// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f28 = FieldCase("F28") { story in
        story.useCalico()
        let pods = [10, 11, 12, 13]
        func report(_ hosts: [Int]) {
            story.calicoNode(3) { kernel, _ in kernel.hasPods(hosts) }
        }
        report(pods)
        story.tell(story.pods(of: "more", 12))
        story.tell(story.pods(of: "most", 13))
        story.begin()
        report([])
        story.loadBalancer { $0.buries(3) }
        story.pass(60)
        report(pods)
        story.restore()
        story.pass(60)
    }
}
