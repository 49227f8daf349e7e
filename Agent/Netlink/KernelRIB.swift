// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What the node's kernel holds, as far as podpath cares: routes inside the supernets and default
/// routes of table main and of those that rules lead to, rules, every device and its addresses.
package struct KernelRIB: Sendable {
    /// A node routes hundreds of prefixes inside its cluster's supernets; this many is a mistake in
    /// the supernets, and must not eat the node's memory.
    static let routeBound = 32_768
    static let linkBound = 65_536
    static let addressBound = 65_536
    /// Service meshes and multi-homed nodes have dozens; `ip rule` walks them one by one.
    static let ruleBound = 4_096
    /// Tables in one family: each is a dump of its own.
    static let tableBound = 256

    package private(set) var routes: [RouteKey: KernelRoute] = [:]
    /// By index.
    package private(set) var links: [UInt32: Link] = [:]
    /// Grows with every change of what stands here.
    package private(set) var revision: UInt64 = 0
    private(set) var entries: [RouteKey: RouteEntry] = [:]
    /// Sorted, both families.
    package private(set) var rules: [RoutingRule] = []
    private(set) var addresses: Set<AddressEntry> = []
    /// rp_filter by index; under NETCONFA_IFINDEX_ALL what is in force for every device.
    private(set) var filters: [Int32: UInt8] = [:]
    /// Without reverse-path filters: nothing is proved by them.
    private var wanted = Set(DumpKind.first).subtracting([.filters])
    private var finished: Set<DumpKind> = []

    package init() {}

    /// All was read to its end, and no change was lost since: only then absence is proof.
    package var isComplete: Bool { wanted.isSubset(of: finished) }

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

    mutating func doubtAll() {
        if !finished.isEmpty { revision &+= 1 }
        finished = []
    }

    // MARK: - Routes

    mutating func set(_ key: RouteKey, _ entry: RouteEntry?) {
        if entry != nil, entries[key] == nil, entries.count >= Self.routeBound {
            return doubt(DumpKind(key))
        }
        entries[key] = entry
        publish(key, entry)
    }

    mutating func replaceRoutes(_ kind: DumpKind, with dumped: [RouteKey: RouteEntry]) {
        for key in entries.keys where DumpKind(key) == kind && dumped[key] == nil { set(key, nil) }
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
        var link = link
        link?.reversePathFilter = filter(of: index)
        if link == nil { forgetDevice(index) }
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

    /// Its last messages may not be read yet, and there is nothing that they could change.
    private mutating func forgetDevice(_ index: UInt32) {
        filters[Int32(truncatingIfNeeded: index)] = nil
        for entry in addresses where entry.link == index { set(entry, isThere: false) }
    }

    // MARK: - Reverse-path filters

    /// What is in force: the greater of the device's and of `all` (net/ipv4/conf in the kernel's
    /// ip-sysctl.rst). Nil unless both are known.
    private func filter(of index: UInt32) -> ReversePathFilter? {
        guard let own = filters[Int32(truncatingIfNeeded: index)],
            let all = filters[FilterMessage.all]
        else { return nil }
        return ReversePathFilter(rawValue: max(own, all))
    }

    mutating func set(_ message: FilterMessage) {
        // `default` is what devices to come begin with.
        guard message.link > 0 || message.link == FilterMessage.all else { return }
        guard filters.count <= Self.linkBound || filters[message.link] != nil else { return }
        filters[message.link] = message.filter
        refilter()
    }

    mutating func replaceFilters(with dumped: [Int32: UInt8]) {
        filters = dumped.filter { $0.key > 0 || $0.key == FilterMessage.all }
        refilter()
    }

    private mutating func refilter() {
        for index in links.keys {
            let filter = filter(of: index)
            guard links[index]?.reversePathFilter != filter else { continue }
            links[index]?.reversePathFilter = filter
            revision &+= 1
        }
    }

    // MARK: - Addresses

    mutating func set(_ entry: AddressEntry, isThere: Bool) {
        if isThere {
            guard addresses.count < Self.addressBound else { return doubt(.addresses) }
            if addresses.insert(entry).inserted { revision &+= 1 }
        } else if addresses.remove(entry) != nil {
            revision &+= 1
        }
    }

    mutating func replaceAddresses(with dumped: Set<AddressEntry>) {
        guard addresses != dumped else { return }
        addresses = dumped
        revision &+= 1
    }

    /// The devices in whose networks an address stands: `uplink0` for a neighbour at its other end.
    package func devices(beside address: IPAddress) -> [String] {
        addresses.filter { entry in
            Prefix(containing: entry.address, length: Int(entry.length))?.contains(address) ?? false
        }.map { linkName($0.link) }
    }

    /// Of the devices named, sorted.
    package func addresses(of devices: Set<String>) -> [LinkAddress] {
        addresses.compactMap { entry in
            let device = linkName(entry.link)
            guard devices.contains(device) else { return nil }
            return LinkAddress(device: device, address: entry.address, length: entry.length)
        }.sorted()
    }

    // MARK: - Rules

    /// Main, and those that rules lead to.
    func tables(_ family: AddressFamily) -> Set<UInt32> {
        let led = rules.filter { $0.family == family && $0.action == .lookup }.map(\.table)
        // 0 stands for a table that is found by device; 255 is local.
        return Set(led).subtracting([0, 255]).union([DumpKind.mainTable])
    }

    /// False if they lead to more tables than are read: then none of them is taken over.
    mutating func replaceRules(of family: AddressFamily, with dumped: [RoutingRule]) -> Bool {
        let old = (rules: rules, tables: tables(family))
        rules = (rules.filter { $0.family != family } + dumped).sorted()
        guard tables(family).count <= Self.tableBound else {
            rules = old.rules
            return false
        }
        if rules != old.rules { revision &+= 1 }
        for table in tables(family).symmetricDifference(old.tables) { watch(table, family) }
        return true
    }

    private mutating func watch(_ table: UInt32, _ family: AddressFamily) {
        let kind = DumpKind.routes(family, table: table)
        guard wanted.remove(kind) != nil else { return _ = wanted.insert(kind) }
        replaceRoutes(kind, with: [:])
        finished.remove(kind)
    }
}
