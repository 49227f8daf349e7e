// SPDX-License-Identifier: Apache-2.0
package import Routing
package import Verdicts

/// The only memory of the judgement: pending, firing and lately resolved incidents.
///
///     verdict ──► pending ──hold──► firing ──verdict gone, stage known, hold──► resolved
///                    └──verdict gone──► forgotten
///
/// A verdict that disappears because its stage became unknown closes nothing.
package struct IncidentLedger: Sendable {
    private struct Entry {
        var incident: Incident
        /// Since when the verdict is gone while its stage is known; nil while it stands.
        var goneSince: Timestamp?
        var lastTold: Timestamp
        /// Narrower identities this incident speaks for.
        var absorbed: Set<String>

        mutating func tell(
            _ change: IncidentTransition.Change,
            _ text: String,
            at now: Timestamp,
            _ transitions: inout [IncidentTransition]
        ) {
            lastTold = now
            incident.note("\(change.rawValue): \(text)", at: now)
            transitions.append(IncidentTransition(change: change, incident: incident, at: now))
        }
    }

    private let cluster: String
    package var policy: AlertPolicy
    private var open: [String: Entry] = [:]
    private var resolved: [Incident] = []
    private var steppedAt = Timestamp.zero

    /// Resolved incidents kept for the page and API, newest last.
    private static let resolvedLimit = 500
    /// After a common cause ends, its parts may take this long to come back one by one.
    private static let regroupGrace: Int64 = 30_000

    package init(cluster: String, policy: AlertPolicy = AlertPolicy()) {
        self.cluster = cluster
        self.policy = policy
    }

    /// Open ones worst first, then resolved ones newest first.
    package var incidents: [Incident] {
        let opened = open.values.map(\.incident).sorted {
            ($1.verdict.severity, $0.detectedAt, $0.id) < (
                $0.verdict.severity, $1.detectedAt, $1.id
            )
        }
        return opened + resolved.reversed()
    }

    /// When something will happen without any new fact.
    package var nextDeadline: Timestamp? {
        open.values.map { entry in
            let verdict = entry.incident.verdict
            if let gone = entry.goneSince {
                let resolve = gone + policy.resolveHold(of: verdict)
                return resolve > steppedAt ? resolve : gone + Self.regroupGrace
            }
            return entry.incident.state == .pending
                ? entry.incident.detectedAt + policy.hold(of: verdict)
                : entry.lastTold + policy.reminder
        }.min()
    }

    /// Takes the judgement of `now` and says what changed for people.
    package mutating func step(_ judgement: Judgement, now: Timestamp) -> [IncidentTransition] {
        steppedAt = now
        var transitions: [IncidentTransition] = []
        let spokenFor = absorbedElsewhere(judgement, now: now)
        for verdict in judgement.verdicts where !spokenFor.contains(verdict.identity) {
            adopt(verdict, now: now, &transitions)
            note(verdict, now: now, &transitions)
        }
        let standing = Set(judgement.verdicts.map(\.identity)).subtracting(spokenFor)
        for identity in open.keys.sorted() where !standing.contains(identity) {
            miss(identity, judgement, now: now, &transitions)
        }
        return transitions
    }

    // MARK: - Standing verdicts

    private mutating func note(
        _ verdict: Verdict,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        var entry = open[verdict.identity] ?? begin(verdict, now: now)
        let isMaterial = isMaterial(from: entry.incident.verdict, to: verdict)
        entry.incident.verdict = verdict
        entry.goneSince = nil
        entry.absorbed.formUnion(verdict.absorbs)
        switch entry.incident.state {
        case .pending where now - entry.incident.detectedAt >= policy.hold(of: verdict):
            entry.incident.state = .firing
            entry.incident.firedAt = now
            entry.tell(.opened, verdict.summary, at: now, &transitions)
        case .firing where isMaterial:
            entry.tell(.changed, verdict.summary, at: now, &transitions)
        case .firing where now - entry.lastTold >= policy.reminder:
            entry.tell(.reminder, "still: " + verdict.summary, at: now, &transitions)
        case .pending, .firing, .resolved: break
        }
        open[verdict.identity] = entry
    }

    private func begin(_ verdict: Verdict, now: Timestamp) -> Entry {
        let since = verdict.since.map { min($0, now) } ?? now
        let incident = Incident(
            id: identifier(verdict, now),
            identity: verdict.identity,
            cluster: cluster,
            verdict: verdict,
            state: .pending,
            since: since,
            detectedAt: now,
            timeline: []
        )
        return Entry(incident: incident, goneSince: nil, lastTold: now, absorbed: [])
    }

    /// The severity, or twice the CIDRs or more: what a person would want to hear again.
    private func isMaterial(from old: Verdict, to new: Verdict) -> Bool {
        old.severity != new.severity
            || new.impact.prefixes.count >= 2 * max(1, old.impact.prefixes.count)
    }

    private func identifier(_ verdict: Verdict, _ now: Timestamp) -> String {
        // FNV-1a: stable in every process, and short.
        let text = "\(cluster)|\(verdict.identity)|\(now.milliseconds)"
        let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        return "\(verdict.kind.rawValue)-" + String(hash, radix: 36)
    }

    // MARK: - Common causes

    /// Verdicts that a wider, open incident still speaks for: its switch is coming back.
    private func absorbedElsewhere(_ judgement: Judgement, now: Timestamp) -> Set<String> {
        var spokenFor = Set<String>()
        for entry in open.values where entry.incident.state == .firing {
            let gone = entry.goneSince.map { now - $0 } ?? 0
            if gone < Self.regroupGrace { spokenFor.formUnion(entry.absorbed) }
        }
        return spokenFor
    }

    /// A wider verdict continues the oldest told incident among those it absorbs; the others end.
    private mutating func adopt(
        _ verdict: Verdict,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        let parts = verdict.absorbs.filter { open[$0] != nil && $0 != verdict.identity }
        guard !parts.isEmpty else { return }
        let firing = parts.compactMap { open[$0] }.filter { $0.incident.state == .firing }
            .sorted { $0.incident.detectedAt < $1.incident.detectedAt }
        for part in parts { open[part] = nil }
        for entry in firing.dropFirst(open[verdict.identity] == nil ? 1 : 0) {
            finish(entry, "part of: " + verdict.summary, now: now, &transitions)
        }
        guard open[verdict.identity] == nil, var heir = firing.first else { return }
        heir.incident.identity = verdict.identity
        heir.incident.verdict = verdict
        heir.tell(.changed, verdict.summary, at: now, &transitions)
        open[verdict.identity] = heir
    }

    // MARK: - Missing verdicts

    private mutating func miss(
        _ identity: String,
        _ judgement: Judgement,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        guard var entry = open[identity] else { return }
        guard !judgement.isUnjudged(entry.incident.verdict) else { return }
        guard entry.incident.state == .firing else {
            open[identity] = nil
            return
        }
        guard judgement.canSee(entry.incident.verdict) else {
            entry.goneSince = nil
            open[identity] = entry
            return
        }
        let gone = entry.goneSince ?? now
        entry.goneSince = gone
        open[identity] = entry
        let partsLeft = judgement.verdicts.contains { entry.absorbed.contains($0.identity) }
        let hold = policy.resolveHold(of: entry.incident.verdict)
        guard now - gone >= (partsLeft ? Self.regroupGrace : hold) else { return }
        open[identity] = nil
        finish(entry, "resolved", now: now, &transitions)
    }

    private mutating func finish(
        _ entry: Entry,
        _ text: String,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        var entry = entry
        entry.incident.state = .resolved
        entry.incident.resolvedAt = now
        entry.tell(.resolved, text, at: now, &transitions)
        resolved.append(entry.incident)
        if resolved.count > Self.resolvedLimit { resolved.removeFirst() }
    }
}

