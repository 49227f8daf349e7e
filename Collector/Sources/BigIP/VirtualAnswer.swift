// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing
import VendorJSON

/// What `ltm/virtual/stats` tells of one virtual server.
package struct VirtualState: Sendable {
    package var availability: String
    package var enabled: String?
    package var reason: String
}

/// `ltm/virtual/stats` by full path.
package func decodeVirtualStates(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (states: [String: VirtualState], page: Page) {
    var states: [String: VirtualState] = [:]
    for row in try JSONValue.answer(bytes, about: "tm:ltm:virtual:").statistics().rows {
        guard let name = row.fields.field("tmName")?.text else { continue }
        states[name] = VirtualState(
            availability: row.fields.word("status.availabilityState"),
            enabled: row.fields.field("status.enabledState")?.text.map { String($0.prefix(64)) },
            reason: row.fields.statusReason
        )
    }
    return (states, try decodePage(bytes))
}

/// `ltm/virtual`, with the states of `ltm/virtual/stats` where those were read.
package func decodeVirtualRows(
    _ bytes: [UInt8],
    states: [String: VirtualState]
) throws(BigIPDecodingError) -> (servers: [VirtualServer], page: Page, problems: [String]) {
    let root = try JSONValue.answer(bytes, about: "tm:ltm:virtual:")
    var servers: [VirtualServer] = []
    var problems: [String] = []
    for (index, row) in try root.items().enumerated() {
        guard let server = virtualServer(row, states) else {
            problems.append("items[\(index)].fullPath: missing")
            continue
        }
        servers.append(server)
    }
    return (servers.sorted { $0.name < $1.name }, try decodePage(bytes), problems)
}

private func virtualServer(_ row: JSONValue, _ states: [String: VirtualState]) -> VirtualServer? {
    guard let name = row["fullPath"]?.text, !name.isEmpty else { return nil }
    let isDisabled = row["disabled"]?.flag == true || row["enabled"]?.flag == false
    return VirtualServer(
        name: name,
        destination: row["destination"]?.text ?? "",
        pool: row["pool"]?.text,
        availability: "unknown",
        enabled: isDisabled ? "disabled" : "enabled",
        reason: "",
        translation: String((row["sourceAddressTranslation"]?["type"]?.text ?? "").prefix(32))
    ).with(states[name])
}

extension VirtualServer {
    /// As statistics tell it; without them as it is configured.
    func with(_ state: VirtualState?) -> VirtualServer {
        guard let state else { return self }
        var server = self
        (server.availability, server.reason) = (state.availability, state.reason)
        server.enabled = state.enabled ?? enabled
        return server
    }
}

/// Where a virtual server's address stands in `ltm/virtual-address`.
struct VirtualAddressKey: Hashable {
    var partition: String
    var address: IPAddress
    var routeDomain: Int?

    /// Nil for what is no address, as `any`.
    init?(partition: String, _ address: BigIPAddress) {
        guard let host = address.address else { return nil }
        (self.partition, self.address) = (partition, host)
        routeDomain = address.routeDomain
    }

    /// `/K8S/10.50.0.10:80`.
    init?(destination: String) {
        let partition = destination.split(separator: "/").first.map(String.init) ?? ""
        self.init(partition: partition, BigIPAddress(member: destination))
    }
}

struct VirtualAddressRow: Sendable {
    var address: BigIPAddress
    var value: VirtualAddress
}

/// `ltm/virtual-address`. Of a version that does not tell one of the settings it is as by default.
func decodeVirtualAddresses(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> PageOf<VirtualAddressRow> {
    let root = try JSONValue.answer(bytes, about: "tm:ltm:virtual-address:")
    var rows: [String: VirtualAddressRow] = [:]
    for row in try root.items() {
        guard let name = row["fullPath"]?.text, let text = row["address"]?.text else { continue }
        let advertisement = row["routeAdvertisement"]?.text ?? "disabled"
        rows[name] = VirtualAddressRow(
            address: BigIPAddress(plain: text),
            value: VirtualAddress(
                name: name,
                isEnabled: !(row["enabled"]?.text == "no" || row["enabled"]?.flag == false),
                answersARP: row["arp"]?.text != "disabled",
                isAdvertised: advertisement != "disabled",
                trafficGroup: row["trafficGroup"]?.text ?? ""
            )
        )
    }
    return PageOf(rows: rows, page: page(root))
}

/// `ltm/virtual/stats` alone: states without the configuration's pool names.
func decodeVirtualStats(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (servers: [VirtualServer], problems: [String]) {
    let statistics = try JSONValue.answer(bytes, about: "tm:ltm:virtual:").statistics()
    var problems = statistics.problems
    var servers: [VirtualServer] = []
    for row in statistics.rows {
        guard let name = row.fields.field("tmName")?.text else {
            problems.append("\(row.place).tmName: missing")
            continue
        }
        servers.append(
            VirtualServer(
                name: name,
                destination: row.fields.field("destination")?.text ?? "",
                pool: nil,
                availability: row.fields.word("status.availabilityState"),
                enabled: row.fields.word("status.enabledState"),
                reason: row.fields.statusReason
            )
        )
    }
    return (servers.sorted { $0.name < $1.name }, problems)
}
