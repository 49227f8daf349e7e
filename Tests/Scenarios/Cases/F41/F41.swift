// SPDX-License-Identifier: Apache-2.0
import Facts

extension FieldCase {
    static let f41 = FieldCase("F41") { story in
        func check(_ table: inout LoadBalancerTable) {
            for index in table.all.indices {
                table.all[index].monitor = "checking"
                table.all[index].availability = "unknown"
            }
            for index in table.virtualServers.indices {
                table.virtualServers[index].availability = "unknown"
            }
        }
        story.begin()
        story.loadBalancer(shows: check)
        story.pass(30)
        story.restore()
        story.pass(60)
        story.loadBalancer(shows: check)
        story.pass(15)
        story.loadBalancer { table in
            table.kill { $0.pool == "/K8S/web" }
            table.takeOffline("The children pool member(s) are down")
        }
        story.pass(60)
        story.restore()
        story.pass(60)
    }
}
