// SPDX-License-Identifier: Apache-2.0
package import Verdicts

/// Hold-downs and reminders, from the configuration.
package struct AlertPolicy: Sendable, Hashable, Codable {
    /// Milliseconds; kinds not named have the catalogue's.
    package var holds: [Kind: Int64]
    /// Milliseconds between reminders of a firing incident.
    package var reminder: Int64
    /// What came three times within an hour must be gone for so long before it is told as over; milliseconds.
    package var calm: Int64

    /// After a common cause ends, its parts may take this long to come back one by one.
    static let regroupGrace: Int64 = 30_000

    package init(holds: [Kind: Int64] = [:], reminder: Int64 = 4 * 3_600_000, calm: Int64 = 600_000)
    {
        self.calm = calm
        self.holds = holds
        self.reminder = reminder
    }

    func hold(of verdict: Verdict) -> Int64 {
        holds[verdict.kind] ?? verdict.hold ?? verdict.kind.entry.hold
    }

    /// Before resolving: as long as before firing, but a person who mended something waits 30 s at
    /// most for the good news; what comes and goes must stay away.
    func resolveHold(of incident: Incident) -> Int64 {
        let hold = min(hold(of: incident.verdict), 30_000)
        return incident.isFlapping ? max(calm, hold) : hold
    }
}
