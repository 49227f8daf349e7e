// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What is counted over all nodes, kept up to date as one after the other changes.
struct Fleet: Sendable {
    /// Nodes with a session to a switch, by its name, whose agents may be believed.
    private(set) var facing: [String: Int] = [:]
    /// Devices, by their place on the way and their MTU.
    private var mtus: [String: [UInt32: Int]] = [:]

    init(_ lanes: [NodeLane]) {
        for lane in lanes { count(lane, 1) }
    }

    mutating func replace(_ old: NodeLane, by new: NodeLane) {
        count(old, -1)
        count(new, 1)
    }

    private mutating func count(_ lane: NodeLane, _ step: Int) {
        for name in lane.facing { facing[name, default: 0] += step }
        for mtu in lane.mtus {
            let sum = (mtus[mtu.place]?[mtu.value] ?? 0) + step
            mtus[mtu.place, default: [:]][mtu.value] = sum == 0 ? nil : sum
        }
    }

    /// Of a fleet that is alike none is looked for.
    func unusualMTUs(_ lanes: [NodeLane]) -> [Finding] {
        guard mtus.values.contains(where: { $0.count > 1 }) else { return [] }
        return Verdicts.unusualMTUs(lanes.flatMap(\.mtus))
    }
}
