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
    private var changedRoutes: Set<RouteKey> = []
    private var changedLinks: Set<UInt32> = []

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
        guard let entry = message.entry, DumpKind(message.key.prefix.family) == kind else { return }
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
        if kind == .ipv6Routes, first.destination == other.destination {
            merged.hops += other.hops.filter { !first.holds($0) }
        }
        return merged
    }

    mutating func changed(_ key: RouteKey) {
        if DumpKind(key.prefix.family) == kind { changedRoutes.insert(key) }
    }

    mutating func changedLink(_ index: UInt32) {
        if kind == .links { changedLinks.insert(index) }
    }

    /// Replaces the live table of this kind.
    func settle(_ rib: inout KernelRIB) {
        switch kind {
        case .links: rib.replaceLinks(with: settledLinks(rib))
        case .ipv4Routes, .ipv6Routes: rib.replaceRoutes(kind, with: settledRoutes(rib))
        }
        if isOverBound { rib.doubt(kind) } else { rib.finish(kind) }
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
        if kind == .ipv4Routes { settled = settled.compactMapValues { $0.losing(rib.isKnownDown) } }
        for key in changedRoutes { settled[key] = rib.entries[key] }
        return settled
    }
}
