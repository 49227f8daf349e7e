// SPDX-License-Identifier: Apache-2.0
import Incidents
import Routing
import Support
import Verdicts

/// The first transition of one incident, as a ledger makes it.
func transition(
    _ summary: String = "s",
    severity: Severity = .critical,
    node: String = "n3",
    impact: Impact? = nil
) -> IncidentTransition {
    story(summary, severity: severity, node: node, impact: impact)[0]
}

/// An incident that opens, grows worse or better, is reminded of and ends.
func story(
    _ summary: String =
        "10.16.2.0/24 of n3 is lost: no route to it in the main table",
    severity: Severity = .critical,
    node: String = "n3",
    impact: Impact? = nil
) -> [IncidentTransition] {
    var verdict = Verdict(
        kind: .kernelRouteMissing,
        severity: severity,
        identity: "kernel-route-missing/\(node)",
        subject: Subject(node: node, prefix: prefix("10.16.2.0/24")),
        summary: summary,
        since: at(1_700_000_000_000),
        evidence: [
            Evidence("agent \(node)", "kernel route", "absent", at: at(1_700_000_000_000)),
            Evidence("kubernetes", "pod CIDR", "10.16.2.0/24", at: at(1_699_999_990_000)),
        ],
        impact: Impact(),
        verify: [
            Verification(
                on: node,
                "ip -4 route show table all root 10.16.2.0/24",
                shows: "nothing, not *even* <a> line"
            ),
            Verification(on: "kubernetes", "kubectl get nodes"),
        ],
        hold: 0,
        absorbs: []
    )
    verdict.impact.prefixes = [prefix("10.16.2.0/24")]
    verdict.impact.nodes = [node]
    verdict.impact.poolMembers = 3
    verdict.impact.virtualServers = ["/K8S/web"]
    verdict.impact.capacity = [Capacity(virtualServer: "/K8S/web", remaining: 2, members: 5)]
    verdict.impact = impact ?? verdict.impact
    var ledger = IncidentLedger(
        cluster: "lab",
        policy: AlertPolicy(holds: [.kernelRouteMissing: 0])
    )
    func step(_ verdicts: [Verdict], _ moment: Int64) -> [IncidentTransition] {
        let judgement = Judgement(paths: [], verdicts: verdicts, nextChange: nil)
        return ledger.step(judgement, now: at(moment))
    }
    var told = step([verdict], 1_700_000_000_123)
    verdict.severity = severity == .critical ? .warning : .critical
    told += step([verdict], 1_700_000_060_000)
    told += step([verdict], 1_700_014_470_000)
    for moment in stride(from: 1_700_014_520_000, through: 1_700_015_120_000, by: 60_000) {
        told += step([], Int64(moment))
    }
    return told
}
