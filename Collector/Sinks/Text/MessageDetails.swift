// SPDX-License-Identifier: Apache-2.0
import Incidents
import Routing
import Verdicts

/// Who runs what broke.
package enum Owner: String, Sendable, Hashable, CaseIterable {
    case nodes
    case network
    case loadBalancers = "load-balancers"
    case kubernetes
    case podpath
}

extension Owner {
    /// By its kind where that says it, else by the stage that broke, else by what the verdict is about.
    init(of verdict: Verdict) {
        let isOfMany = verdict.subject.node == nil
        switch verdict.kind {
        case .agentSilent where isOfMany, .clockSkew where isOfMany: self = .podpath
        case .ltmCIDRDown where isOfMany: self = .loadBalancers
        // Also of many nodes at once. What does not answer though its routes are there is looked for on the node.
        case .sessionDisabled, .restartStuck, .rpFilterStrict, .ltmCIDRDown: self = .nodes
        // It is their controller that writes pools, and their settings that are told.
        case .ltmMemberMissing, .ltmMemberStale, .ltmPoolEmptied, .ltmPoolsFrozen,
            .cisMisconfigured, .masqueradeOutside:
            self = .kubernetes
        default: self = Self.byStage(verdict)
        }
    }

    private static func byStage(_ verdict: Verdict) -> Owner {
        switch verdict.kind.entry.stage {
        case .kernel, .bird, .export: return .nodes
        // A session that no node's BIRD is to blame for is told of the switch: of several nodes, or in so many words.
        case .session:
            let isSwitchs = verdict.subject.node == nil || verdict.summary.hasPrefix("switch ")
            return isSwitchs ? .network : .nodes
        case .switchRIB: return .network
        case .ltmRoute, .member, .virtualServer, .gtm: return .loadBalancers
        case .intent: return .kubernetes
        case nil: return byKind(verdict)
        }
    }

    private static func byKind(_ verdict: Verdict) -> Owner {
        if verdict.kind == .sinkFailing { return .podpath }
        if verdict.subject.loadBalancer != nil { return .loadBalancers }
        if verdict.subject.switchName != nil { return .network }
        return verdict.subject.node != nil ? .nodes : .kubernetes
    }

    func words(in language: Language) -> String {
        switch (language, self) {
        case (.english, .nodes): "whoever runs the nodes"
        case (.english, .network): "whoever runs the switches"
        case (.english, .loadBalancers): "whoever runs the load balancers"
        case (.english, .kubernetes): "whoever runs Kubernetes"
        case (.english, .podpath): "whoever runs podpath"
        case (.chinese, .nodes): "节点负责人"
        case (.chinese, .network): "网络（交换机）负责人"
        case (.chinese, .loadBalancers): "负载均衡负责人"
        case (.chinese, .kubernetes): "Kubernetes 负责人"
        case (.chinese, .podpath): "podpath 负责人"
        }
    }
}

extension Message {
    /// Since when, what it takes down, whom to call.
    func detailLines(of transition: IncidentTransition, _ wording: Wording) -> [Line] {
        let incident = transition.incident
        let (language, phrases) = (wording.language, wording.language.phrases)
        guard !transition.isTest else { return [] }
        var lines = [Line(label: phrases.since, text: "\(clockTime(incident.since)) UTC")]
        guard transition.change != .resolved else { return lines }
        if let stage = incident.verdict.kind.entry.stage {
            lines.append(Line(label: phrases.stage, text: stage.name(in: language)))
        }
        // Another severity is in the head already.
        if transition.change == .changed, let last = incident.timeline.last,
            !last.text.contains(incident.verdict.summary)
        {
            lines.append(Line(label: phrases.cause, text: printable(last.text)))
        }
        lines += impactLines(of: incident.verdict, phrases)
        let owner = Owner(of: incident.verdict)
        let contact = wording.contacts[owner].map { " (\(printable($0, limit: 200)))" } ?? ""
        lines.append(Line(label: phrases.call, text: owner.words(in: language) + contact))
        return lines
    }

    private func impactLines(of verdict: Verdict, _ phrases: Phrases) -> [Line] {
        let impact = verdict.impact
        var parts: [String] = []
        if impact.prefixes.count > 1 { parts.append(phrases.cidrs(impact.prefixes.count)) }
        if impact.poolMembers > 0 { parts.append(phrases.members(impact.poolMembers)) }
        let servers = some(impact.virtualServers.map { printable($0, limit: 100) }, phrases)
        if !servers.isEmpty { parts.append(phrases.behind(servers)) }
        var lines: [Line] = []
        if !parts.isEmpty {
            // Of a BIRD that does not answer nobody knows what it still announces.
            let isLost =
                verdict.severity == .critical && impact.hasAnotherWay != true
                && verdict.kind != .birdUnreachable
            let label = isLost ? phrases.takesDown : phrases.atRisk
            lines.append(Line(label: label, text: parts.joined(separator: " ")))
        }
        if lines.isEmpty, verdict.severity == .info, impact.prefixes.isEmpty {
            lines.append(Line(label: phrases.takesDown, text: phrases.nothing))
        }
        let left = impact.capacity.map {
            "\(printable($0.virtualServer, limit: 100)) \(phrases.of($0.remaining, $0.members))"
        }
        if !left.isEmpty { lines.append(Line(label: phrases.left, text: some(left, phrases))) }
        return lines
    }

    /// Three names, and how many there are beyond.
    private func some(_ names: [String], _ phrases: Phrases) -> String {
        let shown = names.prefix(3)
        let rest = names.count - shown.count
        return (shown + (rest > 0 ? [phrases.more(rest)] : [])).joined(separator: phrases.comma)
    }
}

/// `2026-03-01 02:41:07`: to the second, as people compare it with a device's log.
private func clockTime(_ moment: Timestamp) -> String {
    String(rfc3339(moment).prefix(19).replacing("T", with: " "))
}
