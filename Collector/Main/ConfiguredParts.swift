// SPDX-License-Identifier: Apache-2.0
import AgentSource
import BigIPSource
import Facts
import KubernetesSource
import OperatorSource
import Routing
import Sinks
import SwitchDialects
import SwitchSource
import Wire

extension Configuration {
    /// The switches that come by themselves, with the address they come from.
    func feeding(from address: KeyPath<Switch, IPAddress?>) -> [FeedingSwitch] {
        switches.compactMap { item in
            item[keyPath: address].map {
                FeedingSwitch(name: item.name, address: $0, vrf: item.vrf)
            }
        }
    }

    /// Nil for a switch that is not asked.
    func poller(of item: Switch) -> SwitchPoller? {
        let families = Set(podCIDRs.map(\.family)).sorted()
        let reader: any SwitchReader
        switch item.way {
        case nil: return nil
        case .command(let arguments, let format):
            reader = CommandReader(arguments, format: format)
        case .nxapi(let door, let envelope):
            reader = NXAPIReader(door.http, families: families, envelope: envelope)
        case .eapi(let door): reader = EAPIReader(door.http, families: families)
        }
        return SwitchPoller(name: item.name, reader: reader, period: item.every)
    }

    /// Nil where agents bring no tokens. Must be closed.
    var tokenReviewer: TokenReviewer? {
        get throws {
            guard let tokens = agents?.tokens, let access = kubernetes else { return nil }
            return TokenReviewer(try ClusterClient(access), tokens)
        }
    }

    var bigIPPollers: [BigIPPoller] {
        loadBalancers.flatMap { item in item.bigip.units.map { item.poller(of: $0) } }
    }
}

extension TokenReviews {
    init(_ reviewer: TokenReviewer, post: @escaping @Sendable (FactUpdate) -> Void) {
        self.init(
            review: { token in
                await reviewer.review(Secret(String(decoding: token.reveal(), as: UTF8.self)))
            },
            tell: { post(.tokenReviews(failure: $0)) }
        )
    }
}

extension Configuration.LoadBalancer {
    func poller(of unit: String) -> BigIPPoller {
        let client = BigIPClient(
            unit: unit,
            username: bigip.username,
            password: bigip.password,
            ca: bigip.ca
        )
        return BigIPPoller(
            name: name,
            unit: unit,
            client: client,
            scope: ReadScope(partitions: bigip.partitions, podsVia: podsVia, hasGTM: hasGTM),
            period: bigip.every
        )
    }
}

extension Configuration.Switch.Door {
    fileprivate var http: SwitchHTTP { SwitchHTTP(url: url, account: account, ca: ca) }
}

extension ReadResult<[String: NodeIntent]> {
    var summary: String {
        switch self {
        case .read(let nodes): "\(nodes.count) nodes"
        case .failed(let reason): reason
        }
    }
}
