// SPDX-License-Identifier: Apache-2.0
package import Routing

/// What makes two kernel routes the same one.
package struct RouteKey: Hashable, Sendable {
    package let prefix: Prefix
    package let table: UInt32
    package let metric: UInt32

    package init(prefix: Prefix, table: UInt32 = 254, metric: UInt32 = 0) {
        self.prefix = prefix
        self.table = table
        self.metric = metric
    }
}

/// A route as the kernel numbers it: devices by index, so that a rename needs no new route.
struct RouteEntry: Hashable, Sendable {
    struct Hop: Hashable, Sendable {
        var gateway: IPAddress?
        /// 0: none.
        var link: UInt32
        var isDead: Bool

        /// The same way, dead or alive: the flags of a deleted route are not those of its birth.
        func leadsAlong(_ other: Hop) -> Bool { gateway == other.gateway && link == other.link }
    }

    var destination: Destination
    var proto: UInt8
    var hops: [Hop]
    /// The kernel holds more routes of this key, by `ip route append`.
    ///
    /// IPv4 uses the one that stands here; of IPv6 all stand here together.
    var isShared = false

    func holds(_ hop: Hop) -> Bool { hops.contains { $0.leadsAlong(hop) } }

    func isSameRoute(as other: RouteEntry) -> Bool {
        destination == other.destination && proto == other.proto
            && hops.count == other.hops.count && hops.allSatisfy(other.holds)
    }

    func uses(_ link: UInt32) -> Bool { hops.contains { $0.link == link } }

    /// Without the ways over dead devices; nil if none is left.
    func losing(_ isDown: (UInt32) -> Bool) -> RouteEntry? {
        guard hops.contains(where: { isDown($0.link) }) else { return self }
        var rest = self
        for index in rest.hops.indices where isDown(rest.hops[index].link) {
            rest.hops[index].isDead = true
        }
        return rest.hops.allSatisfy { isDown($0.link) } ? nil : rest
    }
}
