// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Support

extension FieldCase {
    static let f18 = FieldCase("F18") { story in
        func report(_ boot: String, since: Timestamp, isRecovering: Bool = false) {
            story.node(3) { _, bird in
                bird.lastReboot = boot
                bird.isRecovering = isRecovering
                for name in ["uplink0", "uplink1"] {
                    bird.sessions[name]?.restartTime = 120
                    bird.sessions[name]?.since = since
                }
                if isRecovering { bird.answer(.notSent) }
            }
        }
        func restart(_ boot: String) {
            let now = story.site.now
            story.node(3) { _, bird in bird = BIRDFacts(condition: .refused, conditionSince: now) }
            story.pass(4)
            report(boot, since: now + 4_000, isRecovering: true)
        }
        report("2026-11-27 09:00:00.000", since: at(500_000))
        story.begin()
        restart("2026-11-27 10:00:00.000")
        story.pass(60)
        report("2026-11-27 10:00:00.000", since: story.site.now - 60_000)
        story.pass(120)
        restart("2026-11-27 10:03:10.000")
        let back = story.site.now
        story.pass(120)
        story.lose(3)
        story.pass(60)
        report("2026-11-27 10:03:10.000", since: back)
        story.restore()
        story.pass(60)
    }
}
