// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// What a unit that does not carry traffic would lack if it had to, beside the one that does, in this order:
/// 1. the active unit or the other not believable, or without two reads → nothing;
/// 2. pools or members that two reads of the active one have and two reads of the other lack;
/// 3. pod CIDRs that the active one has a usable route to and the other, twice, has not;
/// 4. members that are up on the active one and down on the other, twice: its own way to them is cut.
/// All → ltm-unit-differs, one for each such unit.
///
/// `inDoubt`: pools that the units do not have alike, be it for a moment, by load balancer.
func unitFindings(in world: World) -> (findings: [Finding], inDoubt: [String: Set<String>]) {
    var findings: [Finding] = []
    var inDoubt: [String: Set<String>] = [:]
    for facts in world.snapshot.loadBalancers.values.sorted(by: { $0.name < $1.name }) {
        guard facts.units.count > 1, let name = facts.activeUnitName(at: world.now),
            let active = facts.units[name], active.previous != nil
        else { continue }
        for (unit, readings) in facts.units.sorted(by: { $0.key < $1.key }) {
            guard unit != name, readings.freshness(at: world.now) == .fresh,
                let difference = UnitDifference(active, readings)
            else { continue }
            inDoubt[facts.name, default: []].formUnion(difference.inDoubt)
            if let one = finding(difference, facts, unit, readings, in: world) {
                findings.append(one)
            }
        }
    }
    return (findings, inDoubt.filter { !$0.value.isEmpty })
}

private func finding(
    _ difference: UnitDifference,
    _ facts: LoadBalancerFacts,
    _ unit: String,
    _ readings: Readings<LoadBalancerTable>,
    in world: World
) -> Finding? {
    let prefixes = world.paths.map(\.prefix)
    let routes = world.sight(of: facts.name)?.routes.unreachable(from: unit, of: prefixes) ?? []
    let words = [
        count(difference.pools, "pool", "pools").map { "lacks \($0)" },
        count(difference.members, "member", "members").map { "lacks \($0)" },
        count(routes, "pod CIDR", "pod CIDRs").map { "has no usable route to \($0)" },
        count(difference.down, "member", "members").map { "cannot reach \($0)" },
    ].compactMap(\.self)
    guard !words.isEmpty else { return nil }
    let table = difference.table
    let what = words.joined(separator: ", ")
    let isDownAlone = difference.pools.isEmpty && difference.members.isEmpty && routes.isEmpty
    var examples = difference.pools + difference.members.map(text) + routes.map(\.description)
    examples += difference.down.map(text)
    let active = facts.activeUnitName(at: world.now) ?? ""
    var finding = Finding(
        .ltmUnitDiffers,
        loadBalancer: facts.name,
        what: "unit \(facts.place(of: unit)) (\(table.role.rawValue)) \(what)",
        evidence: [
            Evidence(facts.name, "unit \(facts.place(of: unit))", what, at: readings.latest?.at),
            Evidence(
                facts.name,
                "unit \(facts.place(of: active)) (active)",
                isDownAlone ? "reaches them" : "has them",
                at: facts.units[active]?.latest?.at
            ),
            Evidence(
                facts.name,
                "for example",
                examples.prefix(4).joined(separator: ", "),
                at: readings.latest?.at
            ),
        ] + synchronization(table, facts.name, readings),
        verify: [unit, active].flatMap { place in
            difference.commands(withRoutes: !routes.isEmpty).map {
                Verification(on: login(facts.name, unit: place), $0)
                    .showing(
                        place == unit ? lacking(isDownAlone) : isDownAlone ? "them up" : "all of it"
                    )
            }
        } + [
            Verification(on: login(facts.name, unit: unit), "tmsh show cm sync-status")
                .showing(table.synchronization.isEmpty ? nil : table.synchronization)
        ],
        // A read more, for the two are not read at one moment and the one is written after the other; and
        // their monitors need not agree before both have waited for their time-out.
        hold: readings.staleAfter / 3 + (isDownAlone ? table.monitorTimeout : 0)
    )
    finding.source = unit
    return finding
}

private func lacking(_ isDownAlone: Bool) -> String {
    isDownAlone
        ? "members down that are up on the active one" : "not all of what the active one shows"
}

