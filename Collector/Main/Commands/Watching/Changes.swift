// SPDX-License-Identifier: Apache-2.0
import Sinks

/// What is other than it was, a line each: for `--watch` where no terminal is.
enum Changes {
    static func incidents(
        from old: [IncidentDocument]?,
        to new: [IncidentDocument]
    ) -> [Line] {
        let known = Dictionary((old ?? []).map { ($0.id, $0) }) { first, _ in first }
        let now = Set(new.map(\.id))
        let moved = IncidentsText.sorted(new).filter { words(known[$0.id]) != words($0) }
        let gone = (old ?? []).filter { !now.contains($0.id) }
        let first = old == nil && new.isEmpty ? [Line("no incidents", .green)] : []
        return first
            + moved.map { incident in
                Line([
                    Span("\(IncidentsText.state(incident)) "),
                    Span(incident.severity, Ink(severity: incident.severity)),
                    Span(": \(incident.summary) [\(incident.id)]"),
                ])
            } + gone.map { Line("over: \($0.summary) [\($0.id)]", .green) }
    }

    private static func words(_ incident: IncidentDocument?) -> [String] {
        guard let incident else { return [] }
        return [IncidentsText.state(incident), incident.severity, incident.summary]
    }

    /// The first time those that are not read.
    static func sources(from old: [SourceDocument]?, to new: [SourceDocument]) -> [Line] {
        let known = Dictionary((old ?? []).map { ($0.name, $0.state) }) { first, _ in first }
        return new.filter { $0.state != known[$0.name] ?? "ok" }.map { source in
            let reason = source.lastError.map { ": \($0)" } ?? ""
            let ink: Ink = source.state == "ok" ? .green : .yellow
            return Line("source \(source.name) \(source.state)\(reason)", ink)
        }
    }

    static func paths(from old: [PathDocument]?, to new: [PathDocument]) -> [Line] {
        let known = Dictionary((old ?? []).map { (key($0), $0) }) { first, _ in first }
        let now = Set(new.map(key))
        let gone = (old ?? []).filter { !now.contains(key($0)) }
        return new.flatMap { path in
            guard let before = known[key(path)] else {
                return [
                    Line("\(key(path)): \(path.verdict)", TraceText.isGood(path) ? .green : .red)
                ]
            }
            return stages(from: before, to: path)
        } + gone.map { Line("\(key($0)): gone") }
    }

    private static func key(_ path: PathDocument) -> String { "\(path.prefix) of \(path.node)" }

    private static func stages(from old: PathDocument, to new: PathDocument) -> [Line] {
        func place(_ stage: PathDocument.Stage) -> String {
            stage.at.map { "\(stage.stage) \($0)" } ?? stage.stage
        }
        let known = Dictionary(old.stages.map { (place($0), $0.state) }) { first, _ in first }
        return new.stages.filter { $0.state != known[place($0)] }.map { stage in
            let before = known[place(stage)].map { "\($0) -> " } ?? ""
            return Line("\(key(new)): \(place(stage)) \(before)\(stage.state)")
        } + (old.verdict == new.verdict ? [] : [Line("\(key(new)): \(new.verdict)")])
    }
}
