// SPDX-License-Identifier: Apache-2.0
package import Routing

extension KernelRIB {
    /// Prefixes whose packets end on this node, sorted: what may be its own pod CIDRs. Default and
    /// host routes are none. A blackhole is Calico's block, whose pods have routes of their own.
    package var localPrefixes: [Prefix] {
        let own = Set(addresses.map(\.address))
        let local = routes.values.filter { route in
            guard !route.prefix.isDefault, !route.prefix.isHost else { return false }
            // A way that is not known leads nowhere near.
            return route.destination != .unicast
                || route.nextHops.contains { $0.isLocal(to: own) }
        }
        return Set(local.map(\.prefix)).sorted()
    }
}
