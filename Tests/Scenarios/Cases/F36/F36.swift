// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f36 = FieldCase("F36") { story in
        story.furnishing = { table in
            table.routes = []
            table.routesEach([1, 2, 3, 4])
        }
        story.begin()
        story.loadBalancer { table in
            table.routes.removeAll { $0.prefix == Site.cidr(3) }
            table.buries(3)
        }
        story.pass(90)
        story.restore()
        story.pass(60)
    }
}
