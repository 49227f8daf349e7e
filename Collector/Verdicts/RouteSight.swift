// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// How one read of a unit says that it reaches prefixes: by longest match over routes and connected networks.
struct RouteSight {
    private var routes = PrefixMap<LoadBalancerRoute>()
    private var networks = PrefixMap<Bool>()
    private let knowsNetworks: Bool
    /// Why what is not covered may be so all the same.
    private let gap: String?

    init(_ table: LoadBalancerTable) {
        // For the same prefix what is configured wins over what is learned.
        for route in table.routes where route.isDynamic { routes[route.prefix] = route }
        for route in table.routes where !route.isDynamic { routes[route.prefix] = route }
        gap = table.liveRoutesProblem
        for network in table.selfNetworks { networks[network] = true }
        knowsNetworks = !table.selfNetworks.isEmpty
    }

    /// All of the prefix must be covered by something usable: one route or one network.
    func state(of prefix: Prefix) -> StageState {
        if networks.longestMatch(prefix) != nil { return .ok }
        // A learned route may be longer than whatever is configured.
        if let gap { return .unknown(reason: "configured routes only, \(gap)") }
        guard let route = routes.longestMatch(prefix)?.value else { return .missing }
        switch route.target {
        case .gateway(let gateway):
            guard !knowsNetworks || networks.longestMatch(gateway) != nil else {
                let found = "route \(route.name) by \(gateway), which no self IP reaches"
                return .wrong(expected: "a usable route", found: found)
            }
            return .ok
        case .pool, .interface: return .ok
        case .blackhole: return .wrong(expected: "a usable route", found: "blackhole \(route.name)")
        case .other(let word): return .unknown(reason: "route \(route.name) of form \(word)")
        }
    }

    /// The connected network that traffic to the prefix leaves by; nil where that is not known.
    func network(towards prefix: Prefix) -> Prefix? {
        if let direct = networks.longestMatch(prefix) { return direct.prefix }
        guard case .gateway(let gateway)? = routes.longestMatch(prefix)?.value.target else {
            return nil
        }
        return networks.longestMatch(gateway)?.prefix
    }

    /// In words, for a prefix that is reached.
    func usable(_ prefix: Prefix) -> String {
        guard networks.longestMatch(prefix) == nil, let route = routes.longestMatch(prefix)?.value
        else { return "directly connected" }
        if case .gateway(let gateway) = route.target { return "\(route.prefix) via \(gateway)" }
        return "\(route.prefix) \(route.name)"
    }
}

/// The last two reads of each unit of a load balancer.
struct RouteSights {
    struct Two {
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
