// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What the switch says of a session that is down. In this order:
/// 1. it, or BIRD in its words, says that the node sent too many prefixes → switch-prefix-limit;
/// 2. two reads in a row list all neighbours, and none of the node's addresses → switch-neighbor-missing;
/// 3. else the session is what is broken, and the switch's word for it is more evidence.
func blameSwitch(
    _ finding: inout Finding,
    _ session: BGPSession,
    _ sight: SwitchSight,
    _ addresses: Set<IPAddress>
) {
    let neighbor = sight.neighbor(of: addresses)
    if let words = prefixLimit(session, neighbor) {
        let evidence = (fact: "BGP neighbor", value: words)
        become(.switchPrefixLimit, &finding, sight, words, evidence, shows: limitWords)
    } else if !addresses.isEmpty, !sight.view.mayHaveUnlistedNeighbors,
        sight.confirmed({ $0.listsNone(of: addresses) })
    {
        let from = addresses.sorted().map(\.description).joined(separator: ", ")
        let what = "its BGP summary lists none of \(from)"
        let evidence = (fact: "BGP summary", value: "no neighbor entry")
        let shows = "no line for \(from)"
        become(.switchNeighborMissing, &finding, sight, what, evidence, shows: shows)
    } else if let neighbor {
        finding.evidence.append(
            Evidence(sight.source, "BGP neighbor", neighbor.state, at: sight.readAt)
        )
        let summary = sight.showSummary(finding.prefix?.family ?? .ipv4)
            .showing(neighbor.shown)
        // Who shut it is asked first.
        let place = session.isShutByNeighbor ? 0 : finding.verify.count
        finding.verify.insert(summary, at: place)
    }
}

private let limitWords = "(PfxCt) in the node's line (EOS: Idle(MaxPath)), until it tries again"

extension SwitchNeighbor {
    /// Of one that is up tables show how many prefixes it sent.
    fileprivate var shown: String {
        isEstablished
            ? "a number of prefixes (EOS: Estab) in the node's line: the switch still holds it up"
            : "\(state) in the node's line"
    }
}

extension BGPSession {
    /// RFC 4486 section 4, subcodes 2 and 3, in BIRD's words: somebody did it there on purpose.
    var isShutByNeighbor: Bool {
        [firstError, lastError].contains {
            $0.hasPrefix("Received: Administrative shutdown")
                || $0.hasPrefix("Received: Peer de-configured")
        }
    }
}

/// RFC 4486 section 4, subcode 1, in BIRD's words; FRR and NX-OS write `Idle (PfxCt)` and
/// `Shut (PfxCt)`.
private func prefixLimit(_ session: BGPSession, _ neighbor: SwitchNeighbor?) -> String? {
    let told = [session.firstError, session.lastError].first {
        $0.hasPrefix("Received: Maximum number of prefixes")
    }
    let shut = neighbor.flatMap { $0.state.lowercased().contains("pfxct") ? $0.state : nil }
    guard told != nil || shut != nil else { return nil }
    let words = [told, shut.map { "the switch says \($0)" }].compactMap(\.self)
    return "maximum-prefix is reached (\(words.joined(separator: "; ")))"
}

private func become(
    _ kind: Kind,
    _ finding: inout Finding,
    _ sight: SwitchSight,
    _ what: String,
    _ evidence: (fact: String, value: String),
    shows: String
) {
    finding.kind = kind
    finding.severity = kind.entry.severity
    finding.what = what
    finding.evidence.append(
        Evidence(sight.source, evidence.fact, evidence.value, at: sight.readAt)
    )
    let summary = sight.showSummary(finding.prefix?.family ?? .ipv4)
    finding.verify.insert(summary.showing(shows), at: 0)
}

extension SwitchTable {
    fileprivate func listsNone(of addresses: Set<IPAddress>) -> Bool {
        hasSummary && listsAllNeighbors && !neighbors.isEmpty
            && addresses.isDisjoint(with: neighbors.keys)
    }
}
