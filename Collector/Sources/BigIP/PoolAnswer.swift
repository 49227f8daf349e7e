// SPDX-License-Identifier: Apache-2.0
package import Facts
import Routing
import VendorJSON

/// A pool of the configuration.
package struct BigIPPool: Hashable, Sendable {
    package var fullPath: String
    package var partition: String
    /// As the unit spells it: `/Common/http `, `/P/a and /P/b`, `min 1 of { … }`; empty for none.
    package var monitor: String
}

/// What a page says of the pages after it.
package struct Page: Hashable, Sendable {
    package var totalItems: Int?
    package var hasMore: Bool
}

/// `ltm/pool`: a page of the collection, or one pool.
package func decodePools(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (pools: [BigIPPool], page: Page, problems: [String]) {
    let root = try JSONValue.answer(bytes)
    let isOne = root["items"] == nil && root["fullPath"] != nil
    let rows = isOne ? [root] : try root.items()
    var pools: [BigIPPool] = []
    var problems: [String] = []
    for (index, row) in rows.enumerated() {
        guard let fullPath = row["fullPath"]?.text else {
            problems.append("items[\(index)]: fullPath is missing")
            continue
        }
        let partition = row["partition"]?.text ?? String(fullPath.split(separator: "/").first ?? "")
        pools.append(
            BigIPPool(
                fullPath: fullPath,
                partition: partition,
                monitor: row["monitor"]?.text ?? ""
            )
        )
    }
    // nextLink's host and encoding vary; that it is there is all that counts.
    let page = Page(totalItems: root["totalItems"]?.integer, hasMore: root["nextLink"] != nil)
    return (pools, page, problems)
}

/// `ltm/pool/~P~pool/members/stats`.
package func decodeMemberStats(
    _ bytes: [UInt8],
    pool: String
) throws(BigIPDecodingError) -> (members: [PoolMember], problems: [String]) {
    let rows = try JSONValue.answer(bytes).statistics()
    var members: [PoolMember] = []
    var problems: [String] = []
    for row in rows {
        if row["nodeName"] == nil, row["addr"] == nil, row["activeMemberCnt"] != nil {
            throw .poolLevel
        }
        guard let member = member(row, pool: pool) else {
            problems.append("a member without address and port")
            continue
        }
        members.append(member)
    }
    return (members.sorted(by: isBefore), problems)
}

private func member(_ row: JSONValue, pool: String) -> PoolMember? {
    guard let port = row.field("port")?.integer else { return nil }
    let written = row.field("addr")?.text ?? row.field("nodeName")?.text ?? ""
    guard !written.isEmpty else { return nil }
    let named = BigIPAddress(plain: written.split(separator: "/").last ?? "")
    return PoolMember(
        pool: row.field("poolName")?.text ?? pool,
        address: named.address,
        routeDomain: named.routeDomain,
        port: port,
        availability: row.field("status.availabilityState")?.text ?? "unknown",
        enabled: row.field("status.enabledState")?.text ?? "unknown",
        session: row.field("sessionStatus")?.text ?? "unknown",
        monitor: row.field("monitorStatus")?.text ?? "unknown",
        reason: trimmed(row.field("status.statusReason")?.text ?? "")
    )
}

/// `ltm/pool/~P~pool/members`: the configuration's view, for a recorded answer of that form.
package func decodeMembers(
    _ bytes: [UInt8],
    pool: String
) throws(BigIPDecodingError) -> (members: [PoolMember], problems: [String]) {
    let rows = try JSONValue.answer(bytes).items()
    var problems: [String] = []
    let members = rows.enumerated().compactMap { index, row -> PoolMember? in
        guard let name = row["name"]?.text ?? row["fullPath"]?.text else {
            problems.append("items[\(index)]: name is missing")
            return nil
        }
        return configuredMember(row, name, pool: pool)
    }
    return (members.sorted(by: isBefore), problems)
}

private func configuredMember(_ row: JSONValue, _ name: String, pool: String) -> PoolMember {
    var place = BigIPAddress(member: name)
    if let written = row["address"]?.text {
        let own = BigIPAddress(plain: written)
        place.address = own.address
        place.routeDomain = own.routeDomain ?? place.routeDomain
    }
    let state = row["state"]?.text ?? "unknown"
    let session = row["session"]?.text ?? "unknown"
    let availability =
        state == "up"
        ? "available" : state == "down" || state == "user-down" ? "offline" : "unknown"
    return PoolMember(
        pool: pool,
        address: place.address,
        routeDomain: place.routeDomain,
        port: place.port ?? 0,
        availability: availability,
        enabled: session == "user-disabled" ? "disabled" : "enabled",
        session: session,
        monitor: state == "user-down" ? "forced-down" : state,
        reason: ""
    )
}

private func isBefore(_ left: PoolMember, _ right: PoolMember) -> Bool {
    (left.pool, left.address?.description ?? "", left.port)
        < (right.pool, right.address?.description ?? "", right.port)
}

/// A status reason may be a single blank.
func trimmed(_ text: String) -> String {
    String(text.drop { $0.isWhitespace }.prefix(512).reversed().drop { $0.isWhitespace }.reversed())
}
