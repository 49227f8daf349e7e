// SPDX-License-Identifier: Apache-2.0

extension FieldCase {
    static let f33 = FieldCase("F33") { story in
        func report(_ mtu: UInt32) {
            story.node(3) { kernel, _ in
                kernel.hasUplinks(of: 3)
                kernel.links["uplink1"]?.mtu = mtu
            }
        }
        for index in [1, 2, 4] { story.node(index) { kernel, _ in kernel.hasUplinks(of: index) } }
        report(9_000)
        story.begin()
        report(1_500)
        story.pass(90)
        report(9_000)
        story.pass(60)
    }
}
