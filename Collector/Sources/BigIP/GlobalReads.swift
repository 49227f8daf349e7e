// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing

/// Which wide IPs lead to a unit's virtual servers, found seldom; and their states, asked for in each round.
///
/// A DNS configuration may hold thousands of wide IPs: only those that lead here are asked for their state,
/// one by one, and of many of them only as many as fit into a round.
struct GlobalReads {
    private struct Lead: Hashable {
        var type: String
        var name: String
        var pools: [String]
    }

    private var leads: [Lead] = []
    /// Members of each pool that a lead has, and the virtual server behind those that are ours.
    private var members: [String: [String: String?]] = [:]
    private var states: [String: GlobalState] = [:]
    private var memberStates: [String: [String: GlobalState]] = [:]
    private var roundsUntilSearch = 0
    private var known: [String: String] = [:]
    private var place = 0
    private var unwellPlace = 0
    private var round = 0
    /// In which round each lead was asked last.
    private var asked: [String: Int] = [:]

    /// Somebody's hand changes what leads where: every tenth round is enough.
    private static let searchRounds = 10
    private static let leastRounds = 3
    /// As many requests as a minute has seconds would be the whole of what a unit bears.
    private static let mostLeads = 20
    /// Places among them for leads that are not well.
    private static let mostUnwell = 15
    /// Pools that are asked for their members one by one, where a version does not expand the list.
    fileprivate static let mostUnexpanded = 200

    /// A round. `servers`: the unit's virtual servers.
    mutating func round(
        _ servers: [VirtualServer],
        _ reader: UnitReader
    ) async throws -> [WideIP] {
        let places = Self.places(of: servers)
        round += 1
        let isChanged = places != known && roundsUntilSearch <= Self.searchRounds - Self.leastRounds
        if roundsUntilSearch <= 0 || isChanged {
            // One that fails is not begun anew in the next round.
            roundsUntilSearch = Self.leastRounds
            try await search(places, reader)
            known = places
            roundsUntilSearch = Self.searchRounds
        }
        roundsUntilSearch -= 1
        try await ask(reader)
        return leads.compactMap(wideIP)
    }

    /// `10.50.0.10 80` → full path.
    private static func places(of servers: [VirtualServer]) -> [String: String] {
        var places: [String: String] = [:]
        for server in servers.sorted(by: { $0.name > $1.name }) {
            let address = BigIPAddress(member: server.destination)
            if let key = key(address) { places[key] = server.name }
        }
        return places
    }

    private static func key(_ address: BigIPAddress?) -> String? {
        guard let address, let host = address.address, let port = address.port else { return nil }
        return "\(host) \(port)"
    }

    // MARK: - Search

    private mutating func search(
        _ places: [String: String],
        _ reader: UnitReader
    ) async throws {
        let ours = try await virtuals(places, reader)
        var (leads, members): ([Lead], [String: [String: String?]]) = ([], [:])
        for type in try await reader.globalTypes() where !ours.isEmpty {
            let pools = try await self.pools(type, ours, reader)
            for (name, used) in try await reader.wideIPs(type: type) {
                let own = used.map { poolKey(type, $0) }.filter { pools[$0] != nil }
                if !own.isEmpty { leads.append(Lead(type: type, name: name, pools: own)) }
            }
            members.merge(pools) { _, new in new }
        }
        self.leads = leads.sorted { ($0.name, $0.type) < ($1.name, $1.type) }
        self.members = members
        states = states.filter { key, _ in leads.contains { stateKey($0) == key } }
        memberStates = memberStates.filter { members[$0.key] != nil }
    }

    /// `server:virtual` of all servers that stand for one of our virtual servers.
    private func virtuals(
        _ places: [String: String],
        _ reader: UnitReader
    ) async throws -> [String: String] {
        var ours: [String: String] = [:]
        for server in try await reader.globalServers() {
            for (name, virtual) in try await reader.virtuals(ofServer: server) {
                let keys = [virtual.translated, virtual.destination].compactMap { Self.key($0) }
                guard let own = keys.lazy.compactMap({ places[$0] }).first else { continue }
                ours[globalName(server: server, virtual: name)] = own
            }
        }
        return ours
    }

    private func pools(
        _ type: String,
        _ ours: [String: String],
        _ reader: UnitReader
    ) async throws -> [String: [String: String?]] {
        var pools: [String: [String: String?]] = [:]
        for (name, members) in try await reader.globalPools(type: type) {
            let names = members.compactMap { globalName(member: $0) }
            guard names.contains(where: { ours[$0] != nil }) else { continue }
            pools[poolKey(type, name)] = Dictionary(names.map { ($0, ours[$0]) }) { $1 }
        }
        return pools
    }

    // MARK: - States

