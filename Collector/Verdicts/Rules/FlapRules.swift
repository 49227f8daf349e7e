// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// FAULTS.md: three times in ten minutes.
let flapWindow: Int64 = 600_000
let flapCount = 3
/// While a route flaps, an absence longer than this is told by itself.
let shortAbsence: Int64 = 30_000

/// True if it flaps. Absences that the node's own session or export explains do not count, nor ones that
/// began within what a route takes to settle after those.
func judgeFlapping(
    _ path: inout JudgedPath,
    _ sight: SwitchSight,
    _ expected: Set<IPAddress>,
    now: Timestamp
) -> Bool {
    guard sight.unsteady.contains(path.trace.prefix), !path.isCut,
        let carried = carriedSince(path, sight)
    else { return false }
    let views = [(way: sight.way, view: sight.view)] + sight.others
    let counted = views.map { way, view in
        let absences = view.histories[path.trace.prefix]?.absences ?? []
        return (way, absences.filter { $0.from > max(carried + settling, now - flapWindow) })
    }
    guard let (way, absences) = counted.max(by: { $0.1.count < $1.1.count }),
        absences.count >= flapCount, let first = absences.first
    else { return false }
    let what =
        "switch \(sight.name) lost it and installed it anew \(absences.count) times in ten minutes"
        + " (\(way.words)), over a session that held"
    path.findings.append(finding(.switchRouteFlapping, path, sight, what, first.from))
    return true
}
