// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What one BIRD daemon said in one poll. Unless `condition` is `.readable` everything else may be
/// empty, and proves nothing.
package struct BIRDReading: Equatable, Sendable {
    package var condition: BIRDCondition
    package var version = ""
    package var routerID: IPAddress?
    /// In BIRD's words: a change means a restart.
    package var lastReboot = ""
    package var lastReconfiguration = ""
    package var isReconfiguring = false
    package var isRecovering = false
    /// BGP protocols, by name.
    package var sessions: [BGPSession] = []
    package var statics: [BIRDStatic] = []
    /// Routes of the prefixes that were asked about.
    package var routes: [BIRDRoute] = []
    package var exports: [ExportKey: ExportAnswer] = [:]
    /// BIRD's text of each session's Since, by which a bounce is noticed whatever its format.
    var sinceTexts: [String: String] = [:]

    package init(condition: BIRDCondition) { self.condition = condition }

    /// Ages jitter by milliseconds from poll to poll: keeps the moment a session's state was first
    /// computed for as long as BIRD's own text for it stays the same.
    package func settled(comparedTo previous: BIRDReading?) -> BIRDReading {
        guard let previous, condition == .readable else { return self }
        var settled = self
        for index in settled.sessions.indices {
            let name = settled.sessions[index].name
            guard let old = previous.sessions.first(where: { $0.name == name }),
                old.state == settled.sessions[index].state,
                previous.sinceTexts[name] == sinceTexts[name]
                    || isNear(old.since, settled.sessions[index].since)
            else { continue }
            settled.sessions[index].since = old.since
        }
        return settled
    }

    private func isNear(_ left: Timestamp?, _ right: Timestamp?) -> Bool {
        guard let left, let right else { return false }
        return abs(left - right) < 1_000
    }
}
