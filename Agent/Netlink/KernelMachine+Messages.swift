// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

extension KernelMachine {
    /// Answers to our dump carry its sequence number; those of a dump given up are passed by.
    mutating func handle(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        switch Int32(message.type) {
        case NLMSG_ERROR: try failed(message, bytes, now)
        case NLMSG_DONE: try done(message, bytes, now)
        case NLMSG_OVERRUN: resync(now)
        default:
            if message.isDumped {
                try dumped(message, bytes, now)
            } else {
                try changed(message, bytes, now)
            }
        }
    }

    // MARK: - The dump under way

    private mutating func dumped(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard session?.sequence == message.sequence else { return }
        session?.heard(message, now: now)
        switch Int(message.type) {
        case Int(RTM_NEWLINK):
            if let link = try LinkMessage(in: bytes, message.payload) { session?.add(link.link) }
        case Int(RTM_NEWROUTE):
            if let route = try RouteMessage(in: bytes, message.payload, scope) {
                session?.add(route)
            }
        default: try dumpedBeside(message, bytes)
        }
    }

    private mutating func dumpedBeside(
        _ message: NetlinkMessage,
        _ bytes: RawSpan
    ) throws(NetlinkError) {
        switch Int(message.type) {
        case Int(RTM_NEWADDR):
            if let own = try AddressMessage(in: bytes, message.payload) { session?.add(own.entry) }
        case Int(RTM_NEWRULE):
            if let rule = try RuleMessage(in: bytes, message.payload) { session?.add(rule.rule) }
        case Int(RTM_NEWNETCONF):
            if let filter = try FilterMessage(in: bytes, message.payload) { session?.add(filter) }
        default: break
        }
    }

    /// NLMSG_DONE holds 0, or the error the dump ended with.
    private mutating func done(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard session?.sequence == message.sequence else { return }
        session?.heard(message, now: now)
        let hasCode = message.payload.count >= 4
        let code = hasCode ? try bytes.u32(at: message.payload.lowerBound) : 0
        end(code: Int32(bitPattern: code), now)
    }

    /// NLMSG_ERROR: `struct nlmsgerr`; code 0 only acknowledges.
    private mutating func failed(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard session?.sequence == message.sequence else { return }
        let code = Int32(bitPattern: try bytes.u32(at: message.payload.lowerBound))
        if code != 0 { end(code: code, now) }
    }

    private mutating func end(code: Int32, _ now: Timestamp) {
        if code == 0 || isEmptiness(code) { finish(now) } else { giveUp(now) }
    }

    /// A namespace that never had a route has no table main yet (ENOENT); a kernel may lack IPv6, or
    /// rules.
    private func isEmptiness(_ code: Int32) -> Bool {
        guard let session, session.kind.mayBeAbsent, code != .min else { return false }
        return [ENOENT, EOPNOTSUPP, EAFNOSUPPORT, EPFNOSUPPORT].contains(-code)
    }

    // MARK: - Changes

    private mutating func changed(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        switch Int(message.type) {
        case Int(RTM_NEWLINK), Int(RTM_DELLINK): try linkChanged(message, bytes, now)
        case Int(RTM_NEWROUTE), Int(RTM_DELROUTE): try routeChanged(message, bytes, now)
        case Int(RTM_NEWADDR), Int(RTM_DELADDR): try addressChanged(message, bytes, now)
        // One rule may lead to a table that was never read: all are read again, they are few.
        case Int(RTM_NEWRULE), Int(RTM_DELRULE): try ruleChanged(message, bytes, now)
        case Int(RTM_NEWNETCONF): try filterChanged(message, bytes)
        // An object replaced or removed changes the IPv4 routes that use it, in silence.
        case Int(RTM_NEWNEXTHOP), Int(RTM_DELNEXTHOP): askRoutes(now)
        default: break
        }
    }

    private mutating func routeChanged(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard let route = try RouteMessage(in: bytes, message.payload, scope) else { return }
        let kind = DumpKind(route.key)
        let held = rib.entries[route.key]
        let isSettled = rib.isFinished(kind) && session?.kind != kind
        if Int(message.type) == Int(RTM_NEWROUTE) {
            apply(.added(route, flags: message, to: held, isSettled: isSettled), route.key, now)
        } else {
            apply(.removed(route, from: held, isSettled: isSettled), route.key, now)
        }
    }

    private mutating func apply(_ change: RouteChange, _ key: RouteKey, _ now: Timestamp) {
        switch change {
        case .becomes(let entry):
            rib.set(key, entry)
            session?.changed(key)
        case .unclear: schedule.ask(DumpKind(key), at: now)
        }
    }

    private mutating func linkChanged(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard let link = try LinkMessage(in: bytes, message.payload)?.link else { return }
        let old = rib.links[link.index]
        let isGone = Int(message.type) == Int(RTM_DELLINK)
        rib.setLink(link.index, isGone ? nil : link)
        session?.changedLink(link.index)
        let isSteady = old?.isAdminUp == link.isAdminUp && old?.hasCarrier == link.hasCarrier
        if isGone || !isSteady { stateChanged(link, isGone: isGone, now) }
    }

    /// Pods come and go with their devices: only a device that routes use is worth a dump.
    private mutating func stateChanged(_ link: Link, isGone: Bool, _ now: Timestamp) {
        let readsRoutes = session?.kind.isRoutes ?? false
        if readsRoutes || rib.usesLink(link.index) { askRoutes(now) }
        if isGone || !link.isAdminUp { rib.loseIPv4Routes(over: link.index) }
    }

    private mutating func askRoutes(_ now: Timestamp) {
        askRoutes(.ipv4, now)
        askRoutes(.ipv6, now)
    }

    private mutating func askRoutes(_ family: AddressFamily, _ now: Timestamp) {
        for table in scope.tables(family).sorted() {
            schedule.askTwice(.routes(family, table: table), now: now)
        }
    }

    private mutating func addressChanged(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard let entry = try AddressMessage(in: bytes, message.payload)?.entry else { return }
        let isGone = Int(message.type) == Int(RTM_DELADDR)
        rib.set(entry, isThere: !isGone)
        session?.changed(entry)
        // The last address of a device takes all IPv4 routes along, any its preferred sources. Of
        // IPv6 the kernel tells each route it deletes.
        if isGone, entry.address.family == .ipv4 { askRoutes(.ipv4, now) }
    }

    private mutating func ruleChanged(
        _ message: NetlinkMessage,
        _ bytes: RawSpan,
        _ now: Timestamp
    ) throws(NetlinkError) {
        guard let rule = try RuleMessage(in: bytes, message.payload)?.rule else { return }
        schedule.ask(.rules(rule.family), at: now)
    }

    private mutating func filterChanged(
        _ message: NetlinkMessage,
        _ bytes: RawSpan
    ) throws(NetlinkError) {
        guard let filter = try FilterMessage(in: bytes, message.payload) else { return }
        rib.set(filter)
        session?.changed(filter)
    }
}
