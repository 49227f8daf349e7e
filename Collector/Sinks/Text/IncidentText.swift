// SPDX-License-Identifier: Apache-2.0
package import Incidents
import Routing
import Verdicts

/// An incident in plain words, for chats and terminals.
package enum IncidentText {
    /// `CRITICAL 10.16.2.0/24 of n3 breaks at kernel: … [kernel-route-missing, lab]`
    package static func line(_ transition: IncidentTransition) -> String {
        let incident = transition.incident
        let verdict = incident.verdict
        let head =
            switch transition.change {
            case .resolved: "RESOLVED after \(duration(transition.at - incident.since))"
            case .opened: verdict.severity.rawValue.uppercased()
            case .changed: "CHANGED \(verdict.severity.rawValue)"
            case .reminder: "STILL \(verdict.severity.rawValue)"
            }
        return
            "\(head) \(printable(incident.summary)) [\(verdict.kind.rawValue), \(incident.cluster)]"
    }

    /// The line, what it takes down, and how to see it oneself.
    package static func message(_ transition: IncidentTransition) -> String {
        let verdict = transition.incident.verdict
        var lines = [line(transition)]
        guard transition.change != .resolved else { return lines[0] }
        let impact = verdict.impact
        if impact.poolMembers > 0 {
            let servers = impact.virtualServers.map(printable).joined(separator: ", ")
            let behind = servers.isEmpty ? "" : " behind \(servers)"
            let verb = verdict.severity == .critical ? "takes down" : "at risk"
            lines.append("\(verb): \(impact.poolMembers) pool members\(behind)")
        }
        if let left = left(impact) { lines.append(left) }
        lines += verdict.verify.map { "verify on \($0.on): \(printable($0.command))" }
        return lines.joined(separator: "\n")
    }

    /// What customers still have, of the virtual servers with the least; nil where nothing is behind it.
    private static func left(_ impact: Impact) -> String? {
        guard !impact.capacity.isEmpty else { return nil }
        let some = impact.capacity.prefix(3).map {
            "\(printable($0.virtualServer)) \($0.remaining) of \($0.members)"
        }
        let more = impact.capacity.count - some.count
        return "members left: " + some.joined(separator: ", ")
            + (more > 0 ? ", and \(more) more" : "")
    }

    /// `1h 2m`, `12s`, `0.4s`.
    package static func duration(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        switch seconds {
        case 0: return "\(Double(max(0, milliseconds) / 100) / 10)s"
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400: return "\(seconds / 3600)h \(seconds % 3600 / 60)m"
        default: return "\(seconds / 86_400)d \(seconds % 86_400 / 3600)h"
        }
    }

    /// Device and peer text may hold anything: control characters become blanks.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
