// SPDX-License-Identifier: Apache-2.0
package import Routing

extension KernelRIB {
    /// Prefixes whose packets end on this node, sorted: what may be its own pod CIDRs. Default and
    /// host routes are none.
    ///
    /// A route by a gateway leads to another node (Calico and native routing hold one for each), but
    /// for Cilium's, whose gateway is an address of the node itself. A blackhole is Calico's block,
    /// whose pods have routes of their own. A pod device stays local should it lose its address.
    package var localPrefixes: [Prefix] {
        let own = Set(addresses.map(\.address))
        let local = routes.values.filter { route in
            guard !route.prefix.isDefault, !route.prefix.isHost else { return false }
            return route.nextHops.isEmpty || route.nextHops.contains { isLocal($0, own) }
        }
        return Set(local.map(\.prefix)).sorted()
    }

    private func isLocal(_ hop: NextHop, _ own: Set<IPAddress>) -> Bool {
        guard let gateway = hop.gateway else { return true }
        return own.contains(gateway) || podDevices.contains(hop.device ?? "")
    }
}
