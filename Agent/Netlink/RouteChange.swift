// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// What one multicast message makes of the route held under its key.
///
/// The kernel identifies routes more finely than (prefix, table, metric), and tells changes in the
/// words of the change, not of the outcome. Where the outcome does not follow from the message, the
/// answer is `unclear`: belief stays and the family is dumped again, milliseconds later.
enum RouteChange: Hashable {
    case becomes(RouteEntry?)
    case unclear

    /// RTM_NEWROUTE.
    ///
    /// `isSettled`: nothing held means nothing there, as no dump is under way.
    static func added(
        _ message: RouteMessage,
        flags: NetlinkMessage,
        to held: RouteEntry?,
        isSettled: Bool
    ) -> RouteChange {
        guard var new = message.entry else { return removedElsewhere(held, isSettled) }
        // Of several routes under the key only one is replaced: which, the message does not say.
        if flags.has(NLM_F_REPLACE) { return held?.isShared == true ? .unclear : .becomes(new) }
        guard message.key.prefix.family == .ipv4 else { return addedIPv6(new, to: held) }
        // fib_table_insert sets NLM_F_EXCL where the key was free; before Linux 4.12 nothing.
        if flags.has(NLM_F_EXCL) { return .becomes(new) }
        guard let held else { return isSettled ? .becomes(new) : .unclear }
        new.isShared = held.isShared
        return held.isSameRoute(as: new) ? .becomes(new) : .unclear
    }

    /// A message about one IPv6 hop more tells all hops, old and new (rt6_fill_node).
    ///
    /// One that lacks an old hop is of a route beside it: two routers that advertise themselves.
    private static func addedIPv6(_ new: RouteEntry, to held: RouteEntry?) -> RouteChange {
        guard let held else { return .becomes(new) }
        let isWhole = held.destination == new.destination && held.hops.allSatisfy(new.holds)
        return isWhole ? .becomes(new) : .unclear
    }

    /// RTM_DELROUTE.
    static func removed(
        _ message: RouteMessage,
        from held: RouteEntry?,
        isSettled: Bool
    ) -> RouteChange {
        guard let gone = message.entry, let held else {
            return removedElsewhere(held, isSettled)
        }
        if message.key.prefix.family == .ipv6 { return removedIPv6(gone, from: held) }
        guard !held.isShared, held.isSameRoute(as: gone) else { return .unclear }
        return .becomes(nil)
    }

    /// IPv6 deletes hop by hop; the route ends with its last one.
    private static func removedIPv6(_ gone: RouteEntry, from held: RouteEntry) -> RouteChange {
        guard held.destination == gone.destination, gone.hops.allSatisfy(held.holds) else {
            return .unclear
        }
        var rest = held
        rest.hops.removeAll(where: gone.holds)
        return .becomes(rest.hops.isEmpty ? nil : rest)
    }

    /// Of a route that is not held, or not of a watched kind.
    private static func removedElsewhere(_ held: RouteEntry?, _ isSettled: Bool) -> RouteChange {
        held == nil && isSettled ? .becomes(nil) : .unclear
    }
}
