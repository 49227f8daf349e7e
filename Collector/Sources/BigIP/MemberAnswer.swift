// SPDX-License-Identifier: Apache-2.0
package import Facts
import Foundation
import Routing
import VendorJSON

/// `ltm/pool/~P~pool/members/stats`: the only answer that tells what a monitor proved.
///
/// An empty `pool` takes the pool's name from the answer itself.
package func decodeMemberStats(
    _ bytes: [UInt8],
    pool: String
) throws(BigIPDecodingError) -> (members: [PoolMember], problems: [String]) {
    let (page, problems) = try decodeMemberPage(bytes, pool: pool)
    return (page.rows.values.sorted(by: isBefore), problems)
}

/// A page of it, by what tells a member from all others of its pool: a template has no address of its own.
func decodeMemberPage(
    _ bytes: [UInt8],
    pool: String
) throws(BigIPDecodingError) -> (page: PageOf<PoolMember>, problems: [String]) {
    let root = try JSONValue.answer(bytes, about: "tm:ltm:pool:")
    if root.kind.hasSuffix("poolstats") || root.kind.hasSuffix("poolcollectionstats") {
        throw .poolLevel
    }
    let owner = pool.isEmpty ? poolName(root) : pool
    let statistics = try root.statistics()
    var problems = statistics.problems
    var members: [String: PoolMember] = [:]
    for row in statistics.rows {
        guard !isPool(row.fields) else { throw .poolLevel }
        guard let member = countedMember(row, pool: owner, &problems) else {
            problems.append("\(row.place): a member without address and port")
            continue
        }
        let node = row.fields.field("nodeName")?.text ?? ""
        let domain = member.routeDomain.map(String.init) ?? ""
        let name = member.address.map { "\($0)%\(domain)" } ?? node
        members["\(member.pool) \(name) \(member.port)"] = member
    }
    return (PageOf(rows: members, page: page(root)), problems)
}

private func isPool(_ fields: JSONValue) -> Bool {
    ["nodeName", "addr", "port"].allSatisfy { fields[$0] == nil }
        && ["activeMemberCnt", "memberCnt", "minActiveMembers"].contains { fields[$0] != nil }
}

private func countedMember(
    _ row: BigIPStatistics,
    pool: String,
    _ problems: inout [String]
) -> PoolMember? {
    let fields = row.fields
    guard let port = fields.field("port")?.integer, (0...65_535).contains(port),
        let written = fields.field("addr")?.text ?? fields.field("nodeName")?.text,
        !written.isEmpty
    else { return nil }
    var place = BigIPAddress(plain: written.split(separator: "/").last ?? "")
    let node = BigIPAddress(
        plain: (fields.field("nodeName")?.text ?? "").split(separator: "/").last ?? ""
    )
    // The node's name may hold the route domain that the address leaves out.
    if place.address != nil, node.address == place.address, place.routeDomain == nil {
        place.routeDomain = node.routeDomain
    }
    if place.address == nil, !isTemplate(written) {
        problems.append("\(row.place).addr: not an address")
    }
    return PoolMember(
        pool: fields.field("poolName")?.text ?? pool,
        address: place.address,
        routeDomain: place.routeDomain,
        port: port,
        availability: fields.word("status.availabilityState"),
        enabled: fields.word("status.enabledState"),
        session: fields.word("sessionStatus"),
        monitor: fields.word("monitorStatus"),
        reason: fields.statusReason
    )
}

/// What stands in the address's place for a member whose address DNS gives.
private func isTemplate(_ written: String) -> Bool {
    let plain = written.split(separator: "%").first.map(String.init) ?? ""
    return ["any", "any6"].contains(plain) || IPAddress(plain)?.bits == 0
}

/// `ltm/pool/~P~pool/members`: the configuration's view, for a recorded answer of that form.
package func decodeMembers(
    _ bytes: [UInt8],
    pool: String
) throws(BigIPDecodingError) -> (members: [PoolMember], problems: [String]) {
    let (page, problems) = try decodeMemberRows(bytes, pool: pool)
    return (page.rows.values.sorted(by: isBefore), problems)
}

/// A page of it, by the members' names.
func decodeMemberRows(
    _ bytes: [UInt8],
    pool: String
) throws(BigIPDecodingError) -> (page: PageOf<PoolMember>, problems: [String]) {
    let root = try JSONValue.answer(bytes, about: memberKinds)
    let owner = pool.isEmpty ? poolName(root) : pool
    var problems: [String] = []
    var members: [String: PoolMember] = [:]
    for (index, row) in try root.items().enumerated() {
        guard let name = row["name"]?.text ?? row["fullPath"]?.text else {
            problems.append("items[\(index)].name: missing")
            continue
        }
        let place = place(of: row, name, index, &problems)
        let full = row["fullPath"]?.text ?? name
        members[full] = configuredMember(row, place, pool: owner)
    }
    return (PageOf(rows: members, page: page(root)), problems)
}

private func place(
    of row: JSONValue,
    _ name: String,
    _ index: Int,
    _ problems: inout [String]
) -> BigIPAddress {
    var place = BigIPAddress(member: name)
    if let written = row["address"]?.text {
        let own = BigIPAddress(plain: written)
        if own.address == nil, !isTemplate(written) {
            problems.append("items[\(index)].address: not an address")
        }
        place.address = own.address
        place.routeDomain = own.routeDomain ?? place.routeDomain
    } else if place.address == nil, row["fqdn"]?["tmName"]?.text == nil {
        problems.append("items[\(index)].address: missing")
    }
    if place.port == nil { problems.append("items[\(index)].name: no port") }
    return place
}

/// The configuration's `state` and `session` in the words the statistics have for them.
private func configuredMember(
    _ row: JSONValue,
    _ place: BigIPAddress,
    pool: String
) -> PoolMember {
    let state = String((row["state"]?.text ?? "unknown").prefix(64))
    let session = String((row["session"]?.text ?? "unknown").prefix(64))
    let availability =
        switch state {
        case "up", "fqdn-up": "available"
        case "down", "user-down", "addr-down", "address-down", "fqdn-down": "offline"
        default: "unknown"
        }
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

/// The pool an answer says it is of: `…/pool/~P~name/members…` in its selfLink.
private func poolName(_ root: JSONValue) -> String {
    let link = root["selfLink"]?.text ?? ""
    guard let begin = link.range(of: "/ltm/pool/"),
        let end = link.range(of: "/members", range: begin.upperBound..<link.endIndex)
    else { return "" }
    let name = String(link[begin.upperBound..<end.lowerBound])
    return (name.removingPercentEncoding ?? name).replacing("~", with: "/")
}

private func isBefore(_ left: PoolMember, _ right: PoolMember) -> Bool {
    (left.pool, left.address?.description ?? "", left.routeDomain ?? 0, left.port)
        < (right.pool, right.address?.description ?? "", right.routeDomain ?? 0, right.port)
}
