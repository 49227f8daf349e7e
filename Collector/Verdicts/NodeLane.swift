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
    private(set) var facing: [String] = []
    private(set) var mayBeUnready = false
    /// When the same facts are judged differently.
    private(set) var nextChange: Timestamp?
    private let moves: SessionMoves
    /// Switches that its sessions lead to, whether its agent may be believed or not.
    private let faced: [String]
    /// What devices show is a part of what is said of the node itself.
    let leansOnDevices: Bool

    /// Nothing about it needs a second look.
    var isPlain: Bool {
        announced.isEmpty && speakers == nil && silence == nil && filters.isEmpty && clock == nil
            && holes.isEmpty && drifted.isEmpty && !mayBeUnready
            && paths.allSatisfy { $0.findings.isEmpty && !$0.isCut && !$0.isLostOnSwitch }
    }

    init(_ name: String, in world: World) {
        self.name = name
        let node = NodeSight(name, in: world)
        moves = SessionMoves(node.told, in: world)
        if let intent = node.intent {
            paths = intent.podCIDRs.sorted().map { judgePath($0, of: node, in: world) }
            drifted = driftedPrefixes(of: intent, node)
            mayBeUnready = world.watchesReadiness && isOddlyReady(intent, paths, now: world.now)
        }
        faced = node.facing
        leansOnDevices =
            paths.contains { !$0.isWellOnNode }
            || node.told?.history.hasRestartedGracefully ?? false
        silence = silentAgent(node, in: world)
        nextChange = world.nextChange(of: node)
        guard let facts = node.facts else { return }
        announced = announcedTwice(by: name, facts, paths, in: world)
        guard node.intent != nil else { return }
        facing = node.facing
        speakers = twoSpeakers(name, facts)
        filters = strictFilters(node, facts, in: world)
        clock = wrongClock(name, facts)
        mtus = Verdicts.mtus(node, facts, in: world)
        holes = droppingRoutes(of: name, facts, in: world)
    }
}

extension NodeLane {
    /// Of devices something is new, and of the node nothing.
    mutating func readDevices(in world: World) {
        guard let intent = world.intents[name] else { return }
        let addresses = world.addresses(of: name)
        for index in paths.indices {
            paths[index].returnToNode()
            judgeDevices(&paths[index], of: intent, facing: faced, addresses, in: world)
        }
        mayBeUnready = world.watchesReadiness && isOddlyReady(intent, paths, now: world.now)
    }
}

/// How a node's sessions came and went, and with whom they are: a switch that loses most of its sessions is seen so.
struct SessionMoves: Hashable, Sendable {
    private var transitions: [SessionKey: [Timestamp]] = [:]
    private var moves: [SessionKey: [Timestamp]] = [:]
    private let neighbors: [String: [IPAddress?]]

    init(_ facts: NodeFacts?, in world: World) {
        for (key, history) in facts?.history.sessions ?? [:] {
            if !history.transitions.isEmpty { transitions[key] = history.transitions }
            if !history.moves.isEmpty { moves[key] = history.moves }
        }
        // Only where something flaps somewhere it matters how many sessions a switch has.
        neighbors =
            world.mayFlap
            ? facts?.birds.mapValues { $0.sessions.values.map(\.neighbor).sorted(by: isBefore) }
                ?? [:]
            : [:]
    }

    var mayFlap: Bool { transitions.values.contains { $0.count >= flapCount } }
}

extension NodeLane {
    /// Whether what is new of the node may change what is said of others: the world was made of what it was before.
    func concernsOthers(after old: NodeLane, in world: World) -> Bool {
        // An agent of no node may be a node's under another name.
        guard let intent = world.intents[name],
            World.addresses(of: intent, world.snapshot) == world.addresses(of: name),
            world.hasLostPods || world.snapshot.nodes[name]?.history.podSweep == nil
        else { return true }
        return old.moves != moves && (world.mayFlap || moves.mayFlap)
    }
}

private func isBefore(_ left: IPAddress?, _ right: IPAddress?) -> Bool {
    guard let right else { return false }
    return left.map { $0 < right } ?? true
}
