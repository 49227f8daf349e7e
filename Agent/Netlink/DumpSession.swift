// SPDX-License-Identifier: Apache-2.0
import Routing

/// One dump under way: a shadow table that replaces the live one at NLMSG_DONE.
///
/// Changes that arrive meanwhile go to the live table at once, and their keys are remembered:
/// for those the live table wins over the dump, in whatever order the kernel read and told. New
/// kernels dump without their lock, so a dump may still show what a change has already removed.
struct DumpSession: Sendable {
    static let patience: Int64 = 5_000

    let kind: DumpKind
    let sequence: UInt32
    let startedAt: Timestamp
    /// When silence means that no answer comes.
    private(set) var deadline: Timestamp
    /// NLM_F_DUMP_INTR was seen.
    private(set) var isTorn = false
    /// More than the table may hold.
    private(set) var isOverBound = false
    private var routes: [RouteKey: RouteEntry] = [:]
    private var links: [UInt32: Link] = [:]
    private var addresses: Set<AddressEntry> = []
    private var rules: [RoutingRule] = []
    private var filters: [Int32: UInt8] = [:]
    private var changedRoutes: Set<RouteKey> = []
    private var changedLinks: Set<UInt32> = []
    private var changedAddresses: Set<AddressEntry> = []
    private var changedFilters: Set<Int32> = []

    init(_ kind: DumpKind, sequence: UInt32, now: Timestamp) {
        self.kind = kind
        self.sequence = sequence
        startedAt = now
        deadline = now + Self.patience
    }

    mutating func heard(_ message: NetlinkMessage, now: Timestamp) {
        deadline = now + Self.patience
        isTorn = isTorn || message.isTorn
    }

    mutating func add(_ link: Link) {
        guard kind == .links else { return }
        isOverBound = isOverBound || links.count >= KernelRIB.linkBound
        if !isOverBound { links[link.index] = link }
    }

    /// A kernel without IPv6 answers the question for IPv6 routes with IPv4 ones: not added.
    mutating func add(_ message: RouteMessage) {
        guard let entry = message.entry, DumpKind(message.key) == kind else { return }
        if let first = routes[message.key] {
            routes[message.key] = merged(first, entry)
            return
        }
        isOverBound = isOverBound || routes.count >= KernelRIB.routeBound
        if !isOverBound { routes[message.key] = entry }
    }

    /// IPv4 lists the route in use first; IPv6 routes of one key share the traffic.
    private func merged(_ first: RouteEntry, _ other: RouteEntry) -> RouteEntry {
        var merged = first
        merged.isShared = true
        if case .routes(.ipv6, _) = kind, first.destination == other.destination {
            merged.hops += other.hops.filter { !first.holds($0) }
        }
        return merged
    }

    mutating func add(_ address: AddressEntry) {
        guard kind == .addresses else { return }
        isOverBound = isOverBound || addresses.count >= KernelRIB.addressBound
        if !isOverBound { addresses.insert(address) }
    }

    mutating func add(_ rule: RoutingRule) {
        guard kind == .rules(rule.family) else { return }
        isOverBound = isOverBound || rules.count >= KernelRIB.ruleBound
        if !isOverBound { rules.append(rule) }
    }

    /// There is one for each device, and devices are bounded.
    mutating func add(_ filter: FilterMessage) {
        guard kind == .filters, filters.count <= KernelRIB.linkBound else { return }
        filters[filter.link] = filter.filter
    }

    mutating func changed(_ key: RouteKey) {
        if DumpKind(key) == kind { changedRoutes.insert(key) }
    }

    mutating func changed(_ address: AddressEntry) {
        if kind == .addresses { changedAddresses.insert(address) }
    }

    mutating func changed(_ filter: FilterMessage) {
        if kind == .filters { changedFilters.insert(filter.link) }
    }

    mutating func changedLink(_ index: UInt32) {
        if kind == .links { changedLinks.insert(index) }
    }

    /// Replaces the live table of this kind.
    mutating func settle(_ rib: inout KernelRIB) {
        switch kind {
        case .links: rib.replaceLinks(with: settledLinks(rib))
        case .routes: rib.replaceRoutes(kind, with: settledRoutes(rib))
        case .addresses: rib.replaceAddresses(with: settledAddresses(rib))
        case .rules(let family):
            isOverBound = !rib.replaceRules(of: family, with: rules) || isOverBound
        case .filters: rib.replaceFilters(with: settledFilters(rib))
        }
        if isOverBound { rib.doubt(kind) } else { rib.finish(kind) }
    }

    private func settledAddresses(_ rib: KernelRIB) -> Set<AddressEntry> {
        var settled = addresses.subtracting(changedAddresses)
        settled.formUnion(changedAddresses.intersection(rib.addresses))
        return settled
    }

    private func settledFilters(_ rib: KernelRIB) -> [Int32: UInt8] {
        var settled = filters
        for link in changedFilters { settled[link] = rib.filters[link] }
        return settled
    }

    private func settledLinks(_ rib: KernelRIB) -> [UInt32: Link] {
        var settled = links
        for index in changedLinks { settled[index] = rib.links[index] }
        return settled
    }

    /// The message of a fallen device comes before its IPv4 routes go, so a dump asked at once may
    /// still show them; over a device that is down none can be.
    private func settledRoutes(_ rib: KernelRIB) -> [RouteKey: RouteEntry] {
        var settled = routes
        if case .routes(.ipv4, _) = kind {
            settled = settled.compactMapValues { $0.losing(rib.isKnownDown) }
        }
        for key in changedRoutes { settled[key] = rib.entries[key] }
        return settled
    }
}
