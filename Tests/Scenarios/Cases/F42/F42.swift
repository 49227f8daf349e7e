// SPDX-License-Identifier: Apache-2.0
import Facts

extension FieldCase {
    static let f42 = FieldCase("F42") { story in
        story.site.snapshot.loadBalancers["ltm-1"]?.units["v"] = Readings(staleAfter: 45_000)
        story.furnishing = { $0.partitions = ["K8S"] }
        story.standby = { _ in }
        story.begin()
        // Written to the active unit a moment before, and synchronised with the next.
        story.standby = { $0.pools["/K8S/api"] = nil }
        story.pass(15)
        story.standby = { _ in }
        story.pass(30)
        story.standby = { table in
            table.routes = []
            table.pools["/K8S/api"] = nil
        }
        story.pass(90)
        story.standby = { _ in }
        story.pass(60)
    }
}
