// SPDX-License-Identifier: Apache-2.0
package import Incidents
import Verdicts

/// An incident in plain words, for terminals and logs.
package enum IncidentText {
    /// `CRITICAL 10.16.2.0/24 of n3 is lost: … [kernel-route-missing, lab]`
    package static func line(_ transition: IncidentTransition, in language: Language = .english)
        -> String
    {
        let incident = transition.incident
        let kind = incident.verdict.kind.rawValue
        return "\(language.state(of: transition)) \(language.headline(of: incident))"
            + " [\(kind), \(printable(incident.cluster))]"
    }

    /// A message without any mark-up.
    static func plain(_ message: Message, _ phrases: Phrases) -> String {
        var text = ["\(message.state) \(message.headline)"]
        text += message.lines.map { "\($0.label): \($0.text)" }
        text += message.evidence.map { "\(phrases.evidence): \($0.label), \($0.text)" }
        text += message.commands.map { "\($0.label): \($0.text)\($0.arrow)" }
        if message.omitted > 0 { text.append(phrases.omitted(message.omitted)) }
        text += [message.link].compactMap(\.self) + [message.footer]
        return text.joined(separator: "\n")
    }

    /// `1h 2m`, `12s`, `0.4s`.
    package static func duration(_ milliseconds: Int64) -> String {
        Language.english.duration(milliseconds)
    }

    package static func printable(_ text: String) -> String { Sinks.printable(text, limit: 4_000) }
}
