// SPDX-License-Identifier: Apache-2.0
package import Routing

/// The way of a pod CIDR, in order. Code, page, API and alerts share these words.
package enum PathStage: String, Sendable, Hashable, CaseIterable, Codable {
    case intent
    case kernel
    case bird
    case export
    case session
    case switchRIB = "switch"
    case ltmRoute = "ltm-route"
    case member
    case virtualServer = "virtual-server"
    case gtm
}

/// What is believed of one stage for one prefix. Unknown never becomes missing by ageing.
package enum StageState: Sendable, Hashable, Codable {
    case ok
    case missing
    case extra
    case wrong(expected: String, found: String)
    case unknown(reason: String)
    /// Nobody reads this stage: drawn as a dash, breaks nothing.
    case notChecked

    package var word: String {
        switch self {
        case .ok: "ok"
        case .missing: "missing"
        case .extra: "extra"
        case .wrong: "wrong"
        case .unknown: "unknown"
        case .notChecked: "not-checked"
        }
    }

    /// Proven not to be as it must.
    package var isBroken: Bool {
        switch self {
        case .missing, .extra, .wrong: true
        case .ok, .unknown, .notChecked: false
        }
    }
}

/// One stage of one path; `at` is the uplink, switch or load balancer where there are several.
package struct StageResult: Sendable, Hashable, Codable {
    package var stage: PathStage
    package var at: String?
    package var state: StageState
    /// What was read, in the source's words.
    package var detail: String?
    /// When it was read.
    package var readAt: Timestamp?

    package init(
        _ stage: PathStage,
        at: String? = nil,
        _ state: StageState,
        detail: String? = nil,
        readAt: Timestamp? = nil
    ) {
        self.stage = stage
        self.at = at
        self.state = state
        self.detail = detail
        self.readAt = readAt
    }
}

/// One pod CIDR's way: the node's stages, one branch per uplink and switch, joined at the LTM.
package struct PathTrace: Sendable, Hashable, Codable {
    package var prefix: Prefix
    package var node: String
    package var stages: [StageResult]
    /// The kinds of the verdicts this path is part of, worst first.
    package var verdicts: [Kind]

    package init(prefix: Prefix, node: String, stages: [StageResult] = []) {
        self.prefix = prefix
        self.node = node
        self.stages = stages
        verdicts = []
    }

    package func states(_ stage: PathStage) -> [StageResult] {
        stages.filter { $0.stage == stage }
    }
}

/// The ways of pod CIDRs as they were at some moment.
package struct PastPaths: Sendable, Hashable {
    package var paths: [PathTrace]
    /// Until when a collector had been looking, where none did at that moment.
    package var lastSeen: Timestamp?

    package init(paths: [PathTrace], lastSeen: Timestamp?) {
        self.paths = paths
        self.lastSeen = lastSeen
    }
}
