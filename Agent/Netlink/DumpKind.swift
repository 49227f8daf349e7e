// SPDX-License-Identifier: Apache-2.0
import Routing

/// What the kernel can be asked for as a whole.
enum DumpKind: Hashable, Sendable {
    case links
    case routes(AddressFamily, table: UInt32)
    case addresses
    case rules(AddressFamily)
    /// Reverse-path filters: the part of RTM_GETNETCONF that is read.
    case filters

    /// RT_TABLE_MAIN.
    static let mainTable: UInt32 = 254

    /// Asked from the start, in this order: routes name devices by number, so devices come first.
    /// Tables that rules point to follow once the rules were read.
    static let first: [DumpKind] = [
        .links, .routes(.ipv4, table: mainTable), .routes(.ipv6, table: mainTable), .addresses,
        .rules(.ipv4), .rules(.ipv6), .filters,
    ]

    /// The table that a route of this key stands in.
    init(_ key: RouteKey) { self = .routes(key.prefix.family, table: key.table) }

    var isRoutes: Bool {
        if case .routes = self { true } else { false }
    }

    /// A kernel may be built without it, or have none of it yet: then there is nothing to read.
    var mayBeAbsent: Bool { self != .links && self != .addresses }
}
