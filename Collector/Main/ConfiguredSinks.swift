// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Facts
import Foundation
import Incidents
import Routing
import Sinks

/// The sinks of a configuration, made.
struct ConfiguredSinks {
    /// What a sink needs of the running collector.
    struct Surroundings: Sendable {
        var clock: @Sendable () -> Timestamp
        /// Open incidents that each sink was told of by an earlier collector.
        var told: [String: Set<String>] = [:]
        var incidents: [Incident] = []
    }

    private(set) var all: [any Sink] = []
    private var doors: [SinkDoor] = []
    private let surroundings: Surroundings

    init(_ configurations: [Configuration.SinkConfiguration], _ surroundings: Surroundings) {
        self.surroundings = surroundings
        for item in configurations { all.append(make(item)) }
    }

    func shutDown() async {
        for door in doors { try? await door.client.shutdown() }
    }

    private mutating func make(_ item: Configuration.SinkConfiguration) -> any Sink {
        switch item.target {
        case .stdout(let format):
            StandardOutput(name: item.name, format: format, language: item.wording.language)
        case .command(let arguments): Command(name: item.name, arguments: arguments)
        case .slack(let address): chat(item, Slack(), address)
        case .mattermost(let address): chat(item, Mattermost(), address)
        case .teams(let address): chat(item, Teams(), address)
        case .dingTalk(let robot, let address): chat(item, robot, address)
        case .weCom(let address): chat(item, WeCom(), address)
        case .feishu(let bot, let address): chat(item, bot, address)
        case .matrix(let room, let token): chat(item, room, token, at: room.server)
        case .alertmanager(let urls, let account, let every):
            alertmanager(item, urls, account, every)
        case .pagerDuty(let key, let url):
            PagerDuty(
                name: item.name,
                routingKey: key,
                url: url,
                wording: item.wording,
                door: door(item, to: url)
            )
        case .webhook(let address, let account):
            Webhook(
                name: item.name,
                address: address,
                account: account,
                door: door(item, to: revealed(address))
            )
        }
    }

    private mutating func chat<Dialect: ChatDialect>(
        _ item: Configuration.SinkConfiguration,
        _ dialect: Dialect,
        _ address: Credential,
        at server: String? = nil
    ) -> any Sink {
        ChatSink(
            name: item.name,
            dialect,
            address: address,
            wording: item.wording,
            door: door(item, to: server ?? revealed(address)),
            timeOfDay: { wallClockMilliseconds() }
        )
    }

    private mutating func alertmanager(
        _ item: Configuration.SinkConfiguration,
        _ urls: [String],
        _ account: Account?,
        _ every: Int64
    ) -> any Sink {
        let told = surroundings.told[item.name] ?? []
        let alarm = Alarm()
        return Alertmanager(
            name: item.name,
            instances: urls.map { .init(url: $0, account: account, door: door(item, to: $0)) },
            link: item.wording.link,
            every: every,
            firing: surroundings.incidents.filter { $0.state == .firing && told.contains($0.id) },
            clock: surroundings.clock,
            timeOfDay: { wallClockMilliseconds() },
            pause: { await alarm.sleep(milliseconds: $0) }
        )
    }

    private mutating func door(
        _ item: Configuration.SinkConfiguration,
        to address: String
    ) -> SinkDoor {
        let environment = ProcessInfo.processInfo.environment
        let proxy = item.proxy ?? .fromEnvironment(for: address, environment)
        let door = SinkDoor(proxy: proxy, ca: item.ca)
        doors.append(door)
        return door
    }

    /// For the choice of a proxy only.
    private func revealed(_ address: Credential) -> String {
        (try? address.secret())?.reveal() ?? ""
    }
}
