// SPDX-License-Identifier: Apache-2.0
import Incidents
import Routing
import Verdicts

/// A notice in words that no chat's mark-up is in yet. All of it is printable.
package struct Message: Sendable, Hashable {
    package enum Mood: Sendable, Hashable { case critical, warning, info, resolved }

    struct Line: Sendable, Hashable {
        var label: String
        var text: String
        /// What a command shows; empty where nothing is said of it.
        var note = ""
    }

    var mood: Mood
    /// How it stands, in a word or two: `CRITICAL`.
    var state: String
    /// What is broken and where; one sentence.
    var headline: String
    var lines: [Line] = []
    var evidence: [Line] = []
    /// Commands that prove it, each with where it is typed and what it shows.
    var commands: [Line] = []
    var link: String?
    /// What stands in the last line.
    var footer: String
    /// Lines that found no room.
    var omitted = 0

    /// For where colour cannot be: seen at a glance, and not the only sign.
    var icon: String {
        switch mood {
        case .critical: "🔴"
        case .warning: "🟠"
        case .info: "🔵"
        case .resolved: "🟢"
        }
    }

    var title: String { "\(icon) \(state): \(headline)" }
}

/// How a sink's messages are made: the same for all of one sink.
package struct Wording: Sendable, Hashable {
    package var language = Language.english
    /// Where people reach the page; no slash at the end.
    package var link: String?
    /// Whom to call, by what they run.
    package var contacts: [Owner: String] = [:]

    package init() {}
}

extension Message {
    package init(_ notice: Notice, _ wording: Wording) {
        if notice.transitions.count == 1, let only = notice.transitions.first {
            self.init(only, wording)
        } else {
            self.init(digest: notice.transitions, wording)
        }
        guard notice.isShort else { return }
        lines = []
        evidence = []
        commands = []
    }

    private init(_ transition: IncidentTransition, _ wording: Wording) {
        let incident = transition.incident
        let verdict = incident.verdict
        let language = wording.language
        self.init(
            mood: transition.change == .resolved ? .resolved : Mood(verdict.severity),
            state: language.state(of: transition),
            headline: language.headline(of: incident),
            footer: "\(verdict.kind.rawValue) · \(printable(incident.cluster)) · \(incident.id)"
        )
        link = wording.link.map { "\($0)/#incident=\(incident.id)" }
        lines = detailLines(of: transition, wording)
        guard transition.change != .resolved else { return }
        evidence = verdict.evidence.prefix(5).map { Line($0, at: transition.at, language) }
        commands = verdict.verify.prefix(5).map {
            Line($0, cluster: incident.cluster, language.phrases)
        }
    }

    /// More are not read, and have the page.
    private static let digestLimit = 50

    /// The last word of each incident, the worst first.
    private init(digest transitions: [IncidentTransition], _ wording: Wording) {
        var last: [String: IncidentTransition] = [:]
        for transition in transitions { last[transition.incident.id] = transition }
        let ranked = last.values.sorted { ($0.rank, $0.incident.id) < ($1.rank, $1.incident.id) }
        let language = wording.language
        let open = ranked.filter { $0.change != .resolved }
        self.init(
            mood: open.first.map { Mood($0.incident.verdict.severity) } ?? .resolved,
            state: language.phrases.digest(ranked.count),
            headline: ranked.first.map { language.headline(of: $0.incident) } ?? "",
            footer: ranked.first.map { printable($0.incident.cluster) } ?? ""
        )
        lines = ranked.prefix(Self.digestLimit).map {
            Line(
                label: language.state(of: $0),
                text: printable(language.headline(of: $0.incident), limit: 200)
            )
        }
        omitted = ranked.count - lines.count
        link = wording.link
    }
}

extension Message.Mood {
    init(_ severity: Severity) {
        switch severity {
        case .critical: self = .critical
        case .warning: self = .warning
        case .info: self = .info
        }
    }
}

extension IncidentTransition {
    /// What is open before what is over, the worst first.
    fileprivate var rank: Int {
        guard change != .resolved else { return 3 }
        return switch incident.verdict.severity {
        case .critical: 0
        case .warning: 1
        case .info: 2
        }
    }
}

extension Message.Line {
    fileprivate init(_ verification: Verification, cluster: String, _ phrases: Phrases) {
        label =
            switch verification.on {
            case "kubernetes": phrases.verifyByKubectl(printable(cluster, limit: 100))
            case "collector": phrases.verifyByCollector
            default: phrases.verify(printable(verification.on, limit: 100))
            }
        text = printable(verification.command)
        note = printable(verification.shows ?? "", limit: 300)
    }

    /// What follows the command where all is plain text.
    var arrow: String { note.isEmpty ? "" : " → \(note)" }

    fileprivate init(_ evidence: Evidence, at now: Timestamp, _ language: Language) {
        let age = evidence.at.map { language.phrases.age(language.duration(now - $0)) }
        label = printable(evidence.source, limit: 100)
        text =
            "\(printable(evidence.fact, limit: 200)): \(printable(evidence.value, limit: 300))"
            + (age.map { " (\($0))" } ?? "")
    }
}

extension Language {
    func state(of transition: IncidentTransition) -> String {
        let incident = transition.incident
        let word = word(incident.verdict.severity)
        let lasted = duration(transition.at - incident.since)
        if transition.isTest { return phrases.test }
        return switch transition.change {
        case .opened: word
        case .resolved: phrases.resolved(lasted)
        case .changed: phrases.changed(word)
        case .reminder: phrases.still(word, lasted)
        }
    }

    func headline(of incident: Incident) -> String {
        let sentence = printable(incident.summary)
        guard self == .chinese else { return sentence }
        return "\(incident.verdict.kind.chineseTitle)：\(sentence)"
    }
}
