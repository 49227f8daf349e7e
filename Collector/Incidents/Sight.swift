// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Verdicts

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

    /// Whether a collector that began so long ago could have seen a fault that it inherited.
    func hasSeenEnough(of verdict: Verdict, for milliseconds: Int64) -> Bool {
        if milliseconds >= verdict.kind.timeToSee || wellRead.contains(verdict.identity) {
            return true
        }
        // What is known from one end to the other hides nothing.
        let own = paths(of: verdict)
        return verdict.kind.isSeenAtOnce && isIntentKnown && !own.isEmpty
            && own.allSatisfy { path in
                path.stages.allSatisfy { if case .unknown = $0.state { false } else { true } }
            }
    }

    private func paths(of verdict: Verdict) -> [PathTrace] {
        let prefixes = Set(verdict.impact.prefixes)
        let node = verdict.subject.node
        return paths.filter { path in
            (prefixes.isEmpty || prefixes.contains(path.prefix))
                && (node == nil || path.node == node)
        }
    }

    /// Whether the stage that named a verdict is known now on all of its paths: only then does the
    /// verdict's absence mean that the fault is gone.
    func canSee(_ verdict: Verdict) -> Bool {
        guard isIntentKnown || [.sourceUnreadable, .sinkFailing].contains(verdict.kind) else {
            return false
        }
        // What pools hold is seen or not as a whole, whatever a single member's monitor says.
        guard !Self.ofPools.contains(verdict.kind) else { return true }
        let stages = verdict.stagesOfEvidence
        guard !stages.isEmpty else { return true }
        let own = paths(of: verdict)
        // A prefix that nobody owns has no path of its own: any path sees the same switches.
        let watched = own.isEmpty && verdict.subject.node == nil ? Array(paths) : own
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

extension Verdict {
    /// What must be known for it to be seen, or not to be there.
    fileprivate var stagesOfEvidence: [PathStage] {
        switch kind {
        // Hints that only the node's agent can take back; they have no place on the way.
        case .clockSkew: [.kernel]
        case .rpFilterStrict, .mtuDiffers: [.kernel, .session]
        // Named by what a stage further on shows.
        case .ownerDisagreement: [.kernel]
        case .hostRoutesExported: [.switchRIB]
        case .switchRestartNotHonoured: [.session, .switchRIB]
        default: kind.entry.stage.map { $0 == .intent ? [] : [$0] } ?? []
        }
    }
}

extension Kind {
    /// For how long after a collector began the verdict's absence proves nothing: what it stands on is what was
    /// seen over some time, and that the collector has to see anew. Milliseconds.
    var timeToSee: Int64 {
        switch self {
        // Ten minutes are looked back upon.
        case .sessionFlapping, .switchRouteFlapping, .switchRestartNotHonoured: 600_000
        // What was there an hour ago is remembered, and nothing tells it to another collector.
        case .ltmRoutesRemoved, .kernelRoutesSwept, .kernelDeviceRecreated, .switchPartialPaths:
            3_600_000
        // A minute's patience, two reads a minute apart, and the patience for members.
        case .sourceUnreadable, .ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied,
            .ltmPoolsFrozen, .ltmUnitDiffers:
            300_000
        // As long as agents and switches have to come back, and a little more.
        default: 70_000
        }
    }

    /// It stands on what sources say now of the stages of its way, and on nothing that was before.
    var isSeenAtOnce: Bool { timeToSee == 70_000 && entry.stage != nil }
}
