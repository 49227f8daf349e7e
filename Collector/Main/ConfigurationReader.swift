// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Incidents
import KubernetesSource
import OperatorSource
import Routing
import Sinks
import Store
import SwitchDialects
import SwitchSource
import TLS
import Verdicts

/// From the file's tree to a `Configuration`; every refusal names file, line and key.
struct ConfigurationReader {
    let folder: String

    func read(_ tree: Tree) throws(FileError) -> Configuration {
        let keys = try tree.mapping(
            "cluster",
            "pod-cidrs",
            "agents",
            "http",
            "nodes",
            "kubernetes",
            "switches",
            "bmp",
            "syslog",
            "bgp",
            "load-balancers",
            "alerts",
            "store"
        )
        guard let cidrs = keys["pod-cidrs"] else { throw tree.error("\"pod-cidrs\" is missing") }
        var configuration = Configuration(
            cluster: try keys["cluster"]?.text() ?? "default",
            podCIDRs: [],
            intentSource: .agents
        )
        for item in try cidrs.list() { configuration.podCIDRs.append(try item.prefix()) }
        if let agents = keys["agents"] { configuration.agents = try readAgents(agents) }
        if let http = keys["http"] { configuration.http = try readHTTP(http) }
        if let nodes = keys["nodes"] { try readNodes(nodes, &configuration) }
        let isWatched = configuration.intentSource == .kubernetes
        if let kubernetes = keys["kubernetes"] {
            configuration.kubernetes = try readKubernetes(kubernetes)
        } else if isWatched, let nodes = keys["nodes"] {
            configuration.kubernetes = try reached(nodes) { () throws(ClusterAccessError) in
                try .inCluster()
            }
        }
        if configuration.agents?.tokens != nil, configuration.kubernetes == nil,
            let agents = keys["agents"]
        {
            throw agents.error(
                "\"tokens\" need the API server that makes them: \"kubernetes: {}\", or \"nodes: { from: kubernetes }\""
            )
        }
        try readListeners(keys, &configuration)
        for item in try keys["switches"]?.list() ?? [] {
            let read = try readSwitch(item)
            guard read.bmp == nil || configuration.bmp != nil else {
                throw item.error("\"bmp\" needs \"bmp: { listen: … }\" beside \"switches\"")
            }
            guard read.bgp == nil || configuration.bgp != nil else {
                throw item.error("\"bgp\" needs \"bgp: { listen: … }\" beside \"switches\"")
            }
            if let double = double(of: read, among: configuration.switches) {
                throw item.error("another switch has \(double) too")
            }
            configuration.switches.append(read)
        }
        for item in try keys["load-balancers"]?.list() ?? [] {
            let read = try readLoadBalancer(item)
            guard !configuration.loadBalancers.contains(where: { $0.name == read.name }) else {
                throw item.error("another load balancer has the name \(read.name) too")
            }
            guard read.syslogFrom.isEmpty || configuration.syslog != nil else {
                throw item.error(
                    "\"syslog\" needs \"syslog: { listen: … }\" beside \"load-balancers\""
                )
            }
            let heard = configuration.loadBalancers.flatMap(\.syslogFrom)
            if let double = read.syslogFrom.first(where: heard.contains) {
                throw item.error("another load balancer's syslog comes from \(double) too")
            }
            configuration.loadBalancers.append(read)
        }
        if let alerts = keys["alerts"] { try readAlerts(alerts, &configuration) }
        configuration.store = try readStore(keys["store"])
        return configuration
    }

    // MARK: - Listeners

    private func readAgents(_ tree: Tree) throws(FileError) -> Configuration.Agents {
        let keys = try tree.mapping(
            "listen",
            "certificate",
            "key",
            "client-ca",
            "tokens",
            "stale-after"
        )
        let (host, port) = try address(try required("listen", keys, tree))
        let tokens = try keys["tokens"].map { tree throws(FileError) in try readTokens(tree) }
        guard tokens != nil || keys["client-ca"] != nil else {
            throw tree.error(
                "\"client-ca\" or \"tokens\" is missing: by what agents prove their nodes"
            )
        }
        var files = TLSFiles(
            ca: try keys["client-ca"].map { tree throws(FileError) in try path(tree) },
            certificate: try path(try required("certificate", keys, tree)),
            key: try path(try required("key", keys, tree))
        )
        files.mayOmitCertificate = tokens != nil
        return Configuration.Agents(
            host: host,
            port: port,
            files: files,
            tokens: tokens,
            staleAfter: try keys["stale-after"]?.duration() ?? 15_000
        )
    }

