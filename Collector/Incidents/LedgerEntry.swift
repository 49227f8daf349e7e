// SPDX-License-Identifier: Apache-2.0
import Routing
package import Verdicts

/// An incident with what the ledger must remember of it: what a store keeps, and a ledger begins with again.
package struct LedgerEntry: Sendable, Hashable, Codable {
    /// How much of it people know.
    package struct Told: Sendable, Hashable, Codable {
        var severity: Severity
        var prefixes: Int
        /// Of the verdict; nil in what an older collector left.
        var identity: String?

        init(_ verdict: Verdict) {
            severity = verdict.severity
            prefixes = verdict.impact.prefixes.count
            identity = verdict.identity
        }

        /// Another root or severity, or twice the CIDRs or more: what a person would want to hear again.
        func isOutdated(by verdict: Verdict) -> Bool {
            LedgerEntry.isNews(
                verdict,
                afterSeverity: severity,
                prefixes: prefixes,
                isSameRoot: identity.map { $0 == verdict.identity } ?? true
            )
        }
    }

    /// Whether somebody who heard that much of an open incident would want to hear again.
    package static func isNews(
        _ verdict: Verdict,
        afterSeverity severity: Severity,
        prefixes: Int,
        isSameRoot: Bool
    ) -> Bool {
        !isSameRoot || severity != verdict.severity
            || verdict.impact.prefixes.count >= 2 * max(1, prefixes)
    }

    package internal(set) var incident: Incident
    /// Nil while nobody was told of it.
    package internal(set) var told: Told?
    var lastTold: Timestamp
    /// Narrower identities this incident speaks for.
    var absorbed: Set<String>
    /// The verdict with most to show of those that were of the same cause and severity: at its end it is called by it, not
    /// by what was left of it when the first of its devices had been read again. Nil in what an older collector left.
    var widest: Verdict?
    /// Since when the verdict is gone while its stage is known; nil while it stands.
    var goneSince: Timestamp?
    /// Since when the verdict is missing, whether its stage is known or not.
    var missingSince: Timestamp?
    /// It is of an earlier collector, and its verdict has not been seen by this one yet.
    var isInherited = false

    init(_ incident: Incident) {
        self.incident = incident
        lastTold = incident.detectedAt
        absorbed = []
    }

    /// What is needed to go on with it elsewhere, and to tell its end.
    package var essence: LedgerEntry {
        var essence = self
        (essence.incident.verdict.evidence, essence.incident.verdict.verify) = ([], [])
        (essence.incident.timeline, essence.incident.verdict.impact.capacity) = ([], [])
        (essence.goneSince, essence.missingSince, essence.widest) = (nil, nil, nil)
        essence.incident.verdict.impact.shorten(to: Self.listLimit)
        essence.incident.verdict.absorbs = Array(incident.verdict.absorbs.prefix(Self.listLimit))
        essence.absorbed = Set(absorbed.sorted().prefix(Self.listLimit))
        return essence
    }

    /// Of a fleet's thousands as many as a message names, many times over.
    private static let listLimit = 100

    /// Whether it can be gone on with, whoever wrote it: it was told and is open, and nothing computed with its
    /// numbers can overflow.
    package var isSound: Bool {
        let moments = [incident.since, incident.detectedAt, lastTold, incident.firedAt ?? .zero]
        return incident.state == .firing && told != nil
            && moments.allSatisfy { (0..<(1 << 48)) ~= $0.milliseconds }
            && (0..<1_000_000) ~= told?.prefixes ?? 0
            && (0..<1_000_000) ~= incident.openings
            && (0..<1_000_000_000) ~= incident.verdict.hold ?? 0
    }

    mutating func see(_ verdict: Verdict) {
        incident.verdict = verdict
        guard let seen = widest, seen.identity == verdict.identity,
            seen.severity == verdict.severity, seen.isWider(than: verdict)
        else {
            widest = verdict
            return
        }
    }

    /// What it is remembered by, once it is over.
    mutating func close() {
        guard let widest, widest.identity == incident.verdict.identity else { return }
        incident.verdict.summary = widest.summary
        incident.verdict.evidence = widest.evidence
    }

    mutating func tell(
        _ change: IncidentTransition.Change,
        _ text: String,
        at now: Timestamp,
        _ transitions: inout [IncidentTransition]
    ) {
        lastTold = now
        told = change == .resolved ? nil : Told(incident.verdict)
        incident.note("\(change.rawValue): \(text)", at: now)
        transitions.append(IncidentTransition(change: change, incident: incident, at: now))
    }
}

extension Verdict {
    fileprivate func isWider(than other: Verdict) -> Bool {
        (impact.prefixes.count, evidence.count) > (
            other.impact.prefixes.count, other.evidence.count
        )
    }
}
