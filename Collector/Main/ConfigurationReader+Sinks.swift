// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Incidents
import KubernetesSource
import OperatorSource
import Sinks
import Verdicts

/// Who is told, and how.
extension ConfigurationReader {
    func readAlerts(
        _ tree: Tree,
        _ configuration: inout Configuration
    ) throws(FileError) {
        let keys = try tree.mapping(
            "hold",
            "repeat",
            "calm",
            "link",
            "language",
            "contacts",
            "lease",
            "sinks"
        )
        for (name, hold) in try keys["hold"]?.entries() ?? [:] {
            guard let kind = Kind(rawValue: name) else { throw hold.error("no such kind") }
            configuration.policy.holds[kind] = try hold.duration()
        }
        if let reminder = try keys["repeat"]?.duration() {
            configuration.policy.reminder = reminder
        }
        if let calm = try keys["calm"]?.duration() { configuration.policy.calm = calm }
        if let lease = keys["lease"] { configuration.lease = try readLease(lease, configuration) }
        let wording = try readWording(keys)
        for item in try keys["sinks"]?.list() ?? [] {
            let sink = try readSink(item, wording)
            guard !configuration.sinks.contains(where: { $0.name == sink.name }) else {
                throw item.error("another sink has the name \(sink.name) too")
            }
            configuration.sinks.append(sink)
        }
    }

    private func readLease(
        _ tree: Tree,
        _ configuration: Configuration
    ) throws(FileError) -> Configuration.Lease {
        let keys = try tree.mapping("namespace", "name", "identity")
        guard configuration.kubernetes != nil else {
            throw tree.error(
                "\"lease\" needs \"kubernetes: { kubeconfig: FILE }\" or \"nodes: { from: kubernetes }\""
            )
        }
        let environment = ProcessInfo.processInfo.environment
        let lease = Configuration.Lease(
            namespace: try keys["namespace"]?.text() ?? ClusterAccess.ownNamespace ?? "podpath",
            name: try keys["name"]?.text() ?? "podpath-collector",
            identity: try keys["identity"]?.text() ?? environment["POD_NAME"]
                ?? ProcessInfo.processInfo.hostName
        )
        for text in [lease.namespace, lease.name, lease.identity]
        where text.wholeMatch(of: /[a-z0-9]([a-z0-9.\-]{0,251}[a-z0-9])?/) == nil {
            throw tree.error("\(text) is no name: small letters, digits, dots and hyphens")
        }
        return lease
    }

    private func readWording(_ keys: [String: Tree]) throws(FileError) -> Wording {
        var wording = Wording()
        if let link = keys["link"] { wording.link = try webAddress(link) }
        if let language = keys["language"] { wording.language = try readLanguage(language) }
        for (name, contact) in try keys["contacts"]?.entries() ?? [:] {
            guard let owner = Owner(rawValue: name) else {
                let names = Owner.allCases.map(\.rawValue).joined(separator: ", ")
                throw contact.error("one of \(names) is expected")
            }
            wording.contacts[owner] = try contact.text()
        }
        return wording
    }

    private func readLanguage(_ tree: Tree) throws(FileError) -> Language {
        guard let language = Language(rawValue: try tree.text()) else {
            throw tree.error("en or zh is expected")
        }
        return language
    }

    private func readSink(
        _ tree: Tree,
        _ wording: Wording
    ) throws(FileError) -> Configuration.SinkConfiguration {
        let targets = Configuration.SinkConfiguration.targets
        let keys = try tree.mapping(
            ["name", "only", "language", "proxy", "proxy-auth-file", "ca"] + targets
        )
        let named = targets.filter { keys[$0] != nil }
        guard named.count == 1, let target = named.first, let part = keys[target] else {
            throw tree.error("one of \(targets.joined(separator: ", ")) is expected")
        }
        var sink = Configuration.SinkConfiguration(
            name: try required("name", keys, tree).text(),
            filter: try keys["only"].map { tree throws(FileError) in try readFilter(tree) }
                ?? SinkFilter(),
            wording: wording,
            target: try readTarget(target, part)
        )
        if let language = keys["language"] { sink.wording.language = try readLanguage(language) }
        sink.proxy = try readProxy(keys)
        if let ca = keys["ca"] {
            let file = try path(ca)
            guard FileManager.default.isReadableFile(atPath: file) else {
                throw ca.error("cannot be read")
            }
            sink.ca = file
        }
        return sink
    }

