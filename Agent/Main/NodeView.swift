// SPDX-License-Identifier: Apache-2.0
import BIRD
import Netlink
import Routing
import Wire

/// What the kernel and BIRD say, as facts for the report.
enum NodeView {
    static func facts(_ rib: KernelRIB, _ birds: [BIRDInstance]) -> [Fact] {
        var facts: [Fact] = [.kernel(isComplete: rib.isComplete)]
        facts += rib.routes.values.map { .kernelRoute($0) }
        facts += links(rib, birds).map { .link($0) }
        for bird in birds { facts += self.facts(bird) }
        return facts
    }

    /// Pod CIDRs the kernel holds: what BIRD is asked about, beside its own statics.
    static func podCIDRs(_ rib: KernelRIB) -> [Prefix] {
        let prefixes = rib.routes.values.map(\.prefix).filter { !$0.isDefault && !$0.isHost }
        return Set(prefixes).sorted()
    }

    private static func links(_ rib: KernelRIB, _ birds: [BIRDInstance]) -> [Link] {
        var names = Set(podDevices)
        names.formUnion(rib.routes.values.flatMap(\.nextHops).compactMap(\.device))
        for bird in birds { names.formUnion(bird.reading?.statics.compactMap(\.device) ?? []) }
        return rib.links.values.filter { names.contains($0.name) }
    }

    private static func facts(_ bird: BIRDInstance) -> [Fact] {
        let daemon = bird.path
        guard let reading = bird.reading else {
            return [
                .bird(daemon: daemon, BIRDStatus(condition: .starting, since: bird.conditionSince))
            ]
        }
        let status = BIRDStatus(
            condition: reading.condition,
            since: bird.conditionSince,
            version: reading.version,
            routerID: reading.routerID,
            lastReboot: reading.lastReboot,
            isReconfiguring: reading.isReconfiguring,
            isRecovering: reading.isRecovering
        )
        var facts: [Fact] = [.bird(daemon: daemon, status)]
        // Anything but a whole reading proves nothing: its tables are not reported.
        guard reading.condition == .readable else { return facts }
        facts += reading.sessions.map { .session(daemon: daemon, $0) }
        facts += reading.statics.map { .birdStatic(daemon: daemon, $0) }
        facts += reading.routes.map { .birdRoute(daemon: daemon, $0) }
        facts += reading.exports.map { .export(daemon: daemon, $0.key, $0.value) }
        return facts
    }
}
