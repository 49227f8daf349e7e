// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Routing
import Support
import Synchronization

@testable import BigIPSource

/// A unit that answers from what it is told to have, in the shapes of 13.1, and counts what it was asked.
final class ScriptedUnit: Sendable {
    struct Pool {
        /// `10.16.0.10:80`, all up.
        var members: [String] = []
        /// What its statistics count; nil: as many as there are.
        var count: Int?
    }

    struct Content {
        var pools: [String: Pool] = [:]
        /// Name → pool.
        var virtuals: [String: String] = [:]
        var partitions = ["Common", "K8S"]
        var role = "active"
        /// Traffic groups and the unit's own state in each; any of them makes it one of a pair.
        var groups: [String: String] = [:]
        /// Rows of `ltm/virtual-address`.
        var addresses: [String] = []
        /// Paths, as they are asked for, that answer with this status.
        var refusals: [String: Int] = [:]
        /// Before it answers.
        var before: (@Sendable (String, inout Content) -> Void)?
        /// What list answers lack.
        var hidden: Set<String> = []
        /// What else it answers, by path.
        var more: [String: String] = [:]
        var asked: [String] = []
    }

    private let content: Mutex<Content>

    init(_ content: sending Content) { self.content = Mutex(content) }

    var reader: UnitReader { UnitReader { [self] in try answer($0) } }

    func change(_ edit: (inout Content) -> Void) { content.withLock { edit(&$0) } }

    /// Paths without their queries that were asked for since it was asked last.
    func asked() -> [String] {
        content.withLock { content in
            defer { content.asked = [] }
            return content.asked
        }
    }

