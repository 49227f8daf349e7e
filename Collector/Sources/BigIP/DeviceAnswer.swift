// SPDX-License-Identifier: Apache-2.0
package import Facts
import VendorJSON

/// A unit as `cm/device` has it.
package struct BigIPDevice: Hashable, Sendable {
    /// Full path.
    package var name: String
    package var role: LoadBalancerTable.Role
    /// It is one of several.
    package var hasPeers: Bool
}

/// `cm/device`: the unit that answers.
package func decodeDevice(_ bytes: [UInt8]) throws(BigIPDecodingError) -> BigIPDevice {
    let rows = try JSONValue.answer(bytes).items()
    // A unit alone may leave the mark out; one that says "false" is another unit.
    let alone = rows.count == 1 ? rows.first { $0["selfDevice"] == nil } : nil
    guard let own = rows.first(where: { $0["selfDevice"]?.flag == true }) ?? alone else {
        throw .missing("items[].selfDevice")
    }
    guard let state = own["failoverState"]?.text else { throw .missing("items[].failoverState") }
    return BigIPDevice(
        name: own["fullPath"]?.text ?? "/Common/\(own["name"]?.text ?? "")",
        role: LoadBalancerTable.Role(rawValue: state.lowercased()) ?? .other,
        hasPeers: rows.count > 1
    )
}

/// `sys/mcp-state`: only a running mcpd with its configuration loaded may be believed.
package func decodeMCPState(_ bytes: [UInt8]) throws(BigIPDecodingError) -> Bool {
    let rows = try JSONValue.answer(bytes).statistics().rows
    guard let row = rows.first?.fields, let phase = row.field("phase")?.text else {
        throw .missing("entries.phase")
    }
    return phase == "running"
        && (row.field("lastLoad")?.text ?? "").contains("full-config-load-succeed")
}

/// `cm/sync-status`: the device's own word, `In Sync`, `Changes Pending`, `Standalone`.
func decodeSynchronization(_ bytes: [UInt8]) throws(BigIPDecodingError) -> String {
    let rows = try JSONValue.answer(bytes).statistics().rows
    return String((rows.first?.fields.field("status")?.text ?? "").prefix(64))
}

/// `auth/partition`: each partition's default route domain.
func decodeDefaultRouteDomains(_ bytes: [UInt8]) throws(BigIPDecodingError) -> [String: Int] {
    var domains: [String: Int] = [:]
    for row in try JSONValue.answer(bytes).items() {
        guard let name = row["name"]?.text else { continue }
        domains[name] = row["defaultRouteDomain"]?.integer.flatMap { routeDomainNumber("\($0)") }
    }
    return domains
}

/// `net/route-domain`: the parent of each that has one, by number.
func decodeRouteDomains(_ bytes: [UInt8]) throws(BigIPDecodingError) -> [Int: Int] {
    var numbers: [String: Int] = [:]
    var parents: [Int: String] = [:]
    for row in try JSONValue.answer(bytes).items() {
        guard let number = row["id"]?.integer, let name = row["fullPath"]?.text else { continue }
        numbers[name] = number
        parents[number] = row["parent"]?.text
    }
    return parents.compactMapValues { numbers[$0] }
}

/// `ltm/monitor/TYPE`: time-outs in milliseconds by full path.
package func decodeMonitors(_ bytes: [UInt8]) throws(BigIPDecodingError) -> [String: Int64] {
    var timeouts: [String: Int64] = [:]
    for row in try JSONValue.answer(bytes).items() {
        // A day is longer than any monitor's time-out.
        if let name = row["fullPath"]?.text, let seconds = row["timeout"]?.integer,
            (1...86_400).contains(seconds)
        {
            timeouts[name] = Int64(seconds) * 1000
        }
    }
    return timeouts
}

/// The login's answer: the token and how long it lives by the unit's own two stamps, whatever
/// its clock says.
package func decodeLogin(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (token: String, lifetimeMilliseconds: Int64) {
    let root: JSONValue
    do throws(BigIPDecodingError) {
        root = try JSONValue.answer(bytes)
    } catch .json(.notJSON(let at, _)) {
        // The beginning of this body may hold the token, and the error ends in a log.
        throw .json(.notJSON(at: at, beginning: "the login's answer"))
    } catch {
        throw error
    }
    guard let token = root["token"], let value = token["token"]?.text, !value.isEmpty else {
        throw .missing("token.token")
    }
    return (value, lifetime(token))
}

/// Milliseconds. No unit grants a token more than 36,000 s, and 1,200 s is what every version
/// gives unless asked otherwise.
private func lifetime(_ token: JSONValue) -> Int64 {
    let end = token["expirationMicros"]?.integer ?? 0
    let (micros, overflow) = end.subtractingReportingOverflow(
        token["lastUpdateMicros"]?.integer ?? 0
    )
    if token["lastUpdateMicros"] != nil, !overflow, micros > 0 {
        return min(Int64(micros / 1000), 36_000_000)
    }
    let seconds = token["timeout"]?.integer ?? 0
    return Int64((1...36_000).contains(seconds) ? seconds : 1_200) * 1000
}
