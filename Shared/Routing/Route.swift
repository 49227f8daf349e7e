// SPDX-License-Identifier: Apache-2.0

/// Where a route sends a packet next: through a gateway, out of a device, or both.
package struct NextHop: Hashable, Comparable, Sendable, Codable {
    package var gateway: IPAddress?
    package var device: String?
    /// The kernel's RTNH_F_DEAD or RTNH_F_LINKDOWN, or BIRD's word for the same.
    package var isDead: Bool

    package init(gateway: IPAddress? = nil, device: String? = nil, isDead: Bool = false) {
        self.gateway = gateway
        self.device = device
        self.isDead = isDead
    }

    @inlinable
    package static func == (left: Self, right: Self) -> Bool {
        left.gateway == right.gateway && left.isDead == right.isDead && left.device == right.device
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.gateway?.description ?? "", left.device ?? "", left.isDead ? 1 : 0)
            < (right.gateway?.description ?? "", right.device ?? "", right.isDead ? 1 : 0)
    }
}

extension NextHop: CustomStringConvertible {
    /// As `ip route` prints it.
    package var description: String {
        var words = gateway.map { "via " + $0.description } ?? ""
        if let device { words += (words.isEmpty ? "dev " : " dev ") + device }
        if isDead { words += words.isEmpty ? "dead" : " dead" }
        return words
    }
}

/// What a route does with a packet, in the kernel's words (RTN_*) and BIRD's alike.
package enum Destination: UInt8, Hashable, Sendable, CaseIterable, Codable {
    case unicast = 1
    case local = 2
    case blackhole = 6
    case unreachable = 7
    case prohibit = 8
    case other = 255

    package var name: String {
        switch self {
        case .unicast: "unicast"
        case .local: "local"
        case .blackhole: "blackhole"
        case .unreachable: "unreachable"
        case .prohibit: "prohibit"
        case .other: "other"
        }
    }
}

/// One route of the node's kernel, as rtnetlink tells it.
package struct KernelRoute: Hashable, Sendable, Codable {
    package var prefix: Prefix
    /// RTA_TABLE: 254 is main.
    package var table: UInt32
    /// RTA_PRIORITY.
    package var metric: UInt32
    package var destination: Destination
    /// rtm_protocol, raw; `RouteProtocol.name` has the words.
    package var proto: UInt8
    /// Sorted.
    package var nextHops: [NextHop]

    package init(
        prefix: Prefix,
        table: UInt32 = 254,
        metric: UInt32 = 0,
        destination: Destination = .unicast,
        proto: UInt8 = 0,
        nextHops: [NextHop] = []
    ) {
        self.prefix = prefix
        self.table = table
        self.metric = metric
        self.destination = destination
        self.proto = proto
        self.nextHops = nextHops
    }
}

extension NextHop {
    /// Whether its packets stay on a node of these addresses.
    ///
    /// A gateway leads to another node (Calico and native routing hold a route for each), but for
    /// Cilium's, which is an address of the node itself. A pod device stays local should it lose its
    /// address.
    package func isLocal(to addresses: Set<IPAddress>) -> Bool {
        guard let gateway else { return true }
        return addresses.contains(gateway) || podDevices.contains(device ?? "")
    }
}

/// Who put a route into the kernel: `rtm_protocol`, linux/rtnetlink.h.
package enum RouteProtocol {
    /// As `ip route` prints it; the number where iproute2 has no word.
    package static func name(_ number: UInt8) -> String { names[number] ?? String(number) }

    private static let names: [UInt8: String] = [
        0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra",
        10: "mrt", 11: "zebra", 12: "bird", 13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp",
        17: "mrouted", 18: "keepalived", 42: "babel", 80: "cilium", 84: "openr", 186: "bgp",
        187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
    ]
}