    private func readTokens(_ tree: Tree) throws(FileError) -> AgentTokens {
        let keys = try tree.mapping("audience", "service-account")
        var tokens = AgentTokens()
        if let audience = keys["audience"] {
            tokens.audience = try audience.text()
            guard !tokens.audience.isEmpty else { throw audience.error("an audience is expected") }
        }
        guard let account = keys["service-account"] else { return tokens }
        let name = /([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)\/([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)/
        guard let match = try account.text().wholeMatch(of: name) else {
            throw account.error("NAMESPACE/NAME is expected")
        }
        (tokens.namespace, tokens.serviceAccount) = (String(match.1), String(match.3))
        return tokens
    }

    private func readHTTP(_ tree: Tree) throws(FileError) -> Configuration.HTTP {
        let keys = try tree.mapping("listen", "writes", "origins", "web-config-file")
        let (host, port) = try address(try required("listen", keys, tree))
        var http = Configuration.HTTP(
            host: host,
            port: Int(port),
            acceptsWrites: try keys["writes"]?.flag() ?? false,
            origins: try origins(keys["origins"])
        )
        if let file = keys["web-config-file"] {
            let path = try path(file)
            (http.security, http.securityFile) = (try WebSecurity.read(path: path), path)
        }
        return http
    }

    /// As browsers say it: a scheme, a name, and a port where it is not the scheme's own.
    private func origins(_ tree: Tree?) throws(FileError) -> [String] {
        var origins: [String] = []
        for item in try tree?.list() ?? [] {
            let text = try item.text()
            guard text.wholeMatch(of: /https?:\/\/[a-z0-9.\-]+(:[0-9]{1,5})?/) != nil else {
                throw item.error("an origin is https://NAME or https://NAME:PORT, in small letters")
            }
            origins.append(text)
        }
        return origins
    }

    /// Where nothing is said: in the directory that systemd gives a service for its state, if it gives one.
    private func readStore(_ tree: Tree?) throws(FileError) -> Configuration.Memory {
        var store = Configuration.Memory()
        let keys = try tree?.mapping("path", "keep", "size") ?? [:]
        if let file = keys["path"] {
            store.path = try path(file)
        } else if let folder = ProcessInfo.processInfo.environment["STATE_DIRECTORY"] {
            store.path = "\(folder.split(separator: ":").first ?? "")/podpath.sqlite"
        }
        if let keep = keys["keep"] { store.retention.age = try keep.duration() }
        if let size = keys["size"] {
            guard let megabytes = Int64(try size.text()), (1...1_000_000).contains(megabytes) else {
                throw size.error("a number of megabytes is expected")
            }
            store.retention.size = megabytes << 20
        }
        return store
    }

    /// What switches come to by themselves.
    private func readListeners(
        _ keys: [String: Tree],
        _ configuration: inout Configuration
    ) throws(FileError) {
        if let syslog = keys["syslog"] {
            let parts = try syslog.mapping("listen")
            configuration.syslog = try address(try required("listen", parts, syslog))
        }
        if let bmp = keys["bmp"] {
            let parts = try bmp.mapping("listen")
            configuration.bmp = try address(try required("listen", parts, bmp))
        }
        guard let bgp = keys["bgp"] else { return }
        let parts = try bgp.mapping("listen", "local-as", "router-id")
        let (host, port) = try address(try required("listen", parts, bgp))
        let local = try required("local-as", parts, bgp)
        guard let asn = UInt32(try local.text()), asn > 0 else {
            throw local.error("an AS number is expected")
        }
        let id = try required("router-id", parts, bgp)
        let routerID = try ipAddress(id)
        guard routerID.family == .ipv4 else { throw id.error("an IPv4 address is expected") }
        configuration.bgp = Configuration.BGP(
            host: host,
            port: port,
            identity: BGPListenerFeed.Identity(asn: asn, routerID: routerID)
        )
    }

    private func address(_ tree: Tree) throws(FileError) -> (String, UInt16) {
        let text = try tree.text()
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw tree.error("ADDRESS:PORT is expected") }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host.isEmpty ? "0.0.0.0" : host, port)
    }

    // MARK: - Sources

    private func readNodes(
        _ tree: Tree,
        _ configuration: inout Configuration
    ) throws(FileError) {
        let keys = try tree.mapping("from", "file")
        let from = try required("from", keys, tree)
        guard let source = IntentSource(rawValue: try from.text()) else {
            throw from.error("kubernetes, file or agents is expected")
        }
        configuration.intentSource = source
        guard source == .file else { return }
        configuration.nodesFile = try path(try required("file", keys, tree))
    }

