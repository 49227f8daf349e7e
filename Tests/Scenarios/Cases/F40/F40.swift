// SPDX-License-Identifier: Apache-2.0
import Facts

extension FieldCase {
    static let f40 = FieldCase("F40") { story in
        story.watchKubernetes(pools: ["web": 10, "api": 11, "shop": 12])
        // Whoever has just been exposed has the controller's time; these have been for long.
        story.begin()
        story.pass(120)
        for update in [ClusterUpdate.endpointSlices(.interrupted), .services(.interrupted)] {
            story.tell(update)
        }
        story.isKubernetesHeard = false
        story.loadBalancer { table in
            table.all = []
            table.takeOffline("The pool has no members")
        }
        story.pass(30)
        story.isKubernetesHeard = true
        story.pass(60)
        story.restore()
        story.pass(60)
    }
}
