// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Synchronization
import Testing
import Verdicts

/// Commands that people can type, by the kind of device: the lab holds what it cannot run to the same list.
enum CommandForms {
    /// Read once; matching is not for several threads at a time.
    private static let known = Mutex(read())

    private static func read() -> [String: [Regex<AnyRegexOutput>]] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/commands/forms.txt")
        var forms: [String: [Regex<AnyRegexOutput>]] = [:]
        for line in (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n") ?? []
        where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2, let form = try? Regex(parts[1]) else { continue }
            forms[parts[0], default: []].append(form)
        }
        return forms
    }

    static func isKnown(_ verification: Verification, in snapshot: Snapshot) -> Bool {
        let device = device(verification.on, in: snapshot)
        return known.withLock { forms in
            forms[device]?.contains { verification.command.wholeMatch(of: $0) != nil } ?? false
        }
    }

    private static func device(_ place: String, in snapshot: Snapshot) -> String {
        if ["kubernetes", "collector"].contains(place) { return place }
        let name = place.split(separator: " ").first.map(String.init) ?? place
        if let facts = snapshot.switches[name] { return "\(facts.dialect)" }
        let isUnit = snapshot.loadBalancers.values.contains { facts in
            place == facts.name || facts.units.keys.contains { place == "\(facts.name) (\($0))" }
        }
        return isUnit ? "unit" : "node"
    }
}

/// Whatever is told, its commands are ones that the devices which they are meant for understand.
func expectTyped(_ judgement: Judgement, in snapshot: Snapshot) {
    for verdict in judgement.verdicts {
        for each in verdict.verify {
            let isKnown = CommandForms.isKnown(each, in: snapshot)
            #expect(isKnown, "\(verdict.identity): on \(each.on): \(each.command)")
        }
    }
}