    /// Beside `nodes: { from: kubernetes }`, or to know the pods while nodes come from elsewhere.
    private func readKubernetes(_ tree: Tree) throws(FileError) -> ClusterAccess {
        let keys = try tree.mapping("kubeconfig")
        guard let file = keys["kubeconfig"] else {
            return try reached(tree) { () throws(ClusterAccessError) in try .inCluster() }
        }
        let path = try path(file)
        return try reached(file) { () throws(ClusterAccessError) in try .kubeconfig(path: path) }
    }

    private func reached(
        _ tree: Tree,
        _ access: () throws(ClusterAccessError) -> ClusterAccess
    ) throws(FileError) -> ClusterAccess {
        do {
            return try access()
        } catch {
            throw tree.error("\(error)")
        }
    }

    func ipAddress(_ tree: Tree) throws(FileError) -> IPAddress {
        guard let address = IPAddress(try tree.text()) else {
            throw tree.error("an address is expected")
        }
        return address
    }

    private func readLoadBalancer(_ tree: Tree) throws(FileError) -> Configuration.LoadBalancer {
        let keys = try tree.mapping("name", "bigip", "pods-via", "gtm", "syslog")
        var via = PodsVia.defaultGateway
        if let tree = keys["pods-via"] {
            guard let choice = PodsVia(rawValue: try tree.text()) else {
                throw tree.error("one of \(PodsVia.allCases.map(\.rawValue)) is expected")
            }
            via = choice
        }
        var read = Configuration.LoadBalancer(
            name: try required("name", keys, tree).text(),
            podsVia: via,
            hasGTM: try keys["gtm"]?.flag() ?? false,
            bigip: try readBigIP(try required("bigip", keys, tree))
        )
        if let syslog = keys["syslog"] {
            let parts = try syslog.mapping("from")
            for item in try required("from", parts, syslog).list() {
                read.syslogFrom.append(try ipAddress(item))
            }
        }
        return read
    }

    private func readBigIP(_ tree: Tree) throws(FileError) -> Configuration.BigIP {
        let keys = try tree.mapping(
            "units",
            "username",
            "password-file",
            "password-env",
            "ca",
            "partitions",
            "every"
        )
        let units = try words(try required("units", keys, tree))
        guard Set(units).count == units.count else { throw tree.error("a unit stands twice") }
        guard !units.contains(where: holdsAccount) else {
            throw tree.error("\"units\": no name and password belong here")
        }
        guard let secret = try secret("password", keys) else {
            throw tree.error("\"password-file\" is missing")
        }
        return Configuration.BigIP(
            units: units,
            username: try required("username", keys, tree).text(),
            password: secret,
            ca: try keys["ca"].map { tree throws(FileError) in try path(tree) },
            partitions: try words(try required("partitions", keys, tree)),
            every: try period(keys["every"], default: 60_000)
        )
    }

    // MARK: - Values

    func required(
        _ key: String,
        _ keys: [String: Tree],
        _ tree: Tree
    ) throws(FileError) -> Tree {
        guard let value = keys[key] else { throw tree.error("\"\(key)\" is missing") }
        return value
    }

    func words(_ tree: Tree) throws(FileError) -> [String] {
        var words: [String] = []
        for item in try tree.list() { words.append(try item.text()) }
        guard !words.isEmpty else { throw tree.error("an empty list") }
        return words
    }

    /// A device is asked once a second at the very most.
    func period(_ tree: Tree?, default standard: Int64) throws(FileError) -> Int64 {
        guard let tree else { return standard }
        let period = try tree.duration()
        guard period >= 1_000 else { throw tree.error("at least 1s") }
        return period
    }

    func path(_ tree: Tree) throws(FileError) -> String {
        let text = try tree.text()
        return text.hasPrefix("/") ? text : folder + "/" + text
    }

    /// From `NAME-file` or `NAME-env`, never inline.
    func secret(_ name: String, _ keys: [String: Tree]) throws(FileError) -> Secret? {
        if let tree = keys["\(name)-env"] {
            guard let value = ProcessInfo.processInfo.environment[try tree.text()] else {
                throw tree.error("that environment variable is not set")
            }
            return Secret(value)
        }
        guard let tree = keys["\(name)-file"] else { return nil }
        guard let text = try? String(contentsOfFile: try path(tree), encoding: .utf8) else {
            throw tree.error("cannot be read")
        }
        return Secret(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
