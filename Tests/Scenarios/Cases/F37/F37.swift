// SPDX-License-Identifier: Apache-2.0
import Facts
import Support

extension FieldCase {
    static let f37 = FieldCase("F37") { story in
        story.furnishing = { $0.routesEach([1, 2, 3, 4]) }
        story.begin()
        story.loadBalancer { table in
            table.routes.removeAll { $0.name.hasPrefix("/Common/k8s-") }
            table.routes += (1...3).map { index in
                LoadBalancerRoute(
                    name: "/Common/k8s-other\(index)",
                    prefix: prefix("10.80.\(index).0/24"),
                    routeDomain: nil,
                    target: .gateway(address("10.3.1.254"))
                )
            }
        }
        story.pass(60)
        story.restore()
        story.pass(60)
    }
}
