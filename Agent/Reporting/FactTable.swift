// SPDX-License-Identifier: Apache-2.0
import Routing
package import Wire

/// All the node knows now, with the generation in which each fact last changed.
///
/// Every collector's stream reads its own difference out of this one table, so a slow collector
/// costs no memory: changes to one key merge, and nothing is queued.
package struct FactTable {
    package private(set) var generation: UInt64 = 0
    package private(set) var report = Report()
    private var kernel = FactHistory<KernelStatus>()
    private var links = FactHistory<Link>()
    private var routes = FactHistory<KernelRoute>()
    private var birds = FactHistory<OfDaemon<BIRDStatus>>()
    private var sessions = FactHistory<OfDaemon<BGPSession>>()
    private var statics = FactHistory<OfDaemon<BIRDStatic>>()
    private var birdRoutes = FactHistory<OfDaemon<BIRDRoute>>()
    private var exports = FactHistory<OfDaemon<Export>>()
    private var addresses = FactHistory<LinkAddress>()
    private var rules = FactHistory<RoutingRule>()
    /// Removals before this generation are forgotten: who is behind it needs a snapshot.
    private var removalsKnownSince: UInt64 = 0

    package init() {}

    /// Makes `next` the whole truth; false if nothing differs.
    @discardableResult
    package mutating func replace(with next: Report) -> Bool {
        var next = next
        next.sort()
        guard next != report else { return false }
        generation += 1
        kernel.change(report.kernel, to: next.kernel, in: generation)
        links.change(report.links, to: next.links, in: generation)
        routes.change(report.routes, to: next.routes, in: generation)
        birds.change(report.birds, to: next.birds, in: generation)
        sessions.change(report.sessions, to: next.sessions, in: generation)
        statics.change(report.statics, to: next.statics, in: generation)
        birdRoutes.change(report.birdRoutes, to: next.birdRoutes, in: generation)
        exports.change(report.exports, to: next.exports, in: generation)
        addresses.change(report.addresses, to: next.addresses, in: generation)
        rules.change(report.rules, to: next.rules, in: generation)
        report = next
        let isFull = [
            links.isFull, routes.isFull, birds.isFull, sessions.isFull, statics.isFull,
            birdRoutes.isFull, exports.isFull, addresses.isFull, rules.isFull,
        ].contains(true)
        if isFull { forgetRemovals() }
        return true
    }

    /// What changed after `base`, or nil if only a snapshot can tell.
    package func changes(since base: UInt64) -> (updated: Report, removed: Report)? {
        guard base >= removalsKnownSince, base <= generation else { return nil }
        var updated = Report()
        var removed = Report()
        updated.kernel = kernel.updated(report.kernel, since: base, &removed.kernel)
        updated.links = links.updated(report.links, since: base, &removed.links)
        updated.routes = routes.updated(report.routes, since: base, &removed.routes)
        updated.birds = birds.updated(report.birds, since: base, &removed.birds)
        updated.sessions = sessions.updated(report.sessions, since: base, &removed.sessions)
        updated.statics = statics.updated(report.statics, since: base, &removed.statics)
        updated.birdRoutes = birdRoutes.updated(report.birdRoutes, since: base, &removed.birdRoutes)
        updated.exports = exports.updated(report.exports, since: base, &removed.exports)
        updated.addresses = addresses.updated(report.addresses, since: base, &removed.addresses)
        updated.rules = rules.updated(report.rules, since: base, &removed.rules)
        return (updated, removed)
    }

    private mutating func forgetRemovals() {
        kernel.forgetRemovals()
        links.forgetRemovals()
        routes.forgetRemovals()
        birds.forgetRemovals()
        sessions.forgetRemovals()
        statics.forgetRemovals()
        birdRoutes.forgetRemovals()
        exports.forgetRemovals()
        addresses.forgetRemovals()
        rules.forgetRemovals()
        removalsKnownSince = generation
    }
}
