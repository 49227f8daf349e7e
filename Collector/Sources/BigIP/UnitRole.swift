// SPDX-License-Identifier: Apache-2.0
import Facts
import VendorJSON

/// Which role a unit has for the virtual servers that are read.
///
/// A unit calls itself active if it carries any traffic group. Where there are several they may be carried by
/// different units: then those count that the virtual servers' addresses belong to.
struct UnitRole {
    private var hasSeveralGroups = false

    /// A design with more than these is none that was met; each costs a request. Its units are believed.
    private static let mostGroups = 4

    /// Groups are made by somebody's hand: asked for seldom.
    mutating func refresh(_ reader: UnitReader) async throws {
        hasSeveralGroups = try await reader.floatingGroups().count > 1
    }

    /// `groups`: of the addresses of the virtual servers.
    func read(_ groups: Set<String>, _ reader: UnitReader) async throws -> LoadBalancerTable.Role {
        let own = try await reader.device()
        let floating = groups.subtracting([localGroup])
        guard own.role == .active, own.hasPeers, hasSeveralGroups, !floating.isEmpty,
            floating.count <= Self.mostGroups
        else { return own.role }
        for group in floating.sorted() {
            let states = try await reader.permitted { try await reader.states(ofGroup: group) }
            // What the account may not see decides nothing.
            guard let state = states?[own.name] else { return own.role }
            if state == .active { return .active }
        }
        return .standby
    }
}

extension UnitReader {
    /// Those that move from unit to unit; none where the account may not see them.
    fileprivate func floatingGroups() async throws -> [String] {
        let all = try await permitted { try decodeTrafficGroups(try await get("cm/traffic-group")) }
        return (all ?? []).filter { $0 != localGroup }
    }

    /// By device, in the units' own names: `/Common/ltm-1`.
    fileprivate func states(ofGroup group: String) async throws -> [String: LoadBalancerTable.Role]
    {
        try decodeGroupStates(try await get("cm/traffic-group/\(pathName(group))/stats"))
    }
}

/// What belongs to it stays on its unit.
private let localGroup = "/Common/traffic-group-local-only"

/// `cm/traffic-group`: full paths.
func decodeTrafficGroups(_ bytes: [UInt8]) throws(BigIPDecodingError) -> [String] {
    try JSONValue.answer(bytes, about: "tm:cm:traffic-group:").items()
        .compactMap { $0["fullPath"]?.text }
}

/// `cm/traffic-group/GROUP/stats`: each device's state for the group, by the device's full path.
func decodeGroupStates(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> [String: LoadBalancerTable.Role] {
    var states: [String: LoadBalancerTable.Role] = [:]
    for row in try JSONValue.answer(bytes, about: "tm:cm:traffic-group:").statistics().rows {
        guard let device = row.fields.field("deviceName")?.text else { continue }
        let word = row.fields.word("failoverState").lowercased()
        states[device] = LoadBalancerTable.Role(rawValue: word) ?? .other
    }
    return states
}
