// SPDX-License-Identifier: Apache-2.0
import Facts

/// apps/v1 Deployment, of which only those count that start the F5 controller: no label tells them, for each
/// way to install it sets others.
struct ControllerObject: ClusterObject {
    static let paths = ["/apis/apps/v1/deployments", "/apis/extensions/v1beta1/deployments"]
    static func update(_ update: WatchUpdate<F5Controller>) -> ClusterUpdate {
        .controllers(update)
    }

    struct Spec: Decodable {
        struct Template: Decodable { var spec: Pod? }
        struct Pod: Decodable { var containers: [Container]? }
        struct Container: Decodable {
            var image: String?
            var command: [String]?
            var args: [String]?
        }

        var replicas: Int?
        var template: Template?
    }

    var metadata: ObjectMetadata
    var spec: Spec?

    var facts: [String: F5Controller] {
        let containers = spec?.template?.spec?.containers ?? []
        guard let container = containers.first(where: isController),
            metadata.deletionTimestamp == nil, [metadata.name].allSatisfy(isName)
        else { return [:] }
        let flags = Flags((container.command ?? []) + (container.args ?? []))
        // In a shell's words, or in variables, they cannot be read; then nothing is said of them.
        let areRead = flags.last("bigip-url") != nil || flags.last("bigip-partition") != nil
        let type = flags.last("pool-member-type")
        return [
            metadata.key: F5Controller(
                replicas: spec?.replicas ?? 1,
                poolMemberType: type.map { $0.contains("$(") ? nil : $0 }
                    // Its own default.
                    ?? (areRead ? "nodeport" : nil),
                isInsecure: flags.isSet("insecure"),
                partitions: flags.all("bigip-partition")
            )
        ]
    }

    /// By what is run, wherever it was pulled from: `f5networks/k8s-bigip-ctlr:2.20.0`.
    private func isController(_ container: Spec.Container) -> Bool {
        let program = "k8s-bigip-ctlr"
        let image = container.image?.split(separator: "/").last
        return image?.hasPrefix(program) ?? false
            || container.command?.first?.split(separator: "/").last.map { $0 == program } ?? false
    }
}

/// Command line flags as Go's pflag reads them: `--name=value`, `--name value`, and `--name` of a switch.
private struct Flags {
    private var values: [String: [String]] = [:]

    /// What a name of a partition or a type may be long; what is longer is none.
    private static let longest = 253
    /// Flags that take no word of their own for a value.
    private static let switches: Set<String> = ["insecure"]
    /// The controller itself knows some seventy.
    private static let most = 256

    init(_ words: [String]) {
        var rest = words.prefix(Self.most)[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-") else { continue }
            let flag = word.drop { $0 == "-" }
            let parts = flag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            var value = parts.count == 2 ? String(parts[1]) : ""
            let mayFollow = parts.count == 1 && !Self.switches.contains(String(flag))
            if mayFollow, let next = rest.first, !next.hasPrefix("-") { value = next }
            guard let name = parts.first, value.utf8.count <= Self.longest else { continue }
            values[String(name), default: []].append(value)
        }
    }

    func all(_ name: String) -> [String] { values[name] ?? [] }
    /// A flag that is given twice counts as the last says.
    func last(_ name: String) -> String? { values[name]?.last }

    /// What follows a switch in a word of its own is not its value; Go's words for false.
    func isSet(_ name: String) -> Bool {
        guard let value = values[name]?.last else { return false }
        return !["0", "f", "F", "false", "FALSE", "False"].contains(value)
    }
}