    private func answer(_ path: String) throws -> [UInt8] {
        let parts = path.dropFirst("/mgmt/tm/".count).split(separator: "?", maxSplits: 1)
        let (place, query) = (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
        return try content.withLock { content in
            content.before?(place, &content)
            content.asked.append(place)
            if let status = content.refusals[place] { throw refusal(status, place) }
            guard let text = content.text(place, query) else { throw refusal(404, place) }
            return Array(text.utf8)
        }
    }

    private func refusal(_ status: Int, _ place: String) -> BigIPRequestError {
        let failure = classify(status: status, body: Array("{}".utf8))
        return BigIPRequestError(description: "\(place): \(failure.text)", failure: failure)
    }
}

extension ScriptedUnit.Content {
    fileprivate func text(_ place: String, _ query: String) -> String? {
        if let more = more[place] { return more }
        switch place {
        case "sys/mcp-state":
            return statistics(
                "sys:mcp-state",
                [["phase": "running", "lastLoad": "full-config-load-succeed"]]
            )
        case "cm/device":
            let other =
                #"{"name":"peer","fullPath":"/Common/peer","selfDevice":"false","failoverState":"active"}"#
            let own =
                #"{"name":"u","fullPath":"/Common/u","selfDevice":"true","failoverState":"\#(role)"}"#
            return list("cm:device", groups.isEmpty ? [own] : [own, other])
        case "cm/traffic-group":
            return list("cm:traffic-group", groups.keys.sorted().map { #"{"fullPath":"\#($0)"}"# })
        case "ltm/virtual-address":
            return list("ltm:virtual-address", addresses)
        case "cm/sync-status": return statistics("cm:sync-status", [["status": "In Sync"]])
        case "auth/partition":
            return list(
                "auth:partition",
                partitions.map { #"{"name":"\#($0)","defaultRouteDomain":0}"# }
            )
        case "net/route-domain": return list("net:route-domain", [#"{"name":"0","id":0}"#])
        case "net/route", "net/self": return list(place.replacing("/", with: ":"), [])
        case "ltm/pool":
            return list("ltm:pool", page(listed(pools.keys, query), query).map(pool))
        case "ltm/pool/stats":
            return statistics("ltm:pool", page(visible(pools.keys), query).map(counts))
        case "ltm/virtual":
            return list("ltm:virtual", page(listed(virtuals.keys, query), query).map(virtual))
        case "ltm/virtual/stats":
            return statistics("ltm:virtual", page(visible(virtuals.keys), query).map(state))
        case _ where place.hasPrefix("cm/traffic-group/"): return groupText(place)
        default: return place.hasPrefix("ltm/pool/~") ? poolText(place) : nil
        }
    }

    private func groupText(_ place: String) -> String? {
        let name = place.split(separator: "/")[2].replacing("~", with: "/")
        guard let state = groups[String(name)] else { return nil }
        let other = state == "active" ? "standby" : "active"
        return statistics(
            "cm:traffic-group",
            [
                ["deviceName": "/Common/u", "failoverState": state],
                ["deviceName": "/Common/peer", "failoverState": other],
            ]
        )
    }

    private func poolText(_ place: String) -> String? {
        let parts = place.dropFirst("ltm/pool/".count).split(separator: "/").map(String.init)
        let name = parts[0].replacing("~", with: "/")
        guard let own = pools[name] else { return nil }
        switch parts.dropFirst().joined(separator: "/") {
        case "": return pool(name)
        case "stats": return statistics("ltm:pool", [counts(name)])
        case "members/stats": return statistics("ltm:pool:members:members", own.members.map(member))
        case "members":
            return list(
                "ltm:pool:members:members",
                own.members.map { #"{"name":"\#($0)","address":"\#(host($0))","state":"up"}"# }
            )
        default: return nil
        }
    }

    private func visible(_ names: some Sequence<String>) -> [String] {
        names.filter { !hidden.contains($0) }.sorted()
    }

    private func listed(_ names: some Sequence<String>, _ query: String) -> [String] {
        visible(names).filter { query.contains("eq%20\($0.split(separator: "/")[0])&") }
    }

    private func page(_ rows: [String], _ query: String) -> [String] {
        func number(_ name: String) -> Int? {
            query.split(separator: "&").first { $0.hasPrefix(name) }
                .flatMap { Int($0.dropFirst(name.count)) }
        }
        return Array(rows.dropFirst(number("$skip=") ?? 0).prefix(number("$top=") ?? .max))
    }

    private func pool(_ name: String) -> String {
        let partition = name.split(separator: "/")[0]
        return
            #"{"kind":"tm:ltm:pool:poolstate","fullPath":"\#(name)","partition":"\#(partition)"}"#
    }

    private func virtual(_ name: String) -> String {
        #"{"fullPath":"\#(name)","destination":"/K8S/10.50.0.1:80","pool":"\#(virtuals[name] ?? "")","enabled":true}"#
    }

    private func counts(_ name: String) -> [String: String] {
        let count = pools[name]?.count ?? pools[name]?.members.count ?? 0
        return [
            "tmName": name, "memberCnt": "\(count)", "activeMemberCnt": "\(count)",
            "availableMemberCnt": "\(count)", "status.availabilityState": "available",
            "status.enabledState": "enabled",
        ]
    }

    private func state(_ name: String) -> [String: String] {
        [
            "tmName": name, "status.availabilityState": "available",
            "status.enabledState": "enabled",
        ]
    }

    private func host(_ member: String) -> Substring { member.split(separator: ":")[0] }

    private func member(_ member: String) -> [String: String] {
        [
            "addr": String(host(member)), "nodeName": String(host(member)),
            "port": String(member.split(separator: ":")[1]), "monitorStatus": "up",
            "sessionStatus": "enabled", "status.availabilityState": "available",
            "status.enabledState": "enabled",
        ]
    }

    private func list(_ kind: String, _ rows: [String]) -> String {
        let items = rows.isEmpty ? "" : #","items":[\#(rows.joined(separator: ","))]"#
        return #"{"kind":"tm:\#(kind):collectionstate"\#(items)}"#
    }

    /// Numbers as numbers, all else as descriptions.
    private func statistics(_ kind: String, _ rows: [[String: String]]) -> String {
        let entries = rows.enumerated().map { index, row in
            let fields = row.map { name, value in
                let isNumber = name.hasSuffix("Cnt") || name == "port"
                let text = isNumber ? #""value":\#(value)"# : #""description":"\#(value)""#
                return #""\#(name)":{\#(text)}"#
            }
            let own = "https://localhost/\(index)"
            return #""\#(own)":{"nestedStats":{"entries":{\#(fields.joined(separator: ","))}}}"#
        }
        return
            #"{"kind":"tm:\#(kind):collectionstats","entries":{\#(entries.joined(separator: ","))}}"#
    }
}
