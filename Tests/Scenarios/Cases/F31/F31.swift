// SPDX-License-Identifier: Apache-2.0
import Support

extension FieldCase {
    static let f31 = FieldCase("F31") { story in
        func report(isStrict: Bool) {
            story.node(3) { kernel, _ in
                kernel.hasUplinks(of: 3)
                if isStrict { kernel.links["uplink1"]?.reversePathFilter = .strict }
            }
        }
        for index in [1, 2, 4] { story.node(index) { kernel, _ in kernel.hasUplinks(of: index) } }
        report(isStrict: false)
        let third = story.site.member("/K8S/web", "10.16.2.12", isUp: true)
        story.furnishing = { $0.all.append(third) }
        story.begin()
        report(isStrict: true)
        story.loadBalancer { table in
            table.kill { [address("10.16.2.10"), address("10.16.2.11")].contains($0.address) }
        }
        story.pass(90)
        report(isStrict: false)
        story.restore()
        story.pass(60)
    }
}
