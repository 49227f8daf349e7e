// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// Moments at which the same facts are judged differently.
extension World {
    /// By what one node shows.
    func nextChange(of node: NodeSight) -> Timestamp? {
        var next = Next(after: now)
        if let created = node.intent?.createdAt { next.add(created + newNodeGrace) }
        if let settled = snapshot.kubernetes?.tokenReviews.settledAt { next.add(settled) }
        guard let facts = node.told else { return next.moment }
        next.add(facts.lastHeard + snapshot.agentStaleAfter + 1)
        // A goodbye's grace ends later than the agent's own patience.
        next.add(facts.lastHeard + goodbyeGrace + 1)
        for moment in facts.flapEnds() + facts.restartEnds() {
            next.add(moment)
        }
        // What came to a switch by itself proves an absence so much later.
        for since in facts.exportsSince.values {
            next.add(since + settling + SwitchSight.grace + 1)
        }
        for (_, bird) in node.daemons {
            next.add(bird.conditionSince + sessionStartGrace)
            for session in bird.sessions.values {
                guard let since = session.since else { continue }
                if bird.isRecovering || session.channels.contains(where: \.isRecovering),
                    let end = recoveryEnd(of: session)
                {
                    next.add(end)
                }
                next.add(since + sessionStartGrace)
                next.add(since + settling + SwitchSight.grace + 1)
            }
        }
        return next.moment
    }

    /// By what Kubernetes shows.
    func nextClusterChange() -> Timestamp? {
        var next = Next(after: now)
        guard let cluster = snapshot.kubernetes else { return nil }
        if let settled = cluster.tokenReviews.settledAt { next.add(settled) }
        if let since = cluster.tokenReviews.failedSince { next.add(since + clusterPatience + 1) }
        let custom = [cluster.virtualServers.failure, cluster.transportServers.failure]
        for failure in cluster.failures.map(\.failure) + custom.compactMap(\.self) {
            next.add(failure.since + clusterPatience + 1)
        }
        return next.moment
    }

    /// By what switches and load balancers show.
    func nextDeviceChange() -> Timestamp? {
        var next = Next(after: now)
        next.add(snapshot.startedAt + firstReportGrace + 1)
        for view in snapshot.switches.values.flatMap(\.views.values) {
            if let stale = view.readings.staleAt { next.add(stale) }
            if let latest = view.readings.latest { next.add(latest.at + longestHold + 1) }
            addChanges(of: view, to: &next)
        }
        for readings in snapshot.loadBalancers.values.flatMap(\.units.values) {
            if let stale = readings.staleAt { next.add(stale) }
            for since in readings.latest?.value.doubtBegan ?? [] {
                next.add(since + readings.staleAfter + 1)
            }
        }
        return next.moment
    }

    /// A flap that counts now will be too old to, an absence will have lasted, a second path that was seen will
    /// be forgotten.
    private func addChanges(of view: SwitchView, to next: inout Next) {
        for history in view.histories.values {
            next.add(history.changedAt + SwitchSight.grace)
            if let gone = history.goneSince {
                next.add(gone + SwitchSight.grace)
                next.add(gone + shortAbsence + 1)
            }
            if let seen = history.severalSeenAt { next.add(seen + SwitchSight.severalMemory) }
            guard history.absences.count >= flapCount else { continue }
            for absence in history.absences { next.add(absence.from + flapWindow) }
        }
        if let first = view.firstReadAt { next.add(first + SwitchSight.grace) }
    }
}

/// The earliest of some moments that are still to come.
private struct Next {
    private let now: Timestamp
    private(set) var moment: Timestamp?

    init(after now: Timestamp) { self.now = now }

    mutating func add(_ other: Timestamp) {
        guard other > now else { return }
        moment = moment.map { min($0, other) } ?? other
    }
}
