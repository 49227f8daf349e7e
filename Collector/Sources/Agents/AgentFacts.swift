// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Wire

/// A node's report in the collector's nouns. What a frame does not speak of is not made anew: most
/// speak of one session's counters, on nodes with thousands of routes.
struct AgentFacts {
    private var kernel = KernelFacts()
    private var birds: [String: BIRDFacts] = [:]

    /// `report` is what holds now, and `frame` what made it so.
    mutating func update(_ report: Report, after frame: AgentFrame) -> AgentUpdate {
        let (isKernel, isBIRD) = frame.subjects
        if isKernel { kernel = report.kernelFacts }
        if isBIRD { birds = report.birdFacts }
        return .snapshot(kernel, birds)
    }
}

extension AgentFrame {
    fileprivate var subjects: (kernel: Bool, bird: Bool) {
        guard case .changes(_, _, let updated, let removed) = self else { return (true, true) }
        return (
            updated.speaksOfKernel || removed.speaksOfKernel,
            updated.speaksOfBIRD || removed.speaksOfBIRD
        )
    }
}

extension Report {
    fileprivate var speaksOfKernel: Bool {
        !kernel.isEmpty || !links.isEmpty || !routes.isEmpty || !addresses.isEmpty
            || !rules.isEmpty
    }

    fileprivate var speaksOfBIRD: Bool {
        !birds.isEmpty || !sessions.isEmpty || !statics.isEmpty || !birdRoutes.isEmpty
            || !exports.isEmpty
    }

    /// The report's lists are in order, and stay so: equal reports give equal values.
    fileprivate var kernelFacts: KernelFacts {
        var facts = KernelFacts(isComplete: kernel.contains(where: \.isComplete), routes: routes)
        for link in links { facts.links[link.name] = link }
        facts.addresses = addresses
        facts.rules = rules
        return facts
    }

    fileprivate var birdFacts: [String: BIRDFacts] {
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
        return facts
    }
}

extension BIRDFacts {
    fileprivate mutating func take(_ status: BIRDStatus) {
        condition = status.condition
        conditionSince = status.since
        version = status.version
        routerID = status.routerID
        lastReconfiguration = status.lastReconfiguration
        lastReboot = status.lastReboot
        isReconfiguring = status.isReconfiguring
        isRecovering = status.isRecovering
        isStaticDown = status.isStaticDown
    }
}