    private func readProxy(_ keys: [String: Tree]) throws(FileError) -> ForwardProxy? {
        guard let tree = keys["proxy"] else {
            if let stray = keys["proxy-auth-file"] { throw stray.error("there is no \"proxy\"") }
            return nil
        }
        guard let plain = ForwardProxy(try tree.text()) else {
            throw tree.error("http://HOST:PORT is expected")
        }
        guard plain.account == nil else {
            throw tree.error("a password belongs into \"proxy-auth-file\", as NAME:PASSWORD")
        }
        guard let secret = try secret("proxy-auth", keys) else { return plain }
        return ForwardProxy(try tree.text(), account: .init(secret))
    }

    private func readTarget(
        _ name: String,
        _ tree: Tree
    ) throws(FileError) -> Configuration.SinkConfiguration.Target {
        switch name {
        case "stdout": return .stdout(try readFormat(tree))
        case "command":
            return .command(try words(try required("run", try tree.mapping("run"), tree)))
        case "alertmanager": return try readAlertmanager(tree)
        case "pagerduty":
            let keys = try tree.mapping("routing-key-file", "routing-key-env", "url")
            return .pagerDuty(
                try requiredCredential("routing-key", keys, tree),
                url: try keys["url"].map { tree throws(FileError) in
                    try webAddress(tree, isBase: false)
                }
                    ?? PagerDuty.standardURL
            )
        case "webhook":
            let keys = try tree.mapping(["url-file", "url-env", "url"] + Self.accountKeys)
            // An address that is no secret may stand in the open.
            if let open = keys["url"], keys["url-file"] != nil || keys["url-env"] != nil {
                throw open.error("the address stands twice")
            }
            let address: Credential =
                if let open = keys["url"] {
                    .value(Secret(try webAddress(open, isBase: false)))
                } else {
                    try requiredCredential("url", keys, tree)
                }
            return .webhook(address, try readAccount(keys, tree))
        default: return try readChat(name, tree)
        }
    }

    private func readFormat(_ tree: Tree) throws(FileError) -> StandardOutput.Format {
        let word = try tree.mapping("format")["format"]
        guard let format = StandardOutput.Format(rawValue: try word?.text() ?? "text") else {
            throw (word ?? tree).error("text or json is expected")
        }
        return format
    }

    private func readChat(
        _ name: String,
        _ tree: Tree
    ) throws(FileError) -> Configuration.SinkConfiguration.Target {
        let hook = ["webhook-file", "webhook-env"]
        switch name {
        case "dingtalk":
            let keys = try tree.mapping(
                hook + ["secret-file", "secret-env", "keyword", "at-mobiles"]
            )
            let robot = DingTalk(
                secret: try credential("secret", keys),
                keyword: try keys["keyword"]?.text(),
                mobiles: try keys["at-mobiles"].map { tree throws(FileError) in
                    try mobiles(tree)
                } ?? []
            )
            return .dingTalk(robot, try requiredCredential("webhook", keys, tree))
        case "feishu":
            let keys = try tree.mapping(hook + ["secret-file", "secret-env", "keyword"])
            let bot = Feishu(
                secret: try credential("secret", keys),
                keyword: try keys["keyword"]?.text()
            )
            return .feishu(bot, try requiredCredential("webhook", keys, tree))
        case "matrix":
            let keys = try tree.mapping("server", "room", "token-file", "token-env")
            let room = Matrix(
                server: try webAddress(try required("server", keys, tree)),
                room: try roomID(try required("room", keys, tree))
            )
            return .matrix(room, try requiredCredential("token", keys, tree))
        default:
            let address = try requiredCredential("webhook", try tree.mapping(hook), tree)
            return switch name {
            case "wecom": .weCom(address)
            case "mattermost": .mattermost(address)
            case "teams": .teams(address)
            default: .slack(address)
            }
        }
    }

