// SPDX-License-Identifier: Apache-2.0
import Support

extension FieldCase {
    static let f38 = FieldCase("F38") { story in
        story.watchKubernetes()
        story.begin()
        story.tell(story.pods(of: "web", 10, except: [3: 50]))
        story.loadBalancer { $0.kill { $0.address == address("10.16.2.10") } }
        story.pass(180)
        let new = story.site.member("/K8S/web", "10.16.2.50", isUp: true)
        story.loadBalancer { table in
            table.all.removeAll { $0.address == address("10.16.2.10") }
            table.all.append(new)
        }
        story.pass(60)
        story.tell(story.pods(of: "web", 10))
        story.restore()
        story.pass(60)
    }
}
