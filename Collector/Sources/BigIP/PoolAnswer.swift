// SPDX-License-Identifier: Apache-2.0
import VendorJSON

/// A pool of the configuration.
package struct BigIPPool: Hashable, Sendable {
    package var fullPath: String
    package var partition: String
    /// As the unit spells it: `/Common/http `, `/P/a and /P/b`, `min 1 of { … }`; empty for none.
    package var monitor: String
    /// Where the answer tells it: an expanded configuration, or statistics.
    package var memberCount: Int?
}

/// What a page says of the pages after it.
package struct Page: Hashable, Sendable {
    package var totalItems: Int?
    package var hasMore: Bool

    package init(totalItems: Int? = nil, hasMore: Bool) {
        self.totalItems = totalItems
        self.hasMore = hasMore
    }
}

let memberKinds = "tm:ltm:pool:members:"

/// `ltm/pool`: a page of the collection, or one pool; `ltm/pool/stats` too.
package func decodePools(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (pools: [BigIPPool], page: Page, problems: [String]) {
    let root = try JSONValue.answer(bytes, about: "tm:ltm:pool:", butNot: memberKinds)
    var pools: [BigIPPool] = []
    var problems: [String] = []
    if root["entries"] != nil || root.kind.hasSuffix("stats") {
        let statistics = try root.statistics()
        problems = statistics.problems
        for row in statistics.rows {
            guard let pool = countedPool(row.fields) else {
                problems.append("\(row.place).tmName: missing")
                continue
            }
            pools.append(pool)
        }
    } else {
        let isOne = root["items"] == nil && root["fullPath"] != nil
        for (index, row) in (isOne ? [root] : try root.items()).enumerated() {
            guard let pool = configuredPool(row) else {
                problems.append("items[\(index)].fullPath: missing")
                continue
            }
            pools.append(pool)
        }
    }
    return (pools, page(root), problems)
}

/// nextLink's host and encoding vary; that it is there is all that counts.
func page(_ root: JSONValue) -> Page {
    Page(totalItems: root["totalItems"]?.integer, hasMore: root["nextLink"] != nil)
}

/// In words, for an answer that is one page of several.
func partOfList(_ page: Page, rows: Int) -> [String] {
    guard page.hasMore || (page.totalItems ?? 0) > rows else { return [] }
    return ["a page of several: \(rows) of \(page.totalItems.map(String.init) ?? "more") rows"]
}

func decodePage(_ bytes: [UInt8]) throws(BigIPDecodingError) -> Page {
    page(try JSONValue.answer(bytes))
}

/// `ltm/pool/stats`: of each pool what tells whether its members have changed. A row that cannot be read is
/// left out: that pool is then read anyway.
package func decodePoolStatistics(
    _ bytes: [UInt8]
) throws(BigIPDecodingError) -> (pools: [String: PoolStatistics], page: Page) {
    let root = try JSONValue.answer(bytes, about: "tm:ltm:pool:", butNot: memberKinds)
    var pools: [String: PoolStatistics] = [:]
    for row in try root.statistics().rows {
        guard let name = row.fields.field("tmName")?.text else { continue }
        func count(_ field: String) -> Int { row.fields.field(field)?.integer ?? -1 }
        pools[name] = PoolStatistics(
            members: count("memberCnt"),
            active: count("activeMemberCnt"),
            available: count("availableMemberCnt"),
            availability: row.fields.word("status.availabilityState"),
            enabled: row.fields.word("status.enabledState")
        )
    }
    return (pools, page(root))
}

private func configuredPool(_ row: JSONValue) -> BigIPPool? {
    guard let fullPath = row["fullPath"]?.text, !fullPath.isEmpty else { return nil }
    let members = row["membersReference"]
    return BigIPPool(
        fullPath: fullPath,
        partition: row["partition"]?.text ?? partition(of: fullPath),
        monitor: row["monitor"]?.text ?? "",
        memberCount: members?["items"]?.array?.count
    )
}

private func countedPool(_ fields: JSONValue) -> BigIPPool? {
    guard let fullPath = fields.field("tmName")?.text, fields["nodeName"] == nil else { return nil }
    let monitor = fields.field("monitorRule")?.text ?? ""
    return BigIPPool(
        fullPath: fullPath,
        partition: partition(of: fullPath),
        monitor: monitor == "none" ? "" : monitor,
        memberCount: fields.field("memberCnt")?.integer
    )
}

private func partition(of fullPath: String) -> String {
    String(fullPath.split(separator: "/").first ?? "")
}

/// A status reason may be a single blank.
func trimmed(_ text: String) -> String {
    String(text.drop { $0.isWhitespace }.prefix(512).reversed().drop { $0.isWhitespace }.reversed())
}
