// SPDX-License-Identifier: Apache-2.0
import BigIPSource

/// The BIG-IP units that are read, each with what can hasten its reading.
struct PolledUnits: Sendable {
    struct Unit: Sendable {
        let poller: BigIPPoller
        let alarm = Alarm()
    }

    let all: [Unit]

    init(_ pollers: [BigIPPoller]) { all = pollers.map { Unit(poller: $0) } }

    /// Those pools are worth another look, on every unit of their load balancer.
    func ask(_ pools: [String: Set<String>]) {
        for unit in all {
            guard let names = pools[unit.poller.name] else { continue }
            unit.poller.requested.ask(names)
            unit.alarm.ring()
        }
    }
}
