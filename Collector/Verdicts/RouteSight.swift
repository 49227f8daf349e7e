// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// How one read of a unit says that it reaches prefixes: by longest match over routes and connected networks.
struct RouteSight: Sendable {
    /// A route, judged once for all prefixes that it leads to.
    private struct Way: Sendable {
        let state: StageState
        /// In words, if it is usable.
        let words: String
        /// The connected network that it leaves by; nil where that is not known.
        let network: Prefix?
    }

    private var ways = PrefixMap<Way>()
    private var networks = PrefixMap<Bool>()
    /// Why what is not covered may be so all the same.
    private let gap: String?

    init(_ table: LoadBalancerTable) {
        for network in table.selfNetworks { networks[network] = true }
        gap = table.liveRoutesProblem
        // For the same prefix what is configured wins over what is learned.
        for route in table.routes where route.isDynamic { ways[route.prefix] = way(of: route) }
        for route in table.routes where !route.isDynamic { ways[route.prefix] = way(of: route) }
    }

    private func way(of route: LoadBalancerRoute) -> Way {
        guard case .gateway(let gateway) = route.target else {
            let words = "\(route.prefix) \(route.name)"
            return Way(state: state(of: route), words: words, network: nil)
        }
        let network = networks.longestMatch(gateway)?.prefix
        var state = StageState.ok
        if network == nil, !networks.isEmpty {
            let found = "route \(route.name) by \(gateway), which no self IP reaches"
            state = .wrong(expected: "a usable route", found: found)
        }
        let words = "\(route.prefix) via \(gateway)"
        return Way(state: state, words: words, network: network)
    }

    private func state(of route: LoadBalancerRoute) -> StageState {
        switch route.target {
        case .gateway, .pool, .interface: .ok
        case .blackhole: .wrong(expected: "a usable route", found: "blackhole \(route.name)")
        case .other(let word): .unknown(reason: "route \(route.name) of form \(word)")
        }
    }

    /// All of the prefix must be covered by something usable: one route or one network.
    func state(of prefix: Prefix) -> StageState { look(at: prefix).state }

    /// With the words for a prefix that is reached.
    func look(at prefix: Prefix) -> (state: StageState, words: String) {
        if networks.longestMatch(prefix) != nil { return (.ok, Self.direct) }
        let way = ways.longestMatch(prefix)?.value
        // A learned route may be longer than whatever is configured.
        if let gap {
            let reason = "configured routes only, \(gap)"
            return (.unknown(reason: reason), way?.words ?? Self.direct)
        }
        return way.map { ($0.state, $0.words) } ?? (.missing, Self.direct)
    }

    private static let direct = "directly connected"

    /// The connected network that traffic to the prefix leaves by; nil where that is not known.
    func network(towards prefix: Prefix) -> Prefix? {
        networks.longestMatch(prefix)?.prefix ?? ways.longestMatch(prefix)?.value.network
    }
}

/// The last two reads of each unit of a load balancer.
struct RouteSights: Sendable {
    struct Two: Sendable {
        let latest: RouteSight
        let previous: RouteSight?
    }

    private(set) var units: [String: Two] = [:]
    private let activeName: String?

    init(_ facts: LoadBalancerFacts, at now: Timestamp) {
        activeName = facts.activeUnitName(at: now)
        guard facts.podsVia.isByRoute else { return }
        for (name, readings) in facts.units {
            guard let latest = readings.latest else { continue }
            units[name] = Two(
                latest: RouteSight(latest.value),
                previous: readings.previous.map { RouteSight($0.value) }
            )
        }
    }

    var active: Two? { activeName.flatMap { units[$0] } }

    /// Prefixes that the active unit reaches in both reads, and this one in neither.
    func unreachable(from unit: String, of prefixes: [Prefix]) -> [Prefix] {
        guard let own = active, let before = own.previous, let other = units[unit],
            let otherBefore = other.previous
        else { return [] }
        return prefixes.filter { prefix in
            other.latest.state(of: prefix).isBroken && otherBefore.state(of: prefix).isBroken
                && own.latest.state(of: prefix) == .ok && before.state(of: prefix) == .ok
        }.sorted()
    }
}
