// SPDX-License-Identifier: Apache-2.0
import CMNL
import Routing

/// RTM_NEWRULE: `struct fib_rule_hdr` and FRA_* attributes, linux/fib_rules.h.
struct RuleMessage {
    static let headerSize = 12

    private(set) var rule: RoutingRule

    /// Nil for a family that is not watched: rules of multicast routing come by the same message.
    init?(in bytes: RawSpan, _ payload: Range<Int>) throws(NetlinkError) {
        var attributes = try AttributeCursor(payload, after: Self.headerSize)
        let start = payload.lowerBound
        guard let family = AddressFamily(number: try bytes.u8(at: start)) else { return nil }
        let action = RoutingRule.Action(rawValue: try bytes.u8(at: start + 7)) ?? .other
        rule = RoutingRule(family: family, priority: 0, action: action, table: 0)
        rule.table = UInt32(try bytes.u8(at: start + 4))
        if try bytes.u8(at: start + 3) != 0 { rule.selectors.insert(.other) }
        if try bytes.u32(at: start + 8) & UInt32(FIB_RULE_INVERT) != 0 {
            rule.selectors.insert(.inverted)
        }
        let lengths = (
            source: try bytes.u8(at: start + 2), destination: try bytes.u8(at: start + 1)
        )
        while let attribute = try attributes.next(in: bytes) {
            switch Int(attribute.type) {
            case FRA_SRC: rule.source = try prefix(in: bytes, attribute, lengths.source)
            case FRA_DST: rule.destination = try prefix(in: bytes, attribute, lengths.destination)
            case FRA_PRIORITY: rule.priority = try bytes.u32(attribute.value)
            case FRA_TABLE: rule.table = try bytes.u32(attribute.value)
            default: try select(in: bytes, attribute)
            }
        }
    }

    private func prefix(
        in bytes: RawSpan,
        _ attribute: NetlinkAttribute,
        _ length: UInt8
    ) throws(NetlinkError) -> Prefix {
        let address = try bytes.address(attribute.value)
        guard address.family == rule.family,
            let prefix = Prefix(containing: address, length: Int(length))
        else { throw .badPrefixLength(Int(length)) }
        return prefix
    }

    /// What narrows a rule down; what later kernels add narrows it too.
    private mutating func select(
        in bytes: RawSpan,
        _ attribute: NetlinkAttribute
    ) throws(NetlinkError) {
        switch Int(attribute.type) {
        case FRA_FWMARK, FRA_FWMASK: rule.selectors.insert(.mark)
        case FRA_IIFNAME: rule.selectors.insert(.inputDevice)
        case FRA_OIFNAME: rule.selectors.insert(.outputDevice)
        // Always there; all ones without a limit.
        case FRA_SUPPRESS_PREFIXLEN, FRA_SUPPRESS_IFGROUP:
            if try bytes.u32(attribute.value) != .max { rule.selectors.insert(.other) }
        // Who made it; padding; a realm; where `goto` goes.
        case FRA_PROTOCOL, FRA_PAD, FRA_FLOW, FRA_GOTO, FRA_UNSPEC: return
        default: rule.selectors.insert(.other)
        }
    }
}
