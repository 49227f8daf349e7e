// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing
import VendorJSON

/// `gtm/server`: full paths.
func decodeServers(_ bytes: [UInt8]) throws(BigIPDecodingError) -> PageOf<String> {
    let root = try JSONValue.answer(bytes, about: "tm:gtm:server:")
    return PageOf(rows: try named(root) { name, _ in name }, page: page(root))
}

/// A server's virtual server: where it answers, as the server itself has it.
struct ServerVirtual: Hashable, Sendable {
    var destination: BigIPAddress
    /// The address before translation, where there is one.
    var translated: BigIPAddress?
}

/// `gtm/server/~P~s/virtual-servers`, by name.
func decodeServerVirtuals(_ bytes: [UInt8]) throws(BigIPDecodingError) -> PageOf<ServerVirtual> {
    let root = try JSONValue.answer(bytes, about: "tm:gtm:server:virtual-servers:")
    let rows = try named(root, by: "name") { _, row in
        let destination = BigIPAddress(member: row["destination"]?.text ?? "")
        var translated = BigIPAddress(plain: row["translationAddress"]?.text ?? "")
        let port = row["translationPort"]?.integer ?? 0
        translated.port = port == 0 ? destination.port : port
        return ServerVirtual(
            destination: destination,
            translated: translated.address == nil ? nil : translated
        )
    }
    return PageOf(rows: rows, page: page(root))
}

/// `gtm/pool/<type>`: members where they were expanded, else nil.
func decodeGlobalPools(_ bytes: [UInt8]) throws(BigIPDecodingError) -> PageOf<[String]?> {
    let root = try JSONValue.answer(bytes, about: "tm:gtm:pool:")
    let rows = try named(root) { _, row -> [String]? in
        let members = row["membersReference"]
        // A page of them is no more than a part.
        guard members?["nextLink"] == nil, let items = members?["items"]?.array else { return nil }
        return items.compactMap { $0["name"]?.text ?? $0["fullPath"]?.text }
    }
    return PageOf(rows: rows, page: page(root))
}

/// `gtm/pool/<type>/~P~p/members`: names, `server:virtual`.
func decodeGlobalMembers(_ bytes: [UInt8]) throws(BigIPDecodingError) -> PageOf<String> {
    let root = try JSONValue.answer(bytes, about: "tm:gtm:pool:")
    return PageOf(rows: try named(root, by: "name") { name, _ in name }, page: page(root))
}

/// `gtm/wideip/<type>`: full paths of their pools.
func decodeWideIPs(_ bytes: [UInt8]) throws(BigIPDecodingError) -> PageOf<[String]> {
    let root = try JSONValue.answer(bytes, about: "tm:gtm:wideip:")
    let rows = try named(root) { _, row in
        (row["pools"]?.array ?? []).compactMap { pool -> String? in
            guard let name = pool["name"]?.text else { return nil }
            return name.hasPrefix("/") ? name : "/\(pool["partition"]?.text ?? "Common")/\(name)"
        }
    }
    return PageOf(rows: rows, page: page(root))
}

/// Statistics of one wide IP. Nil for an answer without one.
package func decodeWideIPState(_ bytes: [UInt8]) throws(BigIPDecodingError) -> GlobalState? {
    try JSONValue.answer(bytes, about: "tm:gtm:wideip:").statistics().rows.first.map {
        globalState($0.fields)
    }
}

/// `gtm/pool/<type>/~P~p/members/stats`, by `server:virtual` without partitions: keys have it the other way
/// round, so the fields tell.
package func decodeGlobalMemberStates(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> [String: GlobalState] {
    var states: [String: GlobalState] = [:]
    let root = try JSONValue.answer(bytes, about: "tm:gtm:pool:")
    for row in try root.statistics().rows {
        guard let server = row.fields.field("serverName")?.text,
            let virtual = row.fields.field("vsName")?.text
        else { continue }
        states[globalName(server: server, virtual: virtual)] = globalState(row.fields)
    }
    return states
}

/// `/Common/ltm-pair` and `/Common/web` → `ltm-pair:/Common/web`: a server's partition is always Common, and
/// is left out by some.
func globalName(server: String, virtual: String) -> String {
    let own = server.hasPrefix("/") ? String(server.split(separator: "/").last ?? "") : server
    return "\(own):\(virtual)"
}

/// A member's configured name, `/Common/ltm-pair:web` or `ltm-pair:/Common/web`. Nil for a plain name, as in
/// pools of aliases.
package func globalName(member: String) -> String? {
    var name = Substring(member)
    if name.hasPrefix("/"), let end = name.dropFirst().firstIndex(of: "/") {
        name = name[name.index(after: end)...]
    }
    guard let colon = name.firstIndex(of: ":"), colon > name.startIndex,
        name.index(after: colon) < name.endIndex
    else { return nil }
    return globalName(
        server: String(name[..<colon]),
        virtual: String(name[name.index(after: colon)...])
    )
}

private func globalState(_ fields: JSONValue) -> GlobalState {
    GlobalState(
        availability: fields.word("status.availabilityState"),
        enabled: fields.word("status.enabledState"),
        reason: fields.statusReason
    )
}

/// Rows by their full path, or by another of their names; links are the same for several.
private func named<Row>(
    _ root: JSONValue,
    by key: String = "fullPath",
    _ make: (String, JSONValue) -> Row
) throws(BigIPDecodingError) -> [String: Row] {
    var rows: [String: Row] = [:]
    for (index, row) in try root.items().enumerated() {
        guard let name = row[key]?.text ?? row["name"]?.text, !name.isEmpty else {
            throw .missing("items[\(index)].\(key)")
        }
        rows[name] = make(name, row)
    }
    return rows
}
