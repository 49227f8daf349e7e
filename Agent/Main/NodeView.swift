// SPDX-License-Identifier: Apache-2.0
import BIRD
import Netlink
import Routing
import Wire

/// What the kernel and BIRD say, as a report.
enum NodeView {
    static func report(
        _ rib: KernelRIB,
        _ birds: [BIRDInstance],
        watchesConnections: Bool
    ) -> Report {
        var report = Report()
        report.kernel = [
            KernelStatus(isComplete: rib.isComplete, watchesConnections: watchesConnections)
        ]
        report.routes = Array(rib.routes.values)
        let devices = devices(rib, birds)
        report.links = rib.links.values.filter { devices.contains($0.name) }
        report.addresses = rib.addresses(of: devices)
        report.rules = rib.rules
        for bird in birds { add(bird, to: &report) }
        return report
    }

    /// Those on the way of a pod CIDR: the kernel's, BIRD's, those to its neighbours, and those it
    /// usually goes through.
    private static func devices(_ rib: KernelRIB, _ birds: [BIRDInstance]) -> Set<String> {
        var names = Set(podDevices)
        names.formUnion(rib.routes.values.flatMap(\.nextHops).compactMap(\.device))
        for reading in birds.compactMap(\.reading) {
            names.formUnion(reading.statics.compactMap(\.device))
            let neighbors = reading.sessions.compactMap(\.neighbor)
            names.formUnion(neighbors.flatMap(rib.devices))
        }
        return names
    }

    private static func add(_ bird: BIRDInstance, to report: inout Report) {
        let daemon = bird.path
        report.birds.append(OfDaemon(daemon, status(bird)))
        // Anything but a whole reading proves nothing: its tables are not reported.
        guard let reading = bird.reading, reading.condition == .readable else { return }
        report.sessions += reading.sessions.map { OfDaemon(daemon, $0) }
        report.statics += reading.statics.map { OfDaemon(daemon, $0) }
        report.birdRoutes += reading.routes.map { OfDaemon(daemon, $0) }
        report.exports += reading.exports.map { OfDaemon(daemon, Export($0.key, $0.value)) }
    }

    private static func status(_ bird: BIRDInstance) -> BIRDStatus {
        guard let reading = bird.reading else {
            return BIRDStatus(condition: .starting, since: bird.conditionSince)
        }
        return BIRDStatus(
            condition: reading.condition,
            since: bird.conditionSince,
            version: reading.version,
            routerID: reading.routerID,
            lastReboot: reading.lastReboot,
            lastReconfiguration: reading.lastReconfiguration,
            isReconfiguring: reading.isReconfiguring,
            isRecovering: reading.isRecovering,
            isStaticDown: reading.isStaticDown
        )
    }
}
