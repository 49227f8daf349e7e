// SPDX-License-Identifier: Apache-2.0
package import Routing

/// The F5 controller as an apps/v1 Deployment starts it. Of its arguments only these are kept: others hold
/// passwords.
package struct F5Controller: Sendable, Hashable, Codable {
    package var replicas: Int
    /// `cluster`, `nodeport`, …; nil where its arguments cannot be read.
    package var poolMemberType: String?
    /// It takes any certificate for the BIG-IP's.
    package var isInsecure: Bool
    /// That it writes.
    package var partitions: [String]

    package init(
        replicas: Int = 1,
        poolMemberType: String? = "cluster",
        isInsecure: Bool = false,
        partitions: [String] = []
    ) {
        self.replicas = replicas
        self.poolMemberType = poolMemberType
        self.isInsecure = isInsecure
        self.partitions = partitions
    }
}

/// Networks in which pods are seen with their own addresses; to all else a node puts its own for theirs.
package struct MasqueradeRule: Sendable, Hashable, Codable {
    /// What the networks are called where they are set: `ipv4-native-routing-cidr`.
    package var setting: String
    /// Of one family.
    package var networks: [Prefix]

    package init(setting: String, networks: [Prefix]) {
        self.setting = setting
        self.networks = networks
    }
}

/// What one ConfigMap says of masquerading.
package struct Masquerading: Sendable, Hashable, Codable {
    /// By family; nothing of one that is not masqueraded, or of which the ConfigMap is silent.
    package var rules: [AddressFamily: MasqueradeRule]
    /// What ip-masq-agent's ConfigMap adds counts too.
    package var asksAgent: Bool

    package init(_ rules: [AddressFamily: MasqueradeRule] = [:], asksAgent: Bool = false) {
        self.rules = rules
        self.asksAgent = asksAgent
    }
}
