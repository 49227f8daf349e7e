// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// All that is judged of one node by what it and the site as a whole show, and of no other node: as long as neither
/// has changed, and no moment has come at which the same facts mean something else, it stays as it is.
struct NodeLane: Sendable {
    let name: String
    /// Of its pod CIDRs, before what is seen over several nodes explains a part of them.
    private(set) var paths: [JudgedPath] = []
    private(set) var announced: [Finding] = []
    private(set) var speakers: Finding?
    private(set) var silence: Finding?
    private(set) var filters: [Finding] = []
    private(set) var clock: Finding?
    private(set) var mtus: [MTU] = []
    private(set) var holes: [Hole] = []
    /// What BIRD holds in place of the node's own.
    private(set) var drifted: Set<Prefix> = []
    /// Switches that sessions of it lead to, while its agent may be believed.
    private(set) var facing: Set<String> = []
    private(set) var mayBeUnready = false
    /// When the same facts are judged differently.
    private(set) var nextChange: Timestamp?
    /// What the site as a whole is judged by, of this node.
    let shared: SharedFacts

    /// Nothing about it needs a second look.
    var isPlain: Bool {
        announced.isEmpty && speakers == nil && silence == nil && filters.isEmpty && clock == nil
            && holes.isEmpty && drifted.isEmpty && !mayBeUnready
            && paths.allSatisfy { $0.findings.isEmpty && !$0.isCut && !$0.isLostOnSwitch }
    }

    init(_ name: String, in world: World) {
        self.name = name
        shared = SharedFacts(name, in: world)
        let intent = world.intents[name]
        if let intent {
            paths = intent.podCIDRs.sorted().map { judgePath($0, of: intent, in: world) }
            drifted = driftedPrefixes(of: intent, in: world)
            mayBeUnready = world.watchesReadiness && isOddlyReady(intent, paths, now: world.now)
        }
        silence = silentAgent(name, in: world)
        nextChange = world.nextChange(of: name)
        guard let facts = world.facts(of: name).facts else { return }
        announced = announcedTwice(by: name, facts, paths, in: world)
        guard intent != nil else { return }
        facing = Set(facts.sessions.compactMap { world.switchName(of: $0) })
        speakers = twoSpeakers(name, facts)
        filters = strictFilters(name, facts, in: world)
        clock = wrongClock(name, facts)
        mtus = Verdicts.mtus(name, facts, in: world)
        holes = droppingRoutes(of: name, facts, in: world)
    }
}

/// What of a node's facts others are judged by too.
struct SharedFacts: Hashable, Sendable {
    private let isIntended: Bool
    private let addresses: Set<IPAddress>
    private let hasLostPods: Bool
    private let transitions: [SessionKey: [Timestamp]]
    private let moves: [SessionKey: [Timestamp]]
    private let neighbors: [String: [IPAddress?]]

    init(_ name: String, in world: World) {
        let facts = world.snapshot.nodes[name]
        isIntended = world.intents[name] != nil
        addresses = world.intents[name].map { World.addresses(of: $0, world.snapshot) } ?? []
        hasLostPods = facts?.history.podSweep != nil
        let moved = facts?.history.sessions.mapValues(\.transitions).filter { !$0.value.isEmpty }
        transitions = moved ?? [:]
        moves = facts?.history.sessions.mapValues(\.moves).filter { !$0.value.isEmpty } ?? [:]
        // Only where something flaps somewhere it matters how many sessions a switch has.
        neighbors =
            world.mayFlap
            ? facts?.birds.mapValues { $0.sessions.values.map(\.neighbor).sorted(by: isBefore) }
                ?? [:]
            : [:]
    }

    /// Whether a change from the other to this one may change what is said of other nodes.
    func matters(after old: SharedFacts, in world: World) -> Bool {
        // An agent of no node may be a node's under another name.
        guard isIntended, old.addresses == addresses, old.hasLostPods || !hasLostPods else {
            return true
        }
        let hasMoved =
            old.transitions != transitions || old.moves != moves || old.neighbors != neighbors
        let flaps = transitions.values.contains { $0.count >= flapCount }
        return hasMoved && (world.mayFlap || flaps)
    }
}

private func isBefore(_ left: IPAddress?, _ right: IPAddress?) -> Bool {
    guard let right else { return false }
    return left.map { $0 < right } ?? true
}
