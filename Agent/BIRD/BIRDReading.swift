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
    /// A static protocol is down, by an operator: what it holds cannot be asked.
    package var isStaticDown = false
    /// BGP protocols, by name; without those that only wait for dynamic neighbours.
    package var sessions: [BGPSession] = []
    package var statics: [BIRDStatic] = []
    /// Routes of the prefixes that were asked about, of the default tables and of those that
    /// sessions export from.
    package var routes: [BIRDRoute] = []
    package var exports: [ExportKey: ExportAnswer] = [:]
    /// BIRD's text of each session's Since, by which a bounce is noticed whatever its format.
    var sinceTexts: [String: String] = [:]

    package init(condition: BIRDCondition) { self.condition = condition }

    /// Times jitter from poll to poll: keeps what `previous` said of a moment for as long as BIRD
    /// means the same one, so that two readings differ only where something happened.
    package func settled(comparedTo previous: BIRDReading?) -> BIRDReading {
        guard let previous, condition == .readable else { return self }
        var settled = self
        if ServerTime.isSame(lastReboot, previous.lastReboot) {
            settled.lastReboot = previous.lastReboot
        }
        if ServerTime.isSame(lastReconfiguration, previous.lastReconfiguration) {
            settled.lastReconfiguration = previous.lastReconfiguration
        }
        let earlier = Dictionary(previous.sessions.map { ($0.name, $0) }) { first, _ in first }
        for index in sessions.indices {
            let name = sessions[index].name
            guard let old = earlier[name] else { continue }
            settled.sessions[index].settle(comparedTo: old)
            guard old.state == sessions[index].state else { continue }
            let text = sinceTexts[name] ?? ""
            let oldText = previous.sinceTexts[name] ?? ""
            guard isUnmoved(sessions[index].since, text, old.since, oldText) else { continue }
            settled.sessions[index].since = old.since ?? sessions[index].since
            // A date is coarser than the time it took the place of, but it is what BIRD says now.
            settled.sinceTexts[name] = ServerTime.isSame(text, oldText) ? oldText : text
        }
        return settled
    }

    private func isUnmoved(
        _ since: Timestamp?,
        _ text: String,
        _ old: Timestamp?,
        _ oldText: String
    ) -> Bool {
        if ServerTime.isSame(text, oldText) { return true }
        if let since, let old { return (since - old).magnitude < 1_000 }
        // After 20 hours BIRD prints only the date, which no session that moved lately has.
        return ServerTime(text) == .date && ServerTime(oldText) != .date
    }
}

extension BGPSession {
    /// What only the readings before can tell.
    fileprivate mutating func settle(comparedTo old: BGPSession) {
        if isEstablished || isDisabled {
            firstError = ""
        } else if !old.isEstablished, !old.isDisabled, !old.firstError.isEmpty {
            firstError = old.firstError
        }
        // BIRD 1.6 counts in whole seconds.
        if let since = silentSince, let before = old.silentSince,
            (since - before).magnitude < 2_000
        {
            silentSince = before
        }
    }
}
