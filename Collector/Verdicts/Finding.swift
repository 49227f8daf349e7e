// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// A root on one path, before causes are grouped.
struct Finding {
    var kind: Kind
    var node: String?
    var prefix: Prefix?
    var uplink: String?
    var switchName: String?
    var loadBalancer: String?
    var pool: String?
    var virtualServer: String?
    var wideIP: String?
    var severity: Severity
    var since: Timestamp?
    /// The part of the sentence that tells what was seen.
    var what: String
    var evidence: [Evidence]
    var verify: [Verification]
    var hold: Int64?
    /// It is one of so many alike that the load balancer as a whole is meant.
    var isOfWhole = false
    /// A part of what it is about, not all: of a source, or of a CIDR's pods.
    var isPart = false
    /// The switch ended the session on purpose, in BIRD's words: it is the one to look at.
    var shutWords: String?
    /// Which of our own sources it is about, where that is no device.
    var source: String?
    /// What these nodes announce, as their BIRDs can say: by the sockets that they have when it is told.
    var announced: (prefix: Prefix, nodes: [String])?

    init(
        _ kind: Kind,
        node: String? = nil,
        prefix: Prefix? = nil,
        uplink: String? = nil,
        switchName: String? = nil,
        loadBalancer: String? = nil,
        pool: String? = nil,
        severity: Severity? = nil,
        since: Timestamp? = nil,
        what: String,
        evidence: [Evidence] = [],
        verify: [Verification] = [],
        hold: Int64? = nil
    ) {
        self.kind = kind
        self.node = node
        self.prefix = prefix
        self.uplink = uplink
        self.switchName = switchName
        self.loadBalancer = loadBalancer
        self.pool = pool
        self.severity = severity ?? kind.entry.severity
        self.since = since
        self.what = what
        self.evidence = evidence
        self.verify = verify
        self.hold = hold
    }
}

extension World {
    /// With how to ask the BIRDs for what they announce, before all that is asked of Kubernetes.
    func withBIRDs(_ finding: Finding) -> Finding {
        guard let (prefix, nodes) = finding.announced else { return finding }
        var finding = finding
        let isForeign = finding.kind == .switchWrongNextHop
        let shows =
            isForeign
            ? "whether it announces the CIDR too; if not, the switch's policy does it"
            : "whether its BIRD has the route, and from where"
        let commands = nodes.compactMap { node in
            snapshot.nodes[node].map {
                Verification(
                    on: node,
                    $0.birdc("show route \(prefix) all", prefix: prefix),
                    shows: shows
                )
            }
        }
        let place = finding.verify.firstIndex { $0.on == "kubernetes" } ?? finding.verify.endIndex
        finding.verify.insert(contentsOf: commands, at: place)
        return finding
    }
}

/// A path under judgement: its stages so far, and the roots found on them.
struct JudgedPath {
    var trace: PathTrace
    var findings: [Finding] = []
    /// Uplinks over which the CIDR is exported on a session that is up, with the switch behind.
    var carrying: [(uplink: String, switchName: String?, since: Timestamp)] = []
    /// A root that breaks the way as a whole: everything behind it is impact.
    var isCut = false

    /// A switch was last read without the CIDR, or with another's next hop, whether that is proven yet or
    /// not: it explains what is down behind it.
    var isLostOnSwitch = false

    /// Where the node's own stages end, and what was found by then.
    private var own = (stages: 0, findings: [Finding](), isCut: false)

    init(prefix: Prefix, node: String) { trace = PathTrace(prefix: prefix, node: node) }

    mutating func add(_ result: StageResult) { trace.stages.append(result) }

    mutating func cut(_ finding: Finding) {
        if !isCut { findings.append(finding) }
        isCut = true
    }

    /// What follows is of the devices.
    mutating func endNode() { own = (trace.stages.count, findings, isCut) }

    /// Forgets what was judged of the devices: they are judged anew.
    mutating func returnToNode() {
        var stages: [StageResult] = []
        stages.reserveCapacity(trace.stages.count)
        stages += trace.stages[..<own.stages]
        trace.stages = stages
        (findings, isCut) = (own.findings, own.isCut)
        isLostOnSwitch = false
    }

    /// A switch's word is a part of what is said of a session that is down.
    var isWellOnNode: Bool { own.findings.isEmpty && !own.isCut }
}
