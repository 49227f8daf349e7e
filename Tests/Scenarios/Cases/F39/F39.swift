// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f39 = FieldCase("F39") { story in
        let pools = ["web": 10, "api": 11, "shop": 12]
        story.watchKubernetes(pools: pools)
        story.begin()
        for (name, host) in pools.sorted(by: { $0.key < $1.key }) {
            story.tell(story.pods(of: name, host, except: [3: host + 40]))
        }
        story.loadBalancer { $0.buries(3) }
        story.pass(480)
        for (name, host) in pools.sorted(by: { $0.key < $1.key }) {
            story.tell(story.pods(of: name, host))
        }
        story.restore()
        story.pass(60)
    }
}
