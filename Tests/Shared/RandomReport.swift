// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Wire

/// Reports with every kind of fact, every field set to anything it can hold, the ends of its range
/// among it. Few names and prefixes, so that keys meet.
struct RandomReport {
    private var random: SeededGenerator
    let now: Timestamp

    init(seed: UInt64, now: Timestamp) {
        random = SeededGenerator(seed: seed)
        self.now = now
    }

    mutating func next() -> Report {
        var report = Report()
        report.kernel = list(1) {
            KernelStatus(isComplete: $0.flag(), watchesConnections: $0.flag())
        }
        report.links = list(6) { $0.link() }
        report.routes = list(40) { $0.route() }
        report.birds = list(2) { OfDaemon($0.name(), $0.status()) }
        report.sessions = list(8) { OfDaemon($0.name(), $0.session()) }
        report.statics = list(6) { OfDaemon($0.name(), $0.staticRoute()) }
        report.birdRoutes = list(12) { OfDaemon($0.name(), $0.birdRoute()) }
        report.exports = list(20) { OfDaemon($0.name(), $0.export()) }
        report.addresses = list(6) { random in
            let address = random.address()
            let length = random.number(UInt64(address.family.bitWidth))
            return LinkAddress(device: random.name(), address: address, length: UInt8(length))
        }
        report.rules = list(6) { $0.rule() }
        report.sort()
        return report
    }

    // MARK: - Facts

    private mutating func link() -> Link {
        Link(
            name: name(),
            index: word(),
            isAdminUp: flag(),
            hasCarrier: flag(),
            mtu: word(),
            reversePathFilter: [nil, .off, .strict, .loose][Int(number(3))]
        )
    }

    private mutating func route() -> KernelRoute {
        KernelRoute(
            prefix: prefix(),
            table: flag() ? 254 : word(),
            metric: flag() ? 0 : word(),
            destination: any(Destination.allCases),
            proto: UInt8(number(255)),
            nextHops: hops()
        )
    }

    private mutating func status() -> BIRDStatus {
        BIRDStatus(
            condition: any([
                .readable, .noSocket, .refused, .forbidden, .noAnswer, .closed, .shuttingDown,
                .malformed(name()), .malformed(""), .starting, .noDirectory, .backlogFull,
                .noGreeting, .reconfiguring, .unrestricted, .socketRemoved,
            ]),
            since: moment(),
            version: name(),
            routerID: flag() ? nil : address(),
            lastReboot: name(),
            lastReconfiguration: name(),
            isReconfiguring: flag(),
            isRecovering: flag(),
            isStaticDown: flag()
        )
    }

    private mutating func session() -> BGPSession {
        var session = BGPSession(
            name: name(),
            protocolState: any(ProtocolState.allCases),
            state: any(BGPState.allCases),
            neighbor: flag() ? nil : address(),
            neighborAS: flag() ? nil : autonomousSystem(),
            localAS: flag() ? nil : autonomousSystem(),
            since: flag() ? nil : moment()
        )
        session.lastError = name()
        session.firstError = name()
        session.message = name()
        session.isDisabled = flag()
        session.isPeerRestarting = flag()
        session.holdTime = flag() ? nil : UInt32(number(65_535))
        session.silentSince = flag() ? nil : moment()
        session.bfdState = name()
        session.restartTime = flag() ? nil : UInt32(number(4_095))
        session.channels = (0..<number(3)).map { _ in channel() }
        return session
    }

    private mutating func channel() -> BGPChannel {
        BGPChannel(
            name: name(),
            state: any([.down, .start, .up, .flushing, .unknown]),
            imported: flag() ? nil : autonomousSystem(),
            filtered: flag() ? nil : autonomousSystem(),
            exported: flag() ? nil : autonomousSystem(),
            preferred: flag() ? nil : autonomousSystem(),
            limitHit: flag(),
            isRecovering: flag()
        )
    }

    private mutating func staticRoute() -> BIRDStatic {
        let device = name()
        return BIRDStatic(
            prefix: prefix(),
            protocolName: name(),
            isDormant: flag(),
            device: device.isEmpty ? nil : device
        )
    }

    private mutating func birdRoute() -> BIRDRoute {
        BIRDRoute(
            prefix: prefix(),
            table: name(),
            protocolName: name(),
            destination: any(Destination.allCases),
            isBest: flag(),
            nextHops: hops()
        )
    }

    private mutating func export() -> Export {
        Export(
            ExportKey(uplink: name(), prefix: prefix()),
            any([
                .sent, .accepted, .rejectedByFilter, .notSent, .notInTable, .channelDown,
                .unknown(name()), .unknown(""),
            ])
        )
    }

    private mutating func rule() -> RoutingRule {
        let family: AddressFamily = flag() ? .ipv4 : .ipv6
        return RoutingRule(
            family: family,
            priority: word(),
            action: any(RoutingRule.Action.allCases),
            table: word(),
            source: flag() ? nil : prefix(),
            destination: flag() ? nil : prefix(),
            selectors: RoutingRule.Selectors(rawValue: UInt8(number(255)))
        )
    }

    // MARK: - Fields

    private mutating func list<Row>(_ most: UInt64, _ row: (inout Self) -> Row) -> [Row] {
        (0..<number(most)).map { _ in row(&self) }
    }

    private mutating func number(_ most: UInt64) -> UInt64 {
        UInt64.random(in: 0...most, using: &random)
    }
    private mutating func flag() -> Bool { Bool.random(using: &random) }
    private mutating func any<Value>(_ values: [Value]) -> Value {
        values[Int(number(UInt64(values.count - 1)))]
    }
    private mutating func word() -> UInt32 { any([0, 1, 127, 128, 254, 255, 65_536, .max]) }
    /// 0xffff_ffff is reserved (RFC 7607 has 0, RFC 6996 the last).
    private mutating func autonomousSystem() -> UInt32 { any([0, 1, 64_512, .max - 1]) }
    private mutating func moment() -> Timestamp {
        now - Int64(any([0, 1, 127, 5_000, 86_400_000]))
    }
    private mutating func name() -> String {
        any(["", "uplink0", "uplink1", "cilium_host", "größer", "a\u{0}b\"", longest])
    }
    private var longest: String { String(repeating: "x", count: WireLimit.string) }

    private mutating func address() -> IPAddress {
        any([
            Support.address("0.0.0.0"), Support.address("10.1.0.254"),
            Support.address("255.255.255.255"), Support.address("::"), Support.address("fe80::1"),
            Support.address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    }

    private mutating func prefix() -> Prefix {
        let address = address()
        let nearby = IPAddress(family: address.family, bits: address.bits ^ UInt128(number(7) << 7))
        let length = any([0, 1, 23, 24, 25, 31, 32, 48, 64, 127, 128])
        return Prefix(containing: nearby, length: length) ?? Prefix(host: nearby)
    }

    private mutating func hops() -> [NextHop] {
        list(2) { random in
            let device = random.name()
            return NextHop(
                gateway: random.flag() ? nil : random.address(),
                device: device.isEmpty ? nil : device,
                isDead: random.flag()
            )
        }
    }
}
