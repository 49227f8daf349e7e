// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f19 = FieldCase("F19") { story in
        func report(_ boot: String, since: Timestamp, isRecovering: Bool = false) {
            story.node(3) { _, bird in
                (bird.lastReboot, bird.isRecovering) = (boot, isRecovering)
                for name in ["uplink0", "uplink1"] {
                    bird.sessions[name]?.restartTime = 120
                    bird.sessions[name]?.since = since
                }
                if isRecovering { bird.answer(.notSent) }
            }
        }
        report("2026-11-27 09:00:00.000", since: at(500_000))
        story.begin()
        story.pass(13)
        let now = story.site.now
        story.node(3) { _, bird in bird = BIRDFacts(condition: .refused, conditionSince: now) }
        story.switches("a") { $0.lacks(3) }
        story.pass(6)
        let back = story.site.now
        report("2026-11-27 10:00:00.000", since: back, isRecovering: true)
        story.pass(3)
        report("2026-11-27 10:00:00.000", since: back)
        story.switches("a")
        story.pass(660)
    }
}
