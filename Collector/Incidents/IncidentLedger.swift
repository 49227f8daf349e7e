// SPDX-License-Identifier: Apache-2.0
package import Facts
package import Routing
package import Verdicts

/// The only memory of the judgement: pending, firing and lately resolved incidents.
///
///     verdict ──► pending ──hold──► firing ──verdict gone, stage known, hold──► resolved
///                    │                └──another verdict of the same way──► changed: the root moved
///                    └──verdict gone──► forgotten
///
/// A verdict that disappears because its stage became unknown closes nothing. What an operator silenced goes the
/// same way, and is told only if it still fires when the silence ends.
package struct IncidentLedger: Sendable {
    private let cluster: String
    package var policy: AlertPolicy
    /// By the identity of the verdict that they follow.
    var open: [String: LedgerEntry] = [:]
    private var resolved: [Incident] = []
    /// When incidents fired within the last hour, by id.
    private var openings: [String: [Timestamp]] = [:]
    private var touched: [IncidentKey: LedgerEntry] = [:]
    private var silences = Silences()
    private var steppedAt = Timestamp.zero
    /// When the collector began that has this ledger.
    let startedAt: Timestamp

    /// Resolved incidents kept for the page and API, newest last.
    package static let resolvedLimit = 500
    private static let hour: Int64 = 3_600_000

    /// `memory` is what an earlier ledger of this cluster left, in any order.
    package init(
        cluster: String,
        policy: AlertPolicy = AlertPolicy(),
        memory: [LedgerEntry] = [],
        startedAt: Timestamp = .zero
    ) {
        self.cluster = cluster
        self.policy = policy
        self.startedAt = startedAt
        for entry in memory.sorted(by: { $0.incident.detectedAt < $1.incident.detectedAt }) {
            inherit(entry)
        }
    }

    private mutating func inherit(_ entry: LedgerEntry) {
        let incident = entry.incident
        if let fired = incident.firedAt { openings[incident.id, default: []].append(fired) }
        guard incident.state != .resolved else {
            resolved = resolved.suffix(Self.resolvedLimit - 1) + [incident]
            return
        }
        var entry = entry
        (entry.isInherited, entry.goneSince, entry.missingSince) = (true, nil, nil)
        // Its end was lost with a disk that failed, and then it came again.
        if var older = open[incident.identity], older.incident.state == .firing {
            older.incident.state = .resolved
            older.incident.resolvedAt = incident.detectedAt
            older.incident.note("resolved: it came again", at: incident.detectedAt)
            touched[older.incident.key] = older
        }
        open[incident.identity] = entry
    }

    /// Open ones worst first, then resolved ones newest first.
    package var incidents: [Incident] {
        open.values.map(\.incident).sorted(by: Incident.isWorse) + resolved.reversed()
    }

    /// What a store has to keep since this was asked last: how each incident that people know of, or that was
    /// kept from them, stands now.
    package mutating func takeTouched() -> [LedgerEntry] {
        defer { touched = [:] }
        return touched.values.sorted {
            ($0.incident.detectedAt, $0.incident.id) < ($1.incident.detectedAt, $1.incident.id)
        }
    }

    /// What people were told of and is open, worst first.
    package var toldEntries: [LedgerEntry] {
        open.values.filter { $0.told != nil && $0.incident.state == .firing }
            .sorted { Incident.isWorse($0.incident, $1.incident) }
    }

    /// Goes on with what another collector of this cluster told, unless this ledger has it firing or had it later.
    package mutating func takeOver(_ entry: LedgerEntry) {
        let incident = entry.incident
        // The same root under another name gives way to the name that people know.
        let isKnown = open.values.contains {
            $0.incident.id == incident.id && $0.incident.state == .firing
        }
        let began = incident.firedAt ?? incident.detectedAt
        let hasEnded = resolved.contains {
            $0.id == incident.id && $0.resolvedAt ?? .zero > began
        }
        guard incident.cluster == cluster, entry.isSound, !isKnown, !hasEnded else { return }
        inherit(entry)
        open[incident.identity]?.incident.note("taken over", at: steppedAt)
        if let entry = open[incident.identity] { touch(entry) }
    }

    /// When something will happen without any new fact.
    package var nextDeadline: Timestamp? {
        let deadlines = open.values.flatMap(deadlines) + [silences.nextChange(after: steppedAt)]
        return deadlines.compactMap(\.self).filter { $0 > steppedAt }.min()
    }

    /// What is due and waits for something else is looked at again in some seconds.
    private func again(_ moment: Timestamp) -> Timestamp {
        moment > steppedAt ? moment : steppedAt + 5_000
    }

    private func deadlines(of entry: LedgerEntry) -> [Timestamp?] {
        let incident = entry.incident
        if let gone = entry.goneSince {
            return [again(gone + policy.resolveHold(of: incident))]
        }
        guard incident.state == .firing else {
            return [again(incident.detectedAt + policy.hold(of: incident.verdict))]
        }
        let isReminded = entry.told != nil && incident.silences.isEmpty
        return [
            isReminded ? entry.lastTold + policy.reminder : nil,
            entry.isInherited ? startedAt + incident.verdict.kind.timeToSee : nil,
        ]
    }

    /// Takes the judgement of `now` and says what changed for people.
    package mutating func step(
        _ judgement: Judgement,
        silences: Silences = Silences(),
        now: Timestamp
    ) -> [IncidentTransition] {
        (self.silences, steppedAt) = (silences, now)
        let quiet = Quiet(silences, at: now)
        var transitions: [IncidentTransition] = []
        let spokenFor = absorbedElsewhere(judgement, now: now)
        let standing = Set(judgement.verdicts.map(\.identity)).subtracting(spokenFor)
        let missing = open.keys.filter { !standing.contains($0) }.sorted()
        for identity in missing { look(for: identity, judgement, now: now) }
        for verdict in judgement.verdicts where standing.contains(verdict.identity) {
            adopt(verdict, quiet, now: now, &transitions)
            note(verdict, standing, quiet, now: now, &transitions)
        }
        for identity in missing { end(identity, judgement, now: now, &transitions) }
        return transitions
    }

    // MARK: - Standing verdicts

    private mutating func note(
        _ verdict: Verdict,
        _ standing: Set<String>,
        _ quiet: Quiet,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        var entry = open[verdict.identity] ?? begin(verdict, now: now)
        entry.see(verdict)
        (entry.goneSince, entry.missingSince, entry.isInherited) = (nil, nil, false)
        entry.absorbed.formUnion(verdict.absorbs)
        if entry.incident.state == .pending {
            guard now - entry.incident.detectedAt >= policy.hold(of: verdict),
                !isExplained(verdict)
            else {
                open[verdict.identity] = entry
                return
            }
            if let old = predecessor(of: verdict, standing) {
                entry = succeed(old, by: verdict, quiet, now: now, &transitions)
            } else {
                fire(&entry, now: now)
            }
        }
        let mute = hush(&entry, quiet, now: now)
        if !mute { tell(&entry, now: now, &transitions) }
        open[verdict.identity] = entry
    }

    private mutating func begin(_ verdict: Verdict, now: Timestamp) -> LedgerEntry {
        let id = identifier(verdict)
        let recent = (openings[id] ?? []).count { $0 > now - Self.hour }
        return LedgerEntry(
            Incident(id: id, cluster: cluster, verdict: verdict, openings: recent + 1, at: now)
        )
    }

    private mutating func fire(_ entry: inout LedgerEntry, now: Timestamp) {
        entry.incident.state = .firing
        entry.incident.firedAt = now
        openings = openings.compactMapValues { moments in
            let recent = moments.filter { $0 > now - Self.hour }
            return recent.isEmpty ? nil : recent
        }
        openings[entry.incident.id, default: []].append(now)
        touch(entry)
    }

    /// Looks whether an operator wants to hear nothing of it; true if so.
    private mutating func hush(
        _ entry: inout LedgerEntry,
        _ quiet: Quiet,
        now: Timestamp
    ) -> Bool {
        let silences = quiet.over(entry.incident)
        if silences.map(\.id) != entry.incident.silences {
            for silence in silences where !entry.incident.silences.contains(silence.id) {
                entry.incident.note(
                    "\(silence.form.rawValue) by \(silence.author): \(silence.comment)",
                    at: now
                )
            }
            if silences.isEmpty { entry.incident.note("no silence any more", at: now) }
            entry.incident.silences = silences.map(\.id)
            touch(entry)
        }
        return silences.contains { $0.form != .acknowledgement }
    }

    private mutating func tell(
        _ entry: inout LedgerEntry,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        let summary = entry.incident.summary
        guard let told = entry.told else {
            entry.tell(.opened, summary, at: now, &transitions)
            return touch(entry)
        }
        if told.isOutdated(by: entry.incident.verdict) {
            entry.tell(.changed, summary, at: now, &transitions)
        } else if now - entry.lastTold >= policy.reminder, entry.incident.silences.isEmpty {
            entry.tell(.reminder, "still: " + summary, at: now, &transitions)
        } else {
            return
        }
        touch(entry)
    }

    /// Two of one id are never open at once: a root that moved keeps its first name.
    private func identifier(_ verdict: Verdict) -> String {
        let taken = Set(open.values.map(\.incident.id))
        let names = (0...open.count).lazy.map { turn in
            name(of: verdict, turn == 0 ? "" : "|\(turn)")
        }
        return names.first { !taken.contains($0) } ?? name(of: verdict, "")
    }

    private func name(of verdict: Verdict, _ suffix: String) -> String {
        let hash = stableHash("\(cluster)|\(verdict.identity)\(suffix)")
        return "\(verdict.kind.rawValue)-" + String(hash, radix: 36)
    }

    // MARK: - Common causes

    /// Verdicts that a wider, open incident still speaks for: its own has just gone, and its parts come back one by
    /// one. While it stands the judgement itself says what is part of it: what is told apart has another cause.
    private func absorbedElsewhere(_ judgement: Judgement, now: Timestamp) -> Set<String> {
        let identities = Set(judgement.verdicts.map(\.identity))
        var spokenFor = Set<String>()
        for (identity, entry) in open
        where entry.incident.state == .firing && !identities.contains(identity) {
            let missing = now - (entry.missingSince ?? now)
            if missing < AlertPolicy.regroupGrace { spokenFor.formUnion(entry.absorbed) }
        }
        return spokenFor
    }

    /// A wider verdict continues the oldest told incident among those it absorbs; the others end.
    private mutating func adopt(
        _ verdict: Verdict,
        _ quiet: Quiet,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        let parts = verdict.absorbs.filter { open[$0] != nil && $0 != verdict.identity }
        guard !parts.isEmpty else { return }
        let firing = parts.compactMap { open[$0] }.filter { $0.incident.state == .firing }
            .sorted { $0.incident.detectedAt < $1.incident.detectedAt }
        for part in parts { open[part] = nil }
        // One that is only pending yet has been told to nobody, and may go as it came.
        let isOpen = open[verdict.identity]?.incident.state == .firing
        for entry in firing.dropFirst(isOpen ? 0 : 1) {
            finish(entry, "part of: " + verdict.summary, now: now, &transitions)
        }
        guard !isOpen, let heir = firing.first else { return }
        open[verdict.identity] = hand(
            heir,
            to: verdict,
            verdict.summary,
            quiet,
            now: now,
            &transitions
        )
    }

    /// The incident of an old root goes on as that of the new one.
    private mutating func succeed(
        _ old: String,
        by verdict: Verdict,
        _ quiet: Quiet,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) -> LedgerEntry {
        guard let entry = open.removeValue(forKey: old) else { return begin(verdict, now: now) }
        let text = "the root moved: " + verdict.summary
        return hand(entry, to: verdict, text, quiet, now: now, &transitions)
    }

    private mutating func hand(
        _ old: LedgerEntry,
        to verdict: Verdict,
        _ text: String,
        _ quiet: Quiet,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) -> LedgerEntry {
        var heir = old
        heir.incident.identity = verdict.identity
        heir.see(verdict)
        (heir.goneSince, heir.missingSince, heir.isInherited) = (nil, nil, false)
        // Nobody knows of it who was not told of what it was: then it is opened, when that may be.
        if !hush(&heir, quiet, now: now), heir.told != nil {
            heir.tell(.changed, text, at: now, &transitions)
        }
        touch(heir)
        return heir
    }

    // MARK: - Missing verdicts

    /// Whether it is only missing, or gone.
    private mutating func look(for identity: String, _ judgement: Judgement, now: Timestamp) {
        guard var entry = open[identity] else { return }
        let verdict = entry.incident.verdict
        guard entry.incident.state == .firing || judgement.isUnjudged(verdict) else {
            open[identity] = nil
            return
        }
        defer { open[identity] = entry }
        entry.missingSince = entry.missingSince ?? now
        guard !judgement.isUnjudged(verdict), entry.incident.state == .firing else { return }
        if entry.isInherited, !judgement.hasSeenEnough(of: verdict, for: now - startedAt) { return }
        entry.goneSince = judgement.canSee(verdict) ? entry.goneSince ?? now : nil
    }

    private mutating func end(
        _ identity: String,
        _ judgement: Judgement,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        // What another root has taken over is not missing any more.
        guard let entry = open[identity], entry.missingSince != nil, let gone = entry.goneSince,
            !judgement.isUnjudged(entry.incident.verdict)
        else { return }
        let partsLeft = judgement.verdicts.contains { entry.absorbed.contains($0.identity) }
        let hold = policy.resolveHold(of: entry.incident)
        guard now - gone >= (partsLeft ? AlertPolicy.regroupGrace : hold), !hasHeir(entry) else {
            return
        }
        open[identity] = nil
        finish(entry, "resolved", now: now, &transitions)
    }

    private mutating func finish(
        _ entry: LedgerEntry,
        _ text: String,
        now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        var entry = entry
        entry.close()
        entry.incident.state = .resolved
        entry.incident.resolvedAt = now
        if entry.told == nil {
            entry.incident.note("\(text), and nobody was told of it", at: now)
        } else {
            entry.tell(.resolved, text, at: now, &transitions)
        }
        touch(entry)
        resolved.append(entry.incident)
        if resolved.count > Self.resolvedLimit { resolved.removeFirst() }
    }

    private mutating func touch(_ entry: LedgerEntry) { touched[entry.incident.key] = entry }
}

extension Incident {
    /// The order in which people see them: of equals the older first.
    fileprivate static func isWorse(_ one: Incident, _ other: Incident) -> Bool {
        (other.verdict.severity, one.detectedAt, one.id) < (
            one.verdict.severity, other.detectedAt, other.id
        )
    }
}
