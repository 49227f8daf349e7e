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

/// Everything the configuration file says, checked. Paths are absolute.
struct Configuration: Sendable {
    struct Agents: Sendable {
        var host: String
        var port: UInt16
        var files: TLSFiles
        /// Nil: every agent has a certificate.
        var tokens: AgentTokens?
        var staleAfter: Int64
    }

    struct HTTP: Sendable {
        var host = "127.0.0.1"
        var port = 10_480
        /// Whether operators may silence by the API.
        var acceptsWrites = false
        /// Where the page stands for browsers that may write: `https://podpath.example`.
        var origins: [String] = []
        /// Who may come in and how, and the file that says it, which is read again when it changes.
        var security = WebSecurity()
        var securityFile: String?
    }

    struct Lease: Sendable, Hashable {
        var namespace: String
        var name: String
        /// This collector's, which no other has.
        var identity: String
    }

    struct Memory: Sendable {
        /// Nil: what is remembered ends with the process.
        var path: String?
        var retention = Retention()
    }

    struct Switch: Sendable {
        /// How it is asked.
        enum Way: Sendable {
            case command([String], SwitchFormat)
            case nxapi(Door, NXAPIEnvelope)
            case eapi(Door)
        }

        struct Door: Sendable {
            var url: String
            var account: SwitchHTTP.Account
            var ca: String?
        }

        var name: String
        var neighbors: [IPAddress]
        /// Where the pod CIDRs should be.
        var vrf = "default"
        /// Nil where the switch tells by itself.
        var way: Way?
        var every: Int64 = 15_000
        /// How many of its next hops a CIDR must have.
        var paths = SwitchFacts.PathsExpected.seen
        /// Where its BMP comes from.
        var bmp: IPAddress?
        /// Where its BGP session comes from.
        var bgp: IPAddress?

        /// Whose commands people type there; one that only feeds is an FRR as likely as any.
        var dialect: SwitchFacts.Dialect {
            switch way {
            case .command(_, .frrJSON): .frr
            case .command(_, .eosJSON), .eapi: .eos
            case .command, .nxapi: .nxos
            case nil: bgp == nil ? .frr : .nxos
            }
        }

        /// Where it is asked, or comes from.
        var door: String? {
            switch way {
            case .nxapi(let door, _), .eapi(let door): door.url
            case .command, nil: (bmp ?? bgp)?.description
            }
        }

        /// The ways by which it is read, with the time between two reads, in milliseconds.
        var ways: [SwitchWay: Int64] {
            var ways: [SwitchWay: Int64] = [:]
            if way != nil { ways[.polled] = every }
            if bmp != nil { ways[.bmp] = feedPeriod }
            if bgp != nil { ways[.bgp] = feedPeriod }
            return ways
        }
    }

    /// A speaker that listens and never announces.
    struct BGP: Sendable {
        var host: String
        var port: UInt16
        var identity: BGPListenerFeed.Identity
    }

    struct BigIP: Sendable {
        var units: [String]
        var username: String
        var password: Secret
        var ca: String?
        var partitions: [String]
        var every: Int64
    }

    struct LoadBalancer: Sendable {
        var name: String
        /// Where its units send their log from.
        var syslogFrom: [IPAddress] = []
        var podsVia: PodsVia
        var hasGTM: Bool
        var bigip: BigIP
    }

    struct SinkConfiguration: Sendable {
        enum Target: Sendable {
            case stdout(StandardOutput.Format)
            case command([String])
            case slack(Credential)
            case mattermost(Credential)
            case teams(Credential)
            case dingTalk(DingTalk, Credential)
            case weCom(Credential)
            case feishu(Feishu, Credential)
            case matrix(Matrix, Credential)
            case alertmanager([String], Account?, every: Int64)
            case pagerDuty(Credential, url: String)
            case webhook(Credential, Account?)
        }

        /// As the file names them.
        static let targets = [
            "stdout", "command", "slack", "mattermost", "teams", "dingtalk", "wecom", "feishu",
            "matrix", "alertmanager", "pagerduty", "webhook",
        ]

        var name: String
        var filter: SinkFilter
        var wording: Wording
        var target: Target
        /// Nil: as the environment says.
        var proxy: ForwardProxy?
        /// A PEM file; nil: what the system trusts.
        var ca: String?
    }

    var cluster: String
    var podCIDRs: [Prefix]
    var agents: Agents?
    var http = HTTP()
    var intentSource: IntentSource
    var nodesFile: String?
    /// The API server that is watched, if any.
    var kubernetes: ClusterAccess?
    var switches: [Switch] = []
    /// Where switches bring their BMP to.
    var bmp: (host: String, port: UInt16)?
    var bgp: BGP?
    /// Where BIG-IPs send their log to.
    var syslog: (host: String, port: UInt16)?
    var loadBalancers: [LoadBalancer] = []
    var policy = AlertPolicy()
    /// By which several collectors agree who of them tells; nil: this one does.
    var lease: Lease?
    var store = Memory()
    var sinks: [SinkConfiguration] = []
}

extension Configuration {
    static func read(path: String) throws(FileError) -> Configuration {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw FileError(file: path, line: nil, reason: "cannot be read")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return try ConfigurationReader(folder: folder).read(try Tree(parsing: text, file: path))
    }

    /// Without what is already in the rules' own patience.
    var ledgerPolicy: AlertPolicy {
        var policy = policy
        for kind in [Kind.ltmMemberMissing, .ltmMemberStale] { policy.holds[kind] = nil }
        return policy
    }

    /// What is believed before any source has spoken.
    func emptySnapshot(startedAt now: Timestamp) -> Snapshot { Snapshot(site, startedAt: now) }

    var site: WatchedSite {
        var site = WatchedSite(
            cluster: cluster,
            podSupernets: podCIDRs,
            agentStaleAfter: agents?.staleAfter ?? 15_000,
            intentSource: intentSource,
            hasAgents: agents != nil,
            hasKubernetes: kubernetes != nil,
            // For these kinds the patience is the hold, of each pod by itself.
            memberPatience: policy.holds[.ltmMemberMissing] ?? Kind.ltmMemberMissing.entry.hold
        )
        site.switches = switches.map { item in
            WatchedSite.Switch(
                name: item.name,
                neighbors: item.neighbors,
                door: item.door,
                vrf: item.vrf,
                dialect: item.dialect,
                paths: item.paths,
                ways: item.ways.mapValues { patience($0) }
            )
        }
        site.loadBalancers = loadBalancers.map { item in
            WatchedSite.LoadBalancer(
                name: item.name,
                podsVia: item.podsVia,
                hasGTM: item.hasGTM,
                units: item.bigip.units,
                staleAfter: patience(item.bigip.every)
            )
        }
        return site
    }

    /// Two periods and a time-out: a single lost poll makes nothing stale. The time-out follows
    /// short periods down to 5 s, so that a lab need not wait half a minute: TCP asks for the third
    /// time after 3 s.
    private func patience(_ every: Int64) -> Int64 { 2 * every + min(30_000, max(5_000, every)) }
}
