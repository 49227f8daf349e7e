// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Wire

extension ReplicatedFacts {
    /// The node's facts in the collector's nouns.
    func update() -> AgentUpdate {
        var kernel = KernelFacts()
        var birds: [String: BIRDFacts] = [:]
        for fact in facts.values {
            switch fact {
            case .kernel(let isComplete): kernel.isComplete = isComplete
            case .link(let link): kernel.links[link.name] = link
            case .kernelRoute(let route): kernel.routes[route.prefix, default: []].append(route)
            case .bird(let daemon, let status): birds[daemon, default: BIRDFacts()].take(status)
            case .session(let daemon, let session):
                birds[daemon, default: BIRDFacts()].sessions[session.name] = session
            case .birdStatic(let daemon, let route):
                birds[daemon, default: BIRDFacts()].statics.append(route)
            case .birdRoute(let daemon, let route):
                birds[daemon, default: BIRDFacts()].routes[route.prefix, default: []].append(route)
            case .export(let daemon, let key, let answer):
                birds[daemon, default: BIRDFacts()].exports[key] = answer
            }
        }
        return .snapshot(kernel.sorted(), birds.mapValues { $0.sorted() })
    }
}

extension BIRDFacts {
    fileprivate mutating func take(_ status: BIRDStatus) {
        condition = status.condition
        conditionSince = status.since
        version = status.version
        routerID = status.routerID
        isReconfiguring = status.isReconfiguring
        isRecovering = status.isRecovering
    }

    /// Facts arrive in no order; equal facts must give equal values.
    fileprivate func sorted() -> BIRDFacts {
        var facts = self
        facts.statics.sort { ($0.protocolName, $0.prefix) < ($1.protocolName, $1.prefix) }
        facts.routes = routes.mapValues { routes in
            routes.sorted { ($0.table, $0.protocolName) < ($1.table, $1.protocolName) }
        }
        return facts
    }
}

extension KernelFacts {
    fileprivate func sorted() -> KernelFacts {
        var facts = self
        facts.routes = routes.mapValues { routes in
            routes.sorted { ($0.table, $0.metric) < ($1.table, $1.metric) }
        }
        return facts
    }
}
