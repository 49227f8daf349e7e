// SPDX-License-Identifier: Apache-2.0
import Facts

/// What a unit is configured with: its pools and virtual servers, of which statistics tell the names and the
/// states. That changes by somebody's hand: of many, a list is asked for anew when statistics name others than
/// it does, and after some rounds.
struct Inventory {
    private var pools = Listing<BigIPPool>()
    private var servers = Listing<VirtualServer>()
    private var addresses = Listing<(VirtualAddressKey, VirtualAddress)>()
    private let partitions: [String]

    /// More than these are not listed in each round: so many fit into one page.
    static let few = 50
    /// A virtual server that got another pool or address under its old name is seen as late as that.
    static let rounds = 5

    init(partitions: [String]) { self.partitions = partitions }

    var hasManyPools: Bool { pools.rows.count > Self.few }

    /// `named`: what statistics name, in any partition; nil where they were not asked. `known`: pools that are
    /// missed if they are not listed.
    mutating func pools(
        named: Set<String>?,
        known: Set<String>,
        _ reader: UnitReader
    ) async throws -> [BigIPPool] {
        if let named, pools.isCurrent(own(named)), known.isSubset(of: named) { return pools.rows }
        var rows: [BigIPPool] = []
        for partition in partitions { rows += try await reader.pools(of: partition) }
        pools = Listing(rows, names: Set(rows.map(\.fullPath)))
        return rows
    }

    /// Of the addresses of the virtual servers.
    mutating func trafficGroups(_ reader: UnitReader) async throws -> Set<String> {
        if !addresses.isCurrent([]) {
            var rows = try await virtualAddresses(reader)
            // Where there were some, none is a word to be repeated.
            if rows.isEmpty, !addresses.rows.isEmpty { rows = try await virtualAddresses(reader) }
            addresses = Listing(rows.map { ($0, $1) }, names: [])
        }
        return Set(addresses.rows.map(\.1.trafficGroup).filter { !$0.isEmpty })
    }

    private func virtualAddresses(
        _ reader: UnitReader
    ) async throws -> [VirtualAddressKey: VirtualAddress] {
        var rows: [VirtualAddressKey: VirtualAddress] = [:]
        for partition in partitions {
            rows.merge(try await reader.virtualAddresses(of: partition)) { first, _ in first }
        }
        return rows
    }

    /// With the states that they are in now.
    mutating func virtualServers(_ reader: UnitReader) async throws -> [VirtualServer] {
        let states = try await reader.virtualStates()
        if !servers.isCurrent(own(Set(states.keys))) {
            var rows: [VirtualServer] = []
            for partition in partitions { rows += try await reader.virtualServers(of: partition) }
            servers = Listing(rows, names: Set(rows.map(\.name)))
        }
        let addresses = Dictionary(addresses.rows) { first, _ in first }
        return servers.rows.map { server in
            var server = server.with(states[server.name])
            let key = VirtualAddressKey(destination: server.destination)
            server.address = key.flatMap { addresses[$0] }
            return server
        }
    }

    private func own(_ names: Set<String>) -> Set<String> {
        names.filter { name in partitions.contains { name.hasPrefix("/\($0)/") } }
    }
}

private struct Listing<Row> {
    private(set) var rows: [Row] = []
    private var names: Set<String> = []
    private var roundsLeft = 0

    init() {}

    init(_ rows: [Row], names: Set<String>) {
        (self.rows, self.names) = (rows, names)
        roundsLeft = rows.count > Inventory.few ? Inventory.rounds - 1 : 0
    }

    /// Asked once a round.
    mutating func isCurrent(_ named: Set<String>) -> Bool {
        guard roundsLeft > 0, named == names else { return false }
        roundsLeft -= 1
        return true
    }
}