    /// An alias may come to mean another room.
    private func roomID(_ tree: Tree) throws(FileError) -> String {
        let id = try tree.text()
        guard id.hasPrefix("!") else { throw tree.error("a room's id, !ID:SERVER, is expected") }
        return id
    }

    /// Digits alone: they are called by being written into the text.
    private func mobiles(_ tree: Tree) throws(FileError) -> [String] {
        let numbers = try words(tree)
        guard numbers.count <= 50 else { throw tree.error("at most 50") }
        guard numbers.allSatisfy({ $0.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "+") } })
        else { throw tree.error("mobile numbers are expected") }
        return numbers
    }

    private func readAlertmanager(
        _ tree: Tree
    ) throws(FileError) -> Configuration.SinkConfiguration.Target {
        let keys = try tree.mapping(["urls", "every"] + Self.accountKeys)
        var urls: [String] = []
        for item in try required("urls", keys, tree).list() { urls.append(try webAddress(item)) }
        guard !urls.isEmpty else { throw tree.error("an empty list") }
        return .alertmanager(
            urls,
            try readAccount(keys, tree),
            every: try period(keys["every"], default: 60_000)
        )
    }

    private static let accountKeys = [
        "username", "password-file", "password-env", "token-file", "token-env",
    ]

    private func readAccount(
        _ keys: [String: Tree],
        _ tree: Tree
    ) throws(FileError) -> Account? {
        let words = keys.filter { ["password-file", "password-env"].contains($0.key) }
        if let token = try credential("token", keys) {
            guard keys["username"] == nil, words.isEmpty else {
                throw tree.error("a token, or a name and a password")
            }
            return .bearer(token)
        }
        guard let username = keys["username"] else {
            if let word = words.values.first { throw word.error("\"username\" is missing") }
            return nil
        }
        return .basic(
            username: try username.text(),
            password: try requiredCredential("password", keys, tree)
        )
    }

    private func readFilter(_ tree: Tree) throws(FileError) -> SinkFilter {
        let keys = try tree.mapping("severity", "kind", "node", "switch", "cluster")
        var filter = SinkFilter()
        for item in try keys["severity"]?.list() ?? [] {
            guard let severity = Severity(rawValue: try item.text()) else {
                throw item.error("critical, warning or info is expected")
            }
            filter.severities.insert(severity)
        }
        for item in try keys["kind"]?.list() ?? [] {
            guard let kind = Kind(rawValue: try item.text()) else {
                throw item.error("no such kind")
            }
            filter.kinds.insert(kind)
        }
        filter.nodes = try keys["node"].map { tree throws(FileError) in try words(tree) } ?? []
        filter.switches = try keys["switch"].map { tree throws(FileError) in try words(tree) } ?? []
        filter.clusters =
            try keys["cluster"].map { tree throws(FileError) in try words(tree) } ?? []
        return filter
    }

    /// `http://…` or `https://…`; one that paths are added to without a slash at its end.
    private func webAddress(_ tree: Tree, isBase: Bool = true) throws(FileError) -> String {
        let text = try tree.text()
        guard let parts = URLComponents(string: text), let scheme = parts.scheme,
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty
        else { throw tree.error("http://… or https://… is expected") }
        guard parts.user == nil else { throw tree.error("no name and password belong here") }
        return isBase && text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private func requiredCredential(
        _ name: String,
        _ keys: [String: Tree],
        _ tree: Tree
    ) throws(FileError) -> Credential {
        guard let credential = try credential(name, keys) else {
            throw tree.error("\"\(name)-file\" is missing")
        }
        return credential
    }

    /// A file must be there already: what is missing is said at the start, not with the first alert.
    private func credential(
        _ name: String,
        _ keys: [String: Tree]
    ) throws(FileError) -> Credential? {
        guard let secret = try secret(name, keys) else { return nil }
        let tree = keys["\(name)-file"] ?? keys["\(name)-env"]
        guard !secret.reveal().isEmpty else {
            throw tree?.error("is empty")
                ?? FileError(file: "", line: nil, reason: "\(name) is empty")
        }
        guard let file = keys["\(name)-file"] else { return .value(secret) }
        guard keys["\(name)-env"] == nil else { throw file.error("the secret stands twice") }
        return .file(try path(file))
    }
}