extension Judgement {
    private static let ofPools: Set<Kind> = [
        .ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied, .ltmPoolsFrozen,
    ]

    /// Nothing can be said of it now.
    func isUnjudged(_ verdict: Verdict) -> Bool {
        unjudged.contains { blind in
            blind.kind == verdict.kind
                && (blind.loadBalancer == nil || blind.loadBalancer == verdict.subject.loadBalancer)
        }
    }

    /// Whether the stage that named a verdict is known now on all of its paths: only then does the
    /// verdict's absence mean that the fault is gone.
    func canSee(_ verdict: Verdict) -> Bool {
        // What pools hold is seen or not as a whole, whatever a single member's monitor says.
        guard !Self.ofPools.contains(verdict.kind) else { return true }
        let stages = verdict.kind.stagesOfEvidence
        guard !stages.isEmpty else { return true }
        let prefixes = Set(verdict.impact.prefixes)
        let node = verdict.subject.node
        let own = paths.filter { path in
            (prefixes.isEmpty || prefixes.contains(path.prefix))
                && (node == nil || path.node == node)
        }
        // A prefix that nobody owns has no path of its own: any path sees the same switches.
        let watched = own.isEmpty && node == nil ? paths : own
        return !watched.contains { path in
            path.stages.contains { result in
                guard stages.contains(result.stage), case .unknown = result.state else {
                    return false
                }
                return matches(result, verdict.subject)
            }
        }
    }

    private func matches(_ result: StageResult, _ subject: Subject) -> Bool {
        switch result.stage {
        case .export, .session:
            subject.uplink == nil || result.at == nil || result.at == subject.uplink
        case .switchRIB: subject.switchName == nil || result.at == subject.switchName
        case .ltmRoute, .member, .virtualServer, .gtm:
            subject.loadBalancer == nil || result.at == subject.loadBalancer
        case .intent, .kernel, .bird: true
        }
    }
}

extension Kind {
    /// What must be known for the kind to be seen, or not to be there.
    fileprivate var stagesOfEvidence: [PathStage] {
        switch self {
        // Hints that only the node's agent can take back; they have no place on the way.
        case .clockSkew: [.kernel]
        case .rpFilterStrict, .mtuDiffers: [.kernel, .session]
        // Named by what a stage further on shows.
        case .ownerDisagreement: [.kernel]
        case .hostRoutesExported: [.switchRIB]
        case .switchRestartNotHonoured: [.session, .switchRIB]
        default: entry.stage.map { $0 == .intent ? [] : [$0] } ?? []
        }
    }
}
