// SPDX-License-Identifier: Apache-2.0

/// `net.ipv4.conf.*.rp_filter` (Documentation/networking/ip-sysctl): what the kernel does with a
/// packet whose source it would not route back through the device it came in by.
package enum ReversePathFilter: UInt8, Hashable, Sendable, CaseIterable, Codable {
    case off = 0
    /// Only the very device of the best way back will do.
    case strict = 1
    /// Any device with a way back will do.
    case loose = 2
}

/// A network device of the node.
package struct Link: Hashable, Sendable, Codable {
    package var name: String
    /// Changes when the device is recreated.
    package var index: UInt32
    /// IFF_UP: an administrator wants it up.
    package var isAdminUp: Bool
    /// IFF_LOWER_UP: there is carrier.
    package var hasCarrier: Bool
    package var mtu: UInt32
    /// What is in force: the greater of the device's and of `all`. Nil where it was not read.
    package var reversePathFilter: ReversePathFilter?

    package init(
        name: String,
        index: UInt32,
        isAdminUp: Bool,
        hasCarrier: Bool,
        mtu: UInt32,
        reversePathFilter: ReversePathFilter? = nil
    ) {
        self.name = name
        self.index = index
        self.isAdminUp = isAdminUp
        self.hasCarrier = hasCarrier
        self.mtu = mtu
        self.reversePathFilter = reversePathFilter
    }
}

/// An address of a device, with the network it stands in.
package struct LinkAddress: Hashable, Comparable, Sendable, Codable {
    package var device: String
    package var address: IPAddress
    /// Of the network: 24 in `10.1.0.1/24`.
    package var length: UInt8

    package init(device: String, address: IPAddress, length: UInt8) {
        self.device = device
        self.address = address
        self.length = length
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.device, left.address, left.length) < (right.device, right.address, right.length)
    }
}

/// The devices through which Cilium, flannel, kube-router and bridge plug-ins route a node's CIDR.
///
/// An agent reports them even when no route uses them any more, and judgement looks for the cause
/// of a lost route among them: one list, or the one would look for what the other does not say.
package let podDevices = ["cilium_host", "cni0", "cbr0", "kube-bridge", "flannel.1"]
