// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Verdicts

@Suite struct Tidy {
    @Test("the top level holds exactly what it may")
    func topLevel() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Tree.root.path)
            .filter { !$0.hasPrefix(".") && $0 != "Package.resolved" }
        #expect(
            Set(names) == [
                "Package.swift", "Agent", "Collector", "Shared", "Tests", "packaging", "README.md",
            ]
        )
    }

    @Test("modules import only what README's table of arrows allows")
    func arrows() throws {
        let allowed = Self.arrowsInREADME()
        #expect(allowed.count >= 15)
        let declared = Self.targetsInManifest()
        for (module, path) in declared {
            let may = try #require(allowed[module], "\(module) is not in README's table")
            for file in Tree.swift(path) {
                for name in Self.imports(file.lines) where declared[name] != nil {
                    #expect(may.contains(name), "\(file.path) imports \(name)")
                }
            }
        }
    }

    /// `| Wire | Routing |` rows between the marks.
    static func arrowsInREADME() -> [String: Set<String>] {
        let text = Tree.text("README.md")
        guard let begin = text.range(of: "<!-- arrows -->"),
            let end = text.range(of: "<!-- /arrows -->")
        else { return [:] }
        var arrows: [String: Set<String>] = [:]
        for line in text[begin.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 2 else { continue }
            arrows[cells[0]] = Set(
                cells[1].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            )
        }
        return arrows
    }

    /// Our own modules and programs and where they live, as Package.swift declares them.
    static func targetsInManifest() -> [String: String] {
        let manifest = Tree.text("Package.swift")
        let pattern = /(?:module|safeModule|program)\(\s*"([^"]+)",\s*"([^"]+)"/
        var targets: [String: String] = [:]
        for match in manifest.matches(of: pattern) {
            targets[String(match.1)] = String(match.2)
        }
        return targets
    }

    private static func imports(_ lines: [String]) -> [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count
            else { return nil }
            return String(words[index + 1])
        }
    }

    @Test("agent and shared code do without Foundation, Dispatch and concurrency")
    func lightAgent() {
        for file in Tree.swift("Agent") + Tree.swift("Shared") {
            for name in Self.imports(file.lines) {
                #expect(
                    !["Foundation", "FoundationEssentials", "Dispatch", "Synchronization"].contains(
                        name
                    ),
                    "\(file.path) imports \(name)"
                )
            }
            for line in file.lines where file.path.hasPrefix("Agent") {
                #expect(
                    !line.contains(" async ") && !line.contains("actor "),
                    "\(file.path): \(line)"
                )
            }
        }
    }

    @Test(
        "judgement and incidents own no descriptor and read no clock; nobody reads one outside the edge"
    )
    func clocks() {
        let clocks = [
            "Date()", "Date.now", "ContinuousClock", "SuspendingClock", "clock_gettime",
            "monotonicMilliseconds", "wallClockMilliseconds",
        ]
        // Those that move bytes to devices keep logins by the clock.
        let edge = [
            "Main/", "Shared/EventLoop/", "Collector/Sources/BigIP/BigIPClient.swift",
            "Collector/Sources/Kubernetes/ClusterClient.swift",
            "Collector/Sources/Switches/SwitchHTTP.swift",
        ]
        for file in Tree.swift("Agent") + Tree.swift("Collector") + Tree.swift("Shared")
        where !edge.contains(where: { file.path.contains($0) }) {
            for line in file.lines {
                for clock in clocks { #expect(!line.contains(clock), "\(file.path): \(line)") }
            }
        }
        for folder in ["Collector/Facts", "Collector/Verdicts", "Collector/Incidents"] {
            for file in Tree.swift(folder) {
                #expect(
                    !Self.imports(file.lines).contains { $0 == "Foundation" || $0 == "Glibc" },
                    "\(file.path)"
                )
            }
        }
    }

    @Test(
        "nothing is forced outside Main: no try!, no fatalError, no unchecked Sendable outside TLS"
    )
    func nothingForced() {
        for file in Tree.swift("Agent") + Tree.swift("Collector") + Tree.swift("Shared") {
            for line in file.lines {
                #expect(
                    !line.contains("try!") && !line.contains("fatalError"),
                    "\(file.path): \(line)"
                )
                if !file.path.hasPrefix("Shared/TLS/") {
                    #expect(!line.contains("@unchecked Sendable"), "\(file.path): \(line)")
                }
            }
        }
    }

    @Test("every source file names its licence")
    func licence() {
        for folder in ["Agent", "Collector", "Shared", "Tests", "packaging"] {
            for path in Tree.files(folder)
            where [".swift", ".py", ".h", ".html"].contains(where: path.hasSuffix) {
                #expect(
                    Tree.text(path).prefix(400).contains("SPDX-License-Identifier: Apache-2.0"),
                    "\(path)"
                )
            }
        }
    }

    @Test("every folder of fixtures says where its bytes come from")
    func fixtures() throws {
        let folder = Tree.root.appending(path: "Tests/Fixtures")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let readme = Tree.text("Tests/Fixtures/\(name)/README.md")
            #expect(readme.contains("Origin"), "Tests/Fixtures/\(name) names no origin")
        }
    }

    @Test("README's fault table is the catalogue's")
    func faultTable() {
        let text = Tree.text("README.md")
        let part = text.firstMatch(of: /<!-- kinds -->\n([^<]*)\n<!-- \/kinds -->/)
        #expect(
            part.map { String($0.1) } == CatalogueTable.markdown,
            "podpath-collector kinds prints it as it should be"
        )
    }

    @Test(
        "every kind has a scenario named after it, and a fault of the lab",
        arguments: Kind.allCases
    )
    func kinds(kind: Kind) {
        let scenarios = Tree.swift("Tests/Scenarios").flatMap(\.lines)
        #expect(
            scenarios.contains { $0.contains("@Test(\"\(kind.rawValue)") },
            "no scenario for \(kind.rawValue)"
        )
        // What is said of those who are told is made where they are: with the sinks.
        let faults = (Tree.files("packaging/lab.d", ".py") + Tree.files("Tests/Lab", ".py"))
            .map(Tree.text).joined()
        #expect(faults.contains("\"\(kind.rawValue)\""), "the lab cannot make \(kind.rawValue)")
    }

    @Test("the project speaks of itself alone")
    func itself() {
        let strangers = ["/work/", "/opt/swift", "TODO", "FIXME"]
        for folder in ["Agent", "Collector", "Shared", "Tests", "packaging"] {
            for path in Tree.files(folder)
            where !path.contains("Fixtures") && !path.hasPrefix("Tests/Tidy") {
                let text = Tree.text(path)
                for word in strangers { #expect(!text.contains(word), "\(path) holds \(word)") }
            }
        }
    }
}
