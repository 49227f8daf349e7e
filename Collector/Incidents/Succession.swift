// SPDX-License-Identifier: Apache-2.0
import Routing
import Verdicts

/// Whether what is broken now is what people were told of, with another root.
///
/// 1. Both are of a stage of the way: hints and what is about ourselves are matters of their own.
/// 2. The new one is about half at least of the pod CIDRs of the old one.
/// 3. The old one is gone; or it cannot be seen any more for the new one, which is nearer to the beginning of the
///    way and is about all its CIDRs.
extension IncidentLedger {
    /// The identity of the oldest incident that such a verdict continues.
    func predecessor(of verdict: Verdict, _ standing: Set<String>) -> String? {
        guard verdict.kind.entry.stage != nil else { return nil }
        return open.filter { identity, entry in
            !standing.contains(identity) && entry.incident.state == .firing
                && continues(verdict, entry)
        }.min { ($0.value.incident.detectedAt, $0.key) < ($1.value.incident.detectedAt, $1.key) }?
        .key
    }

    /// That Kubernetes calls a node Ready that no switch reaches is told where nothing else is: not beside an
    /// incident of the same pod CIDRs that nobody can see the end of, for its agent is silent.
    func isExplained(_ verdict: Verdict) -> Bool {
        guard verdict.kind == .readyButUnreachable else { return false }
        let prefixes = Set(verdict.impact.prefixes)
        return open.contains { identity, entry in
            identity != verdict.identity && entry.incident.state == .firing
                && entry.incident.verdict.severity == .critical
                && entry.incident.verdict.kind.entry.stage != nil
                && prefixes.isSubset(of: entry.incident.verdict.impact.prefixes)
        }
    }

    /// It is not over while something else stands that would be its root now, and may have to be told.
    func hasHeir(_ entry: LedgerEntry) -> Bool {
        open.values.contains {
            $0.incident.state == .pending && continues($0.incident.verdict, entry)
        }
    }

    private func continues(_ verdict: Verdict, _ old: LedgerEntry) -> Bool {
        guard let stage = verdict.kind.entry.stage,
            let before = old.incident.verdict.kind.entry.stage
        else { return false }
        let prefixes = Set(old.incident.verdict.impact.prefixes)
        let common = prefixes.intersection(verdict.impact.prefixes).count
        guard common > 0, common * 2 >= prefixes.count else { return false }
        // What an earlier collector knew of how it came to be this one may only see as it is.
        if old.goneSince != nil || old.isInherited && stage == before { return true }
        return common == prefixes.count && stage.isBefore(before)
    }
}

extension PathStage {
    fileprivate func isBefore(_ other: PathStage) -> Bool {
        let all = PathStage.allCases
        return (all.firstIndex(of: self) ?? 0) < (all.firstIndex(of: other) ?? 0)
    }
}
