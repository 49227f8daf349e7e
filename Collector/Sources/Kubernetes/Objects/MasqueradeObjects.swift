// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing
import Yams

/// v1 ConfigMap `cilium-config`: whom pods reach with their own addresses. The keys are Cilium's own, those of
/// before 1.11 and 1.9 among them.
struct CiliumSettingsObject: ClusterObject {
    static let paths = ["/api/v1/configmaps"]
    static let fieldSelector: String? = "metadata.name=cilium-config"
    static func update(_ update: WatchUpdate<Masquerading>) -> ClusterUpdate {
        .ciliumSettings(update)
    }

    var metadata: ObjectMetadata
    var data: [String: String]?

    var facts: [String: Masquerading] {
        let rules: [(AddressFamily, MasqueradeRule?)] = [
            (
                .ipv4,
                rule(
                    ["ipv4-native-routing-cidr", "native-routing-cidr"],
                    unless: ["enable-ipv4-masquerade", "masquerade"]
                )
            ),
            (.ipv6, rule(["ipv6-native-routing-cidr"], unless: ["enable-ipv6-masquerade"])),
        ]
        // Of an object that says nothing it is known that it does so.
        return [
            metadata.key: Masquerading(
                Dictionary(
                    uniqueKeysWithValues: rules.compactMap { family, rule in
                        rule.map { (family, $0) }
                    }
                ),
                asksAgent: isTrue(data?["enable-ip-masq-agent"] ?? "")
            )
        ]
    }

    private func rule(_ names: [String], unless switches: [String]) -> MasqueradeRule? {
        let isOff = switches.compactMap { data?[$0] }.first.map { !isTrue($0) } ?? false
        guard !isOff, let name = names.first(where: { !(data?[$0] ?? "").isEmpty }),
            let network = data?[name].flatMap({ Prefix(lenient: $0) })
        else { return nil }
        return MasqueradeRule(setting: name, networks: [network])
    }

    private func isTrue(_ word: String) -> Bool { ["true", "1", "t"].contains(word.lowercased()) }
}

/// v1 ConfigMap `ip-masq-agent`: YAML or JSON in text.
struct MasqueradeAgentObject: ClusterObject {
    static let paths = ["/api/v1/configmaps"]
    static let fieldSelector: String? = "metadata.name=ip-masq-agent"
    static func update(_ update: WatchUpdate<Masquerading>) -> ClusterUpdate {
        .masqueradeAgents(update)
    }

    var metadata: ObjectMetadata
    var data: [String: String]?

    private static let setting = "nonMasqueradeCIDRs"
    /// Its agent takes 64 at most; a file is some lines.
    private static let (most, longest) = (1_000, 64 << 10)

    var facts: [String: Masquerading] {
        // Anybody may have a ConfigMap of this name, and a few lines of aliases unfold without end.
        guard let text = data?["config"], text.utf8.count <= Self.longest,
            !text.utf8.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "&") }),
            let listed = (try? Yams.compose(yaml: text))?[Self.setting]?.sequence,
            listed.count <= Self.most
        else { return [metadata.key: Masquerading()] }
        let networks = listed.compactMap { $0.string.flatMap { Prefix(lenient: $0) } }
        return [
            metadata.key: Masquerading(
                Dictionary(grouping: networks, by: \.family).mapValues {
                    MasqueradeRule(setting: Self.setting, networks: $0)
                }
            )
        ]
    }
}
