// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Incidents
import Journal
import Sinks

struct ReplayJournal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run recorded facts through the same judgement, print the transcript."
    )

    @Argument(help: "Journals of `serve --journal`; of several the oldest first.")
    var journals: [String]
    @Flag(name: .long, help: "One JSON object a line, as sinks are sent it.") var json = false

    func run() throws {
        var replay = Replay()
        for path in journals {
            do throws(JournalError) {
                try read(path, &replay)
            } catch {
                complain("\(error)")
                throw ExitCode(1)
            }
        }
        guard replay.snapshot != nil else {
            complain("\(journals[0]): no journal: it does not begin with what is watched")
            throw ExitCode(1)
        }
        if !json { conclude(replay) }
    }

    private func read(_ path: String, _ replay: inout Replay) throws(JournalError) {
        var reader = try JournalReader(path: path)
        while let entry = try reader.next() {
            for transition in replay.take(entry) { tell(transition) }
        }
        if reader.isCut { complain("\(path): its last line is cut off") }
    }

    private func tell(_ transition: IncidentTransition) {
        guard json else {
            return print("\(rfc3339(transition.at)) \(IncidentText.line(transition))")
        }
        var document = IncidentDocument(transition.incident, now: transition.at)
        document.transition = transition.change.rawValue
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(document) {
            print(String(decoding: line, as: UTF8.self))
        }
    }

    private func conclude(_ replay: Replay) {
        let open = (replay.ledger?.incidents ?? []).filter { $0.state != .resolved }
        let lost = replay.lost == 0 ? "" : ", \(replay.lost) updates had not been recorded"
        print(
            "\(replay.facts) updates, \(replay.judgements) judgements, \(open.count) incidents open at the end\(lost)"
        )
        for incident in open {
            print(
                "  \(incident.state.rawValue) \(incident.verdict.severity.rawValue) \(incident.summary)"
            )
        }
    }

    private func complain(_ text: String) {
        FileHandle.standardError.write(Data("podpath-collector: \(text)\n".utf8))
    }
}
