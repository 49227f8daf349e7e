// SPDX-License-Identifier: Apache-2.0
import Testing
import Verdicts

@testable import Sinks

/// Whom a message says to call.
@Suite struct Owners {
    private func owner(_ kind: Kind, _ subject: Subject, _ summary: String = "") -> Owner {
        Owner(
            of: Verdict(
                kind: kind,
                severity: .warning,
                identity: kind.rawValue,
                subject: subject,
                summary: summary,
                since: nil,
                evidence: [],
                impact: Impact(),
                verify: [],
                hold: nil,
                absorbs: []
            )
        )
    }

    @Test(
        "of one node: those who run what broke, or who did it",
        arguments: [
            (Kind.kernelRouteMissing, Owner.nodes), (.birdUnreachable, .nodes),
            (.notExported, .nodes), (.sessionDown, .nodes), (.agentSilent, .nodes),
            (.clockSkew, .nodes), (.ltmCIDRDown, .nodes), (.switchRouteMissing, .network),
            (.ltmMemberMissing, .kubernetes), (.noPodCIDR, .kubernetes),
        ]
    )
    func ofOne(kind: Kind, expected: Owner) {
        #expect(owner(kind, Subject(node: "n3")) == expected)
    }

    @Test(
        "of many nodes, or of none",
        arguments: [
            (Kind.sessionDown, Owner.network), (.sessionDisabled, .nodes), (.restartStuck, .nodes),
            (.rpFilterStrict, .nodes), (.agentSilent, .podpath), (.clockSkew, .podpath),
            (.ltmCIDRDown, .loadBalancers), (.ltmPoolsFrozen, .kubernetes),
            (.cisMisconfigured, .kubernetes), (.virtualServerDown, .loadBalancers),
            (.sinkFailing, .podpath),
        ]
    )
    func ofMany(kind: Kind, expected: Owner) {
        #expect(owner(kind, Subject()) == expected)
    }

    @Test("a session that the switch has shut is the network's, also of one node")
    func shut() {
        let shut = "switch a has shut its session with n3"
        #expect(owner(.sessionDown, Subject(node: "n3"), shut) == .network)
        let lost = "n3 has lost uplink0 to switch a"
        #expect(owner(.sessionDown, Subject(node: "n3"), lost) == .nodes)
    }
}
