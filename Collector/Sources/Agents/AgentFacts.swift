// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Wire

extension Report {
    /// The node's facts in the collector's nouns. The lists are in order, so equal reports give
    /// equal values.
    func update() -> AgentUpdate {
        var kernel = KernelFacts(isComplete: self.kernel.contains(where: \.isComplete))
        for link in links { kernel.links[link.name] = link }
        for route in routes { kernel.routes[route.prefix, default: []].append(route) }
        kernel.addresses = addresses
        kernel.rules = rules
        var facts: [String: BIRDFacts] = [:]
        for bird in birds { facts[bird.daemon, default: BIRDFacts()].take(bird.value) }
        for session in sessions {
            facts[session.daemon, default: BIRDFacts()].sessions[session.value.name] = session.value
        }
        for route in statics {
            facts[route.daemon, default: BIRDFacts()].statics.append(route.value)
        }
        for route in birdRoutes {
            facts[route.daemon, default: BIRDFacts()]
                .routes[route.value.prefix, default: []].append(route.value)
        }
        for export in exports {
            facts[export.daemon, default: BIRDFacts()].exports[export.value.key] =
                export.value.answer
        }
        return .snapshot(kernel, facts)
    }
}

extension BIRDFacts {
    fileprivate mutating func take(_ status: BIRDStatus) {
        condition = status.condition
        conditionSince = status.since
        version = status.version
        routerID = status.routerID
        lastReconfiguration = status.lastReconfiguration
        isReconfiguring = status.isReconfiguring
        isRecovering = status.isRecovering
    }
}
