// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

// Of each node whose agent is believed now, what explains more than it breaks:
// 1. strict reverse-path filtering on an uplink by which packets come whose answers leave by another;
// 2. an uplink or pod device whose MTU is another than on most nodes;
// 3. a clock that differs from ours.

extension World {
    /// The node's addresses in the network of an uplink's neighbour, with their devices.
    func addresses(towards session: BGPSession, _ facts: NodeFacts) -> [LinkAddress] {
        guard let neighbor = session.neighbor else { return [] }
        return facts.kernel.addresses.filter {
            Prefix(containing: $0.address, length: Int($0.length))?.contains(neighbor) ?? false
        }
    }

    func devices(of session: BGPSession, _ facts: NodeFacts) -> [String] {
        guard !facts.kernel.addresses.isEmpty else { return [] }
        return Set(addresses(towards: session, facts).map(\.device)).sorted()
    }
}

// MARK: - rp-filter-strict

func strictFilters(
    _ node: NodeSight,
    _ facts: NodeFacts,
    in world: World
) -> [Finding] {
    guard facts.kernel.isComplete,
        facts.kernel.links.values.contains(where: { $0.reversePathFilter == .strict })
    else { return [] }
    guard let all = Prefix(containing: IPAddress(family: .ipv4, bits: 0), length: 0) else {
        return []
    }
    let defaults = facts.kernel.routes(to: all)
    let outward = Set(defaults.flatMap(\.nextHops).filter { !$0.isDead }.compactMap(\.device))
    guard !outward.isEmpty else { return [] }
    let name = node.name
    let uplinks = node.uplinks.map(\.session).filter { $0.neighbor?.family == .ipv4 }
    let strict = uplinks.flatMap { session in
        world.devices(of: session, facts).filter { device in
            facts.kernel.links[device]?.reversePathFilter == .strict && !outward.contains(device)
        }
    }
    let way = outward.sorted().joined(separator: ", ")
    return Set(strict).sorted().map { device in
        Finding(
            .rpFilterStrict,
            node: name,
            what: "rp_filter is strict on \(device) and the default route leaves by \(way):"
                + " \(device) drops what comes from addresses that no route sends out by \(device)",
            evidence: [
                Evidence("agent \(name)", "rp_filter \(device)", "1", at: facts.lastHeard),
                Evidence("agent \(name)", "default route", "dev \(way)", at: facts.lastHeard),
            ],
            verify: [
                Verification(
                    on: name,
                    "sysctl net/ipv4/conf/all/rp_filter \(shellWord("net/ipv4/conf/\(device)/rp_filter"))",
                    shows: "the greater of the two is 1: strict"
                )
            ]
        )
    }
}

// MARK: - mtu-differs

struct MTU: Sendable {
    var node: String
    var device: String
    /// Devices are compared that have the same place on the way: the uplink of a session, or a pod device.
    var place: String
    var value: UInt32
    var at: Timestamp
}

extension MTU {
    /// `uplink1`, `eth1, the way of uplink1,`
    fileprivate var words: String { device == place ? device : "\(device), the way of \(place)," }
}

/// Three alike make what is usual.
private let leastAlike = 3

func unusualMTUs(_ all: [MTU]) -> [Finding] {
    Dictionary(grouping: all, by: \.place).sorted { $0.key < $1.key }.flatMap { _, some in
        let counts = Dictionary(grouping: some, by: \.value).mapValues(\.count)
        guard let usual = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
            usual.value >= leastAlike, usual.value * 2 > some.count
        else { return [Finding]() }
        return some.filter { $0.value != usual.key }.map { finding($0, usual.key, usual.value) }
    }
}

func mtus(_ node: NodeSight, _ facts: NodeFacts, in world: World) -> [MTU] {
    let uplinks = node.uplinks.flatMap { uplink in
        world.devices(of: uplink.session, facts).map { (uplink.session.name, $0) }
    }
    let places = uplinks + podDevices.map { ($0, $0) }
    return places.compactMap { place, device in
        guard let link = facts.kernel.links[device], link.mtu > 0 else { return nil }
        return MTU(
            node: node.name,
            device: device,
            place: place,
            value: link.mtu,
            at: facts.lastHeard
        )
    }
}

private func finding(_ mtu: MTU, _ usual: UInt32, _ count: Int) -> Finding {
    Finding(
        .mtuDiffers,
        node: mtu.node,
        what: "the MTU of \(mtu.words) is \(mtu.value), on \(count) nodes it is \(usual):"
            + " large packets may be lost, small ones pass",
        evidence: [
            Evidence("agent \(mtu.node)", "MTU \(mtu.device)", "\(mtu.value)", at: mtu.at),
            Evidence("agents", "MTU \(mtu.place) on \(count) nodes", "\(usual)", at: nil),
        ],
        verify: [
            Verification(
                on: mtu.node,
                "ip link show \(shellWord(mtu.device))",
                shows: "mtu \(mtu.value)"
            )
        ]
    )
}

// MARK: - clock-skew

/// FAULTS.md: more than 5 s.
private let clockTolerance: Int64 = 5_000

func wrongClock(_ name: String, _ facts: NodeFacts) -> Finding? {
    guard let ahead = facts.clockAhead, abs(ahead) > clockTolerance else { return nil }
    let words = "\(abs(ahead) / 1_000) s \(ahead > 0 ? "ahead of" : "behind") the collector's"
    return Finding(
        .clockSkew,
        node: name,
        what: "its clock is \(words)",
        evidence: [Evidence("agent \(name)", "clock", words, at: facts.lastHeard)],
        verify: [
            Verification(
                on: name,
                "timedatectl",
                shows: "synchronized: no, if this clock is wrong"
            ),
            Verification(on: "collector", "timedatectl", shows: "no, if the collector's is"),
        ]
    )
}