private func synchronization(
    _ table: LoadBalancerTable,
    _ name: String,
    _ readings: Readings<LoadBalancerTable>
) -> [Evidence] {
    guard !table.synchronization.isEmpty else { return [] }
    return [
        Evidence(name, "configuration sync", table.synchronization, at: readings.latest?.at)
    ]
}

private func count<Element>(_ elements: [Element], _ one: String, _ many: String) -> String? {
    elements.isEmpty ? nil : "\(elements.count) \(elements.count == 1 ? one : many)"
}

private func text(_ member: PoolSocket) -> String {
    "\(member.pool) \(socketText(member.socket.address, member.socket.port))"
}

/// What the active unit has and the other has not, of two reads each.
private struct UnitDifference {
    let table: LoadBalancerTable
    private(set) var pools: [String] = []
    private(set) var members: [PoolSocket] = []
    /// Up on the active unit, down on the other.
    private(set) var down: [PoolSocket] = []
    /// Pools that are not alike now.
    private(set) var inDoubt: Set<String> = []

    /// Nil where one of the two has not been read twice.
    init?(_ active: Readings<LoadBalancerTable>, _ other: Readings<LoadBalancerTable>) {
        guard let latest = active.latest, let before = active.previous, let table = other.latest,
            let previous = other.previous
        else { return nil }
        self.table = table.value
        let read = latest.value.partitions.intersection(table.value.partitions)
        for (name, pool) in latest.value.pools.sorted(by: { $0.key < $1.key }) {
            let isRead = read.contains { name.hasPrefix("/\($0)/") }
            guard isRead, before.value.pools[name] != nil, latest.value.unreadPools[name] == nil,
                table.value.unreadPools[name] == nil, previous.value.unreadPools[name] == nil,
                // One that was listed and whose turn did not come is there.
                !table.value.awaitedPools.contains(name),
                !previous.value.awaitedPools.contains(name)
            else { continue }
            guard let theirs = table.value.pools[name] else {
                if previous.value.pools[name] == nil { pools.append(name) }
                continue
            }
            compare(pool, theirs, name)
        }
    }

    private mutating func compare(
        _ own: LoadBalancerPool,
        _ theirs: LoadBalancerPool,
        _ name: String
    ) {
        guard own.members != theirs.members else { return }
        let (now, held) = (own.sockets, theirs.sockets)
        if now != held { inDoubt.insert(name) }
        // What the active one got after the other was asked is no difference.
        guard let before = own.previousSockets, let theirsBefore = theirs.previousSockets,
            let shown = own.previousBegan, let asked = theirs.began, asked >= shown
        else { return }
        let lacking = now.intersection(before).subtracting(held).subtracting(theirsBefore)
        members += sorted(lacking, name)
        let (up, upBefore) = (own.members.states, (own.previous ?? []).states)
        let (dead, deadBefore) = (theirs.members.states, (theirs.previous ?? []).states)
        let unreached = held.filter {
            up[$0] == true && upBefore[$0] == true && dead[$0] == false && deadBefore[$0] == false
        }
        down += sorted(unreached, name)
    }

    /// What shows it on either unit.
    func commands(withRoutes: Bool) -> [String] {
        let pool = pools.first ?? members.first?.pool ?? down.first?.pool
        return (pool.map { [showMembers(of: $0)] } ?? []) + (withRoutes ? [listRoutes] : [])
    }

    private func sorted(_ sockets: Set<ServiceEndpoints.Socket>, _ pool: String) -> [PoolSocket] {
        sockets.sorted { ($0.address, $0.port) < ($1.address, $1.port) }
            .map { PoolSocket(pool: pool, socket: $0) }
    }
}

extension [PoolMember] {
    /// What monitors proved, by socket.
    fileprivate var states: [ServiceEndpoints.Socket: Bool] {
        var states: [ServiceEndpoints.Socket: Bool] = [:]
        for member in self {
            guard let socket = member.socket, let isUp = member.isUp else { continue }
            states[socket] = isUp
        }
        return states
    }
}

extension PodsVia {
    /// The unit's own configuration says how it reaches the pods.
    var isByRoute: Bool { self != .notChecked }
}
