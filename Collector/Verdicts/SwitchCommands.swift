// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

extension SwitchSight {
    func show(_ prefix: Prefix, _ table: String = "route") -> Verification {
        facts.show(prefix, table)
    }

    func showSummary(_ family: AddressFamily) -> Verification { facts.showSummary(family) }
}

extension SwitchFacts {
    /// What a person types on the switch, in its own order of words.
    func show(_ prefix: Prefix, _ table: String = "route") -> Verification {
        let family = prefix.family == .ipv4 ? "ip" : "ipv6"
        let isDefault = vrf == "default"
        let words =
            switch dialect {
            case .nxos where table == "bgp":
                "show bgp \(prefix.family == .ipv4 ? "ipv4" : "ipv6") unicast \(prefix)"
                    + (isDefault ? "" : " vrf \(vrf)")
            case .nxos: "show \(family) \(table) \(prefix)" + (isDefault ? "" : " vrf \(vrf)")
            case .eos where table == "bgp":
                "show \(family) bgp \(prefix)" + (isDefault ? "" : " vrf \(vrf)")
            case .eos: "show \(family) \(table)" + (isDefault ? " " : " vrf \(vrf) ") + "\(prefix)"
            case .frr where table == "bgp":
                "show bgp" + (isDefault ? "" : " vrf \(vrf)")
                    + " \(prefix.family == .ipv4 ? "ipv4" : "ipv6") unicast \(prefix)"
            case .frr: "show \(family) \(table)" + (isDefault ? " " : " vrf \(vrf) ") + "\(prefix)"
            }
        return typed(words)
    }

    /// As `show`, of all neighbours of a family.
    func showSummary(_ family: AddressFamily) -> Verification {
        let words = family == .ipv4 ? "ipv4" : "ipv6"
        let isDefault = vrf == "default"
        let command =
            switch dialect {
            case .nxos: "show bgp \(words) unicast summary" + (isDefault ? "" : " vrf \(vrf)")
            case .eos:
                "show \(family == .ipv4 ? "ip" : "ipv6") bgp summary"
                    + (isDefault ? "" : " vrf \(vrf)")
            case .frr: "show bgp" + (isDefault ? "" : " vrf \(vrf)") + " \(words) unicast summary"
            }
        return typed(command)
    }

    /// FRR is reached by its host's shell, the others by their own.
    private func typed(_ words: String) -> Verification {
        Verification(on: place, dialect == .frr ? "vtysh -c '\(words)'" : words)
    }

    /// Its name, and where a person logs in to it if that is known.
    private var place: String { door.map { "\(name) (\(host(of: $0)))" } ?? name }
}
