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

    /// One of the load balancer's units has written a line.
    func hear(_ loadBalancer: String, _ hint: SyslogHint) {
        for unit in all where unit.poller.name == loadBalancer {
            unit.poller.requested.ask(hint)
            unit.alarm.ring()
        }
    }

    /// Those pools are worth another look, on every unit of their load balancer.
    func ask(_ pools: [String: Set<String>]) {
        for unit in all {
            guard let names = pools[unit.poller.name] else { continue }
            unit.poller.requested.ask(names)
            unit.alarm.ring()
        }
    }
}
