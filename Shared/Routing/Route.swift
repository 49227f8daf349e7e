// SPDX-License-Identifier: Apache-2.0

/// Where a route sends a packet next: through a gateway, out of a device, or both.
package struct NextHop: Hashable, Comparable, Sendable {
    package var gateway: IPAddress?
    package var device: String?
    /// The kernel's RTNH_F_DEAD or RTNH_F_LINKDOWN, or BIRD's word for the same.
    package var isDead: Bool

    package init(gateway: IPAddress? = nil, device: String? = nil, isDead: Bool = false) {
        self.gateway = gateway
        self.device = device
        self.isDead = isDead
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.gateway?.description ?? "", left.device ?? "", left.isDead ? 1 : 0)
            < (right.gateway?.description ?? "", right.device ?? "", right.isDead ? 1 : 0)
    }
}

extension NextHop: CustomStringConvertible {
    /// As `ip route` prints it.
    package var description: String {
        let words = [
            gateway.map { "via \($0)" }, device.map { "dev \($0)" }, isDead ? "dead" : nil,
        ]
        return words.compactMap(\.self).joined(separator: " ")
    }
}

/// What a route does with a packet, in the kernel's words (RTN_*) and BIRD's alike.
package enum Destination: UInt8, Hashable, Sendable, CaseIterable {
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
package struct KernelRoute: Hashable, Sendable {
    package var prefix: Prefix
    /// RTA_TABLE: 254 is main.
    package var table: UInt32
    /// RTA_PRIORITY.
    package var metric: UInt32
    package var destination: Destination
    /// rtm_protocol, raw: 2 kernel, 3 boot, 4 static, 12 BIRD …
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

/// A network device of the node.
package struct Link: Hashable, Sendable {
    package var name: String
    /// Changes when the device is recreated.
    package var index: UInt32
    /// IFF_UP: an administrator wants it up.
    package var isAdminUp: Bool
    /// IFF_LOWER_UP: there is carrier.
    package var hasCarrier: Bool
    package var mtu: UInt32

    package init(name: String, index: UInt32, isAdminUp: Bool, hasCarrier: Bool, mtu: UInt32) {
        self.name = name
        self.index = index
        self.isAdminUp = isAdminUp
        self.hasCarrier = hasCarrier
        self.mtu = mtu
    }
}

/// The devices through which Cilium, flannel, kube-router and bridge plug-ins route a node's CIDR.
///
/// An agent reports them even when no route uses them any more, and judgement looks for the cause
/// of a lost route among them: one list, or the one would look for what the other does not say.
package let podDevices = ["cilium_host", "cni0", "cbr0", "kube-bridge", "flannel.1"]
