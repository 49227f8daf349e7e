// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What the node's kernel holds, as far as podpath cares: routes of table main inside the
/// supernets, default routes, and every device.
package struct KernelRIB: Sendable {
    /// A node routes hundreds of prefixes inside its cluster's supernets; this many is a mistake in
    /// the supernets, and must not eat the node's memory.
    static let routeBound = 65_536
    static let linkBound = 65_536

    package private(set) var routes: [RouteKey: KernelRoute] = [:]
    /// By index.
    package private(set) var links: [UInt32: Link] = [:]
    /// Grows with every change of what stands here.
    package private(set) var revision: UInt64 = 0
    private(set) var entries: [RouteKey: RouteEntry] = [:]
    private var finished: Set<DumpKind> = []

    package init() {}

    /// Every table was read to its end, and no change was lost since: only then absence is proof.
    package var isComplete: Bool { finished.count == DumpKind.allCases.count }

    /// The present name, or `if7` as iproute2 writes it.
    package func linkName(_ index: UInt32) -> String { links[index]?.name ?? "if\(index)" }

    package var linkNames: Set<String> { Set(links.values.map(\.name)) }

    func isFinished(_ kind: DumpKind) -> Bool { finished.contains(kind) }
    func usesLink(_ index: UInt32) -> Bool { entries.values.contains { $0.uses(index) } }
    /// Down by an administrator, or gone.
    ///
    /// A device is told before any route over it, so once all devices were read an unknown one has
    /// been deleted.
    func isKnownDown(_ index: UInt32) -> Bool {
        guard index != 0 else { return false }
        return links[index].map { !$0.isAdminUp } ?? isFinished(.links)
    }

    // MARK: - Completeness

    mutating func finish(_ kind: DumpKind) {
        if finished.insert(kind).inserted { revision &+= 1 }
    }

    mutating func doubt(_ kind: DumpKind) {
        if finished.remove(kind) != nil { revision &+= 1 }
    }

    // MARK: - Routes

    mutating func set(_ key: RouteKey, _ entry: RouteEntry?) {
        if entry != nil, entries[key] == nil, entries.count >= Self.routeBound {
            return doubt(DumpKind(key.prefix.family))
        }
        entries[key] = entry
        publish(key, entry)
    }

    mutating func replaceRoutes(_ kind: DumpKind, with dumped: [RouteKey: RouteEntry]) {
        for key in entries.keys where DumpKind(key.prefix.family) == kind && dumped[key] == nil {
            set(key, nil)
        }
        for (key, entry) in dumped where entries[key] != entry { set(key, entry) }
    }

    /// The kernel drops IPv4 routes over a fallen device without a word (fib_sync_down_dev).
    mutating func loseIPv4Routes(over link: UInt32) {
        for (key, entry) in entries where key.prefix.family == .ipv4 && entry.uses(link) {
            set(key, entry.losing { $0 == link || isKnownDown($0) })
        }
    }

    private mutating func publish(_ key: RouteKey, _ entry: RouteEntry?) {
        let route = entry.map { self.route(key, $0) }
        guard routes[key] != route else { return }
        routes[key] = route
        revision &+= 1
    }

    private func route(_ key: RouteKey, _ entry: RouteEntry) -> KernelRoute {
        let hops = entry.hops.map { hop in
            let device = hop.link == 0 ? nil : linkName(hop.link)
            return NextHop(gateway: hop.gateway, device: device, isDead: hop.isDead)
        }
        return KernelRoute(
            prefix: key.prefix,
            table: key.table,
            metric: key.metric,
            destination: entry.destination,
            proto: entry.proto,
            nextHops: hops.sorted()
        )
    }

    // MARK: - Links

    /// Nil removes it.
    mutating func setLink(_ index: UInt32, _ link: Link?) {
        let old = links[index]
        guard old != link else { return }
        if old == nil, links.count >= Self.linkBound { return doubt(.links) }
        links[index] = link
        revision &+= 1
        guard old?.name != link?.name else { return }
        for (key, entry) in entries where entry.uses(index) { publish(key, entry) }
    }

    mutating func replaceLinks(with dumped: [UInt32: Link]) {
        for index in links.keys where dumped[index] == nil { setLink(index, nil) }
        for (index, link) in dumped { setLink(index, link) }
    }
}
