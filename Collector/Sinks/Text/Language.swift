// SPDX-License-Identifier: Apache-2.0
import Verdicts

/// In which language a sink's messages are; the sentence of a verdict is English in all of them.
package enum Language: String, Sendable, CaseIterable {
    case english = "en"
    case chinese = "zh"
}

extension Language {
    func word(_ severity: Severity) -> String {
        switch (self, severity) {
        case (.english, .critical): "CRITICAL"
        case (.english, .warning): "WARNING"
        case (.english, .info): "INFO"
        case (.chinese, .critical): "严重"
        case (.chinese, .warning): "警告"
        case (.chinese, .info): "提示"
        }
    }

    /// `1h 2m`, `12s`, `0.4s`: of two units at most.
    func duration(_ milliseconds: Int64) -> String {
        let tenths = max(0, milliseconds) / 100
        let seconds = tenths / 10
        guard seconds > 0 else { return "\(tenths / 10).\(tenths % 10)\(unit(.second))" }
        let parts: [(Int64, Unit)] = [
            (seconds / 86_400, .day), (seconds % 86_400 / 3600, .hour),
            (seconds % 3600 / 60, .minute), (seconds % 60, .second),
        ]
        let shown = parts.drop { $0.0 == 0 }.prefix(2).map { "\($0.0)\(unit($0.1))" }
        return shown.joined(separator: self == .english ? " " : "")
    }

    private enum Unit { case day, hour, minute, second }

    private func unit(_ unit: Unit) -> String {
        switch (self, unit) {
        case (.english, .day): "d"
        case (.english, .hour): "h"
        case (.english, .minute): "m"
        case (.english, .second): "s"
        case (.chinese, .day): "天"
        case (.chinese, .hour): "小时"
        case (.chinese, .minute): "分"
        case (.chinese, .second): "秒"
        }
    }

    /// The fixed words of a message.
    var phrases: Phrases { self == .english ? .english : .chinese }
}

/// The fixed words of a message, each with what it stands before.
package struct Phrases: Sendable {
    var resolved: @Sendable (_ duration: String) -> String
    var changed: @Sendable (_ severity: String) -> String
    var still: @Sendable (_ severity: String, _ duration: String) -> String
    var test: String
    var digest: @Sendable (_ count: Int) -> String
    var omitted: @Sendable (_ count: Int) -> String
    var more: @Sendable (_ count: Int) -> String
    var since: String
    /// Between parts of a line.
    var comma: String
    var stage: String
    var cluster: String
    var takesDown: String
    /// What takes nothing down.
    var nothing: String
    var atRisk: String
    var cidrs: @Sendable (_ count: Int) -> String
    var members: @Sendable (_ count: Int) -> String
    var behind: @Sendable (_ names: String) -> String
    var left: String
    var of: @Sendable (_ left: Int, _ all: Int) -> String
    var call: String
    var evidence: String
    var age: @Sendable (_ duration: String) -> String
    var verify: @Sendable (_ place: String) -> String
    /// Wherever kubectl speaks to the cluster.
    var verifyByKubectl: @Sendable (_ cluster: String) -> String
    /// Where the collector runs.
    var verifyByCollector: String
    var details: String
    var cause: String
}

extension Phrases {
    static let english = Phrases(
        resolved: { "RESOLVED after \($0), was" },
        changed: { "CHANGED \($0.lowercased())" },
        still: { "STILL \($0.lowercased()) after \($1)" },
        test: "TEST",
        digest: { "\($0) \($0 == 1 ? "incident" : "incidents")" },
        omitted: { "… \($0) more \($0 == 1 ? "line" : "lines")" },
        more: { "and \($0) more" },
        since: "since",
        comma: ", ",
        stage: "where",
        cluster: "cluster",
        takesDown: "takes down",
        nothing: "nothing that podpath sees",
        atRisk: "at risk",
        cidrs: { "\($0) pod CIDRs" },
        members: { "\($0) pool \($0 == 1 ? "member" : "members")" },
        behind: { "behind \($0)" },
        left: "members left",
        of: { "\($0) of \($1)" },
        call: "call",
        evidence: "seen",
        age: { "\($0) old" },
        verify: { "verify on \($0)" },
        verifyByKubectl: { "verify with kubectl, cluster \($0)" },
        verifyByCollector: "verify where the collector runs",
        details: "details",
        cause: "cause"
    )

    static let chinese = Phrases(
        resolved: { "已恢复，历时\($0)，原为" },
        changed: { "有变化，\($0)" },
        still: { "仍未恢复，\($0)，已持续\($1)" },
        test: "测试",
        digest: { "\($0) 个故障" },
        omitted: { "……另有 \($0) 行" },
        more: { "另有 \($0) 个" },
        since: "开始时间",
        comma: "，",
        stage: "中断环节",
        cluster: "集群",
        takesDown: "影响",
        nothing: "目前未见中断",
        atRisk: "有风险",
        cidrs: { "\($0) 个 Pod 网段" },
        members: { "\($0) 个池成员" },
        behind: { "所属虚拟服务器 \($0)" },
        left: "剩余成员",
        of: { "\($0)/\($1)" },
        call: "联系",
        evidence: "依据",
        age: { "\($0)前读取" },
        verify: { "在 \($0) 上核实" },
        verifyByKubectl: { "用 kubectl 核实（集群 \($0)）" },
        verifyByCollector: "在 collector 所在主机上核实",
        details: "详情",
        cause: "原因"
    )
}

extension PathStage {
    func name(in language: Language) -> String {
        guard language == .chinese else { return englishName }
        return switch self {
        case .intent: "网段归属"
        case .kernel: "内核路由"
        case .bird: "BIRD"
        case .export: "BGP 导出"
        case .session: "BGP 会话"
        case .switchRIB: "交换机路由"
        case .ltmRoute: "LTM 路由"
        case .member: "池成员"
        case .virtualServer: "虚拟服务器"
        case .gtm: "GTM"
        }
    }

    private var englishName: String {
        switch self {
        case .intent: "who owns the pod CIDR"
        case .kernel: "kernel route on the node"
        case .bird: "BIRD on the node"
        case .export: "export to the switch"
        case .session: "BGP session"
        case .switchRIB: "routes of the switch"
        case .ltmRoute: "routes of the LTM"
        case .member: "pool members"
        case .virtualServer: "virtual server"
        case .gtm: "GTM"
        }
    }
}