    private mutating func ask(_ reader: UnitReader) async throws {
        guard !leads.isEmpty else { return }
        // What is not well is asked for in every round, for it is believed of two.
        let unwell = leads.filter { lead in
            (states[stateKey(lead)]?.isDown ?? true) || lead.pools.contains(where: hasLost)
        }
        let some = min(unwell.count, Self.mostUnwell)
        var due = (0..<some).map { unwell[(unwellPlace + $0) % unwell.count] }
        unwellPlace = unwell.isEmpty ? 0 : (unwellPlace + some) % unwell.count
        let count = min(leads.count, Self.mostLeads - due.count)
        due += (0..<count).map { leads[(place + $0) % leads.count] }.filter { !due.contains($0) }
        place = (place + count) % leads.count
        for lead in due {
            asked[stateKey(lead)] = round
            states[stateKey(lead)] = try await reader.state(ofWideIP: lead.name, type: lead.type)
        }
        for pool in Set(due.flatMap(\.pools)).sorted() {
            let (type, name) = poolParts(pool)
            memberStates[pool] = try await reader.states(ofGlobalPool: name, type: type)
        }
    }

    /// Whether a member of the pool that is ours is down.
    private func hasLost(_ pool: String) -> Bool {
        (memberStates[pool] ?? [:]).contains { name, state in
            state.isDown && members[pool]?[name].flatMap(\.self) != nil
        }
    }

    /// Nil where its state was not asked for yet.
    private func wideIP(_ lead: Lead) -> WideIP? {
        guard let state = states[stateKey(lead)] else { return nil }
        var all: [String: GlobalMember] = [:]
        for pool in lead.pools {
            for (name, virtual) in members[pool] ?? [:] {
                let parts = name.split(
                    separator: ":",
                    maxSplits: 1,
                    omittingEmptySubsequences: false
                )
                .map(String.init)
                all[name] = GlobalMember(
                    server: parts[0],
                    name: parts.count == 2 ? parts[1] : "",
                    virtualServer: virtual,
                    state: memberStates[pool]?[name] ?? GlobalState(availability: "unknown")
                )
            }
        }
        let members = all.sorted { $0.key < $1.key }.map(\.value)
        var wideIP = WideIP(name: lead.name, type: lead.type, state: state, members: members)
        wideIP.round = asked[stateKey(lead)] ?? 0
        return wideIP
    }

    private func stateKey(_ lead: Lead) -> String { "\(lead.type) \(lead.name)" }
}

private func poolKey(_ type: String, _ name: String) -> String { "\(type) \(name)" }

private func poolParts(_ key: String) -> (type: String, name: String) {
    let parts = key.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts[0]), String(parts[1]))
}

extension UnitReader {
    /// Types of records that lead to addresses; one empty type before 12.0; none without the DNS module.
    fileprivate func globalTypes() async throws -> [String] {
        if try await isThere("gtm/wideip/a") { return ["a", "aaaa"] }
        return try await isThere("gtm/wideip") ? [""] : []
    }

    private func isThere(_ path: String) async throws -> Bool {
        try await unlessAbsent { try decodeWideIPs(try await get("\(path)?$top=1")) } != nil
    }

    fileprivate func globalServers() async throws -> [String] {
        let rows = try await unlessAbsent {
            try await list("gtm/server", filter: nil) { try decodeServers($0) }
        }
        return (rows ?? [:]).values.sorted()
    }

    fileprivate func virtuals(ofServer server: String) async throws -> [String: ServerVirtual] {
        try await list("gtm/server/\(pathName(server))/virtual-servers", filter: nil) {
            try decodeServerVirtuals($0)
        }
    }

    /// Members by pool. Few units bear an expanded list without pages.
    fileprivate func globalPools(type: String) async throws -> [String: [String]] {
        let path = path("gtm/pool", type)
        let rows = try await list(path, filter: nil, options: "expandSubcollections=true&") {
            try decodeGlobalPools($0)
        }
        var pools: [String: [String]] = [:]
        let isExpanded = rows.values.contains { $0 != nil }
        guard isExpanded || rows.count <= GlobalReads.mostUnexpanded else {
            throw BigIPDoubt(description: "\(path): \(rows.count) pools, and no list of members")
        }
        for (name, members) in rows {
            if let members {
                pools[name] = members
            } else if isExpanded {
                // An empty list is left out.
                pools[name] = []
            } else {
                let own = "\(path)/\(pathName(name))/members"
                pools[name] = try await list(own, filter: nil) { try decodeGlobalMembers($0) }
                    .keys.sorted()
            }
        }
        return pools
    }

    fileprivate func wideIPs(type: String) async throws -> [String: [String]] {
        try await list(path("gtm/wideip", type), filter: nil) { try decodeWideIPs($0) }
    }

    fileprivate func state(ofWideIP name: String, type: String) async throws -> GlobalState? {
        try decodeWideIPState(try await get(path("gtm/wideip", type, name) + "/stats"))
    }

    fileprivate func states(
        ofGlobalPool name: String,
        type: String
    ) async throws -> [String: GlobalState] {
        let path = path("gtm/pool", type, name) + "/members/stats"
        return try decodeGlobalMemberStates(try await get(path))
    }

    /// Before 12.0 there is no type in between.
    private func path(_ head: String, _ type: String, _ name: String = "") -> String {
        [head, type, pathName(name)].filter { !$0.isEmpty }.joined(separator: "/")
    }
}
