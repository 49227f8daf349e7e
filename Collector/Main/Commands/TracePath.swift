// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Sinks

struct TracePath: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "The way of a pod CIDR, stage by stage."
    )

    @Argument(help: "A prefix, pod address, node, virtual server or pool.") var what: String
    @Option(name: .long, help: "As it was then, RFC 3339.") var at: String?
    @OptionGroup var api: APIOptions

    func run() async throws {
        let query = what.contains("/") && what.first != "/" ? "prefix" : "q"
        let then = at.map { "&at=\(escaped($0))" } ?? ""
        let body = try await api.get("/api/v1/paths?\(query)=\(escaped(what))\(then)")
        let document = try api.decode(PathsDocument.self, body)
        let paths = document.paths
        if api.json {
            printJSON(body)
        } else {
            if let seen = document.lastSeen { print("nobody looked then: as it was at \(seen)") }
            for path in paths { show(path) }
        }
        guard !paths.isEmpty else {
            api.fail("nothing is known of \(what)")
            throw ExitCode(2)
        }
        if paths.contains(where: { $0.verdict != "ok" && $0.verdict != "unknown" }) {
            throw ExitCode(1)
        }
    }

    private func show(_ path: PathDocument) {
        print("\(path.prefix) of \(path.node): \(path.verdict)")
        for stage in path.stages {
            let place = stage.at.map { "\(stage.stage) \($0)" } ?? stage.stage
            let padded = place + String(repeating: " ", count: max(1, 22 - place.count))
            print("  \(mark(stage.state)) \(padded)\(text(stage))")
        }
    }

    private func mark(_ state: String) -> String {
        switch state {
        case "ok": "✓"
        case "missing": "✕"
        case "wrong": "≠"
        case "extra": "+"
        case "unknown": "?"
        default: "–"
        }
    }

    private func text(_ stage: PathDocument.Stage) -> String {
        let age = stage.ageSeconds.map { " (\(Int($0)) s ago)" } ?? ""
        switch stage.state {
        case "wrong": return "\(stage.found ?? ""), expected \(stage.expected ?? "")\(age)"
        case "unknown": return "unknown: \(stage.reason ?? "")\(age)"
        case "not-checked": return stage.found ?? "not checked"
        case "ok": return "\(stage.found ?? "ok")\(age)"
        default: return stage.state + (stage.found.map { ", \($0)" } ?? "") + age
        }
    }
}
