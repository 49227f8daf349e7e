// SPDX-License-Identifier: Apache-2.0
package import Facts
import VendorJSON

/// `cm/device`: the failover state of the unit that answers.
package func decodeDeviceRole(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> LoadBalancerTable.Role {
    let rows = try JSONValue.answer(bytes).items()
    guard
        let own = rows.first(where: { $0["selfDevice"]?.flag == true })
            ?? (rows.count == 1 ? rows.first : nil)
    else { throw .missing("the unit's own device") }
    guard let state = own["failoverState"]?.text else { throw .missing("failoverState") }
    return LoadBalancerTable.Role(rawValue: state.lowercased()) ?? .other
}

/// `sys/mcp-state`: only a running mcpd with its configuration loaded may be believed.
package func decodeMCPState(_ bytes: [UInt8]) throws(BigIPDecodingError) -> Bool {
    let rows = try JSONValue.answer(bytes).statistics()
    guard let row = rows.first else { throw .missing("phase") }
    let load = row.field("lastLoad")?.text ?? ""
    return row.field("phase")?.text == "running" && load.contains("succeed")
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
    let root = try JSONValue.answer(bytes)
    guard let token = root["token"], let value = token["token"]?.text, !value.isEmpty else {
        throw .missing("token")
    }
    if let end = token["expirationMicros"]?.integer, let start = token["lastUpdateMicros"]?.integer,
        end > start
    {
        return (value, Int64((end - start) / 1000))
    }
    // 1200 s is what every version gives unless asked otherwise.
    return (value, Int64(token["timeout"]?.integer ?? 1_200) * 1000)
}
