// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// The kernel and BIRD stages of one path, in this order:
/// 1. no believable agent → both unknown;
/// 2. kernel tables not complete → unknown;
/// 3. route absent, its device down or gone → kernel-device-down; present, yet routes to several of its pods that
///    run went together → kernel-routes-swept;
/// 4. its route drops packets → kernel-blackhole; absent, kernel and BIRD use another CIDR instead that nobody
///    owns → owner-disagreement; its device was made anew → kernel-device-recreated; many routes went with it
///    → kernel-routes-swept; else kernel-route-missing;
/// 5. BIRD not readable → unknown, and bird-unreachable where the socket itself says so;
/// 6. CIDR not in BIRD: because the device is down (3) → impact; BIRD holds what another object names for the
///    node → owner-disagreement; a CIDR of nobody or of another node instead → bird-config-drift; else
///    bird-route-missing;
/// 7. in BIRD but not a usable best route → bird-route-unreachable.
func judgeNode(_ path: inout JudgedPath, _ node: NodeSight, in world: World) {
    guard let facts = node.facts else {
        let (heard, reason) = (node.told?.lastHeard, node.doubt ?? "")
        path.add(StageResult(.kernel, .unknown(reason: reason), readAt: heard))
        path.add(StageResult(.bird, .unknown(reason: reason), readAt: heard))
        return
    }
    judgeKernel(&path, facts, in: world)
    judgeBIRD(&path, node.daemons, facts, in: world)
    path.testify(world.ownership(path.trace.prefix, of: node.name))
}

extension JudgedPath {
    /// That the CIDR should be there is half of what is said.
    fileprivate mutating func testify(_ ownership: Evidence) {
        for index in findings.indices
        where [.kernel, .bird].contains(findings[index].kind.entry.stage) {
            findings[index].evidence.append(ownership)
        }
    }
}

private func judgeKernel(_ path: inout JudgedPath, _ facts: NodeFacts, in world: World) {
    let prefix = path.trace.prefix
    guard facts.kernel.isComplete else {
        path.add(StageResult(.kernel, .unknown(reason: "kernel tables not read completely yet")))
        return
    }
    let routes = facts.kernel.routes(to: prefix)
    if let route = routes.first(where: {
        isUsable($0, facts.kernel) || isBlock($0.destination, path, in: world)
    }) {
        let hops = text(route.nextHops)
        let detail = hops.isEmpty ? route.destination.name : hops
        path.add(StageResult(.kernel, .ok, detail: detail, readAt: facts.lastHeard))
        if let swept = sweptPods(path, facts, in: world) { path.findings.append(swept) }
        return
    }
    if let (device, state) = downDevice(of: prefix, routes, facts) {
        let wrong = StageState.wrong(
            expected: "route through \(device)",
            found: "\(device) \(state)"
        )
        path.add(StageResult(.kernel, wrong, readAt: facts.lastHeard))
        path.cut(deviceDown(device, state, path, facts))
        return
    }
    if let dropping = routes.first(where: { $0.destination.isDropping }) {
        let found = "\(withArticle(dropping.destination.name)) route"
        path.add(
            StageResult(
                .kernel,
                .wrong(expected: "a unicast route", found: found),
                readAt: facts.lastHeard
            )
        )
        path.cut(ownBlackhole(found, path, facts))
        return
    }
    if let used = prefixUsed(insteadOf: path, facts, in: world) {
        path.add(
            StageResult(
                .kernel,
                .wrong(expected: "\(prefix)", found: "\(used)"),
                readAt: facts.lastHeard
            )
        )
        path.cut(disagreement(used, path, facts, in: world))
        return
    }
    let found = routes.first.map { describe($0) }
    let state: StageState = found.map { .wrong(expected: "a unicast route", found: $0) } ?? .missing
    path.add(StageResult(.kernel, state, readAt: facts.lastHeard))
    path.cut(
        recreated(path, facts) ?? swept(path, facts) ?? routeMissing(found, path, facts)
    )
}

/// Calico holds its blocks as blackholes, with a route for each pod inside: that is the block at work.
private func isBlock(
    _ destination: Destination,
    _ path: JudgedPath,
    in world: World
) -> Bool {
    guard destination == .blackhole else { return false }
    let blocks = world.intents[path.trace.node]?.claims["BlockAffinity"] ?? []
    return blocks.contains(path.trace.prefix)
}

private func isUsable(_ route: KernelRoute, _ kernel: KernelFacts) -> Bool {
    guard route.destination == .unicast else { return false }
    return route.nextHops.contains { hop in
        guard !hop.isDead else { return false }
        guard let device = hop.device, let link = kernel.links[device] else { return true }
        return link.isAdminUp && link.hasCarrier
    }
}

private func describe(_ route: KernelRoute) -> String {
    guard route.destination == .unicast else { return "\(route.destination.name) route" }
    return "route " + text(route.nextHops)
}

/// Nearly always it is one.
private func text(_ hops: [NextHop]) -> String {
    hops.count == 1 ? hops[0].description : hops.map(\.description).joined(separator: ", ")
}

/// The device the CIDR's route uses, or used: Linux deletes IPv4 routes with their device, so then
/// BIRD's static route or the CNI's well-known device tells which it was.
private func downDevice(
    of prefix: Prefix,
    _ routes: [KernelRoute],
    _ facts: NodeFacts
) -> (device: String, state: String)? {
    let named = routes.flatMap(\.nextHops).compactMap(\.device)
    let statics = facts.birds.values.flatMap(\.statics).filter { $0.prefix == prefix }
    let candidates = named + statics.compactMap(\.device) + podDevices
    for device in candidates {
        if let link = facts.kernel.links[device] {
            if !link.isAdminUp { return (device, "is down") }
            if !link.hasCarrier { return (device, "has no carrier") }
        } else if statics.contains(where: { $0.device == device && $0.isDormant }) {
            return (device, "is gone")
        }
    }
    return nil
}

private func deviceDown(
    _ device: String,
    _ state: String,
    _ path: JudgedPath,
    _ facts: NodeFacts
) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let routes = facts.kernel.routes(to: prefix)
    return Finding(
        .kernelDeviceDown,
        node: node,
        prefix: path.trace.prefix,
        what: "device \(device) \(state), "
            + (routes.isEmpty ? "so the kernel has no route for it" : "and its route leads there"),
        evidence: [
            Evidence("agent \(node)", "link \(device)", state, at: facts.lastHeard),
            Evidence(
                "agent \(node)",
                "kernel route \(prefix)",
                routes.first.map(describe) ?? "absent",
                at: facts.lastHeard
            ),
        ],
        verify: [
            Verification(on: node, "ip link show \(shellWord(device))", shows: linkWords[state]),
            .route(prefix, on: node),
        ]
    )
}

/// How `ip` says it.
private let linkWords = [
    "is down": "state DOWN, and no UP in < >", "has no carrier": "NO-CARRIER",
    "is gone": "does not exist",
]

/// The device through which the CIDR went has a new index, and no route goes through it since.
private func recreated(_ path: JudgedPath, _ facts: NodeFacts) -> Finding? {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let statics = facts.birds.values.flatMap(\.statics).filter { $0.prefix == prefix }
    let candidates = statics.compactMap(\.device) + podDevices
    let history = facts.history
    guard
        let device = candidates.first(where: {
            history.recreated[$0]?.awaited.contains(prefix) ?? false
        }),
        let link = facts.kernel.links[device], let since = history.recreated[device]?.at
    else { return nil }
    let index = "made anew, index \(link.index) now"
    return Finding(
        .kernelDeviceRecreated,
        node: node,
        prefix: prefix,
        since: since,
        what: "device \(device) was made anew, and its route was not put back",
        evidence: [
            Evidence("agent \(node)", "link \(device)", index, at: facts.lastHeard),
            Evidence("agent \(node)", "kernel route \(prefix)", "absent", at: facts.lastHeard),
        ],
        verify: [
            Verification(
                on: node,
                "ip link show \(shellWord(device))",
                shows: "\(link.index): at the head of its line, another number than before"
            ),
            .route(prefix, on: node).showing(noRoute),
        ]
    )
}

extension KernelRoute {
    /// linux/rtnetlink.h: RTPROT_BIRD.
    fileprivate var isOfBIRD: Bool { proto == 12 }
}

/// As many as a node seldom loses at once for one reason of its own.
private let sweepCount = 4

/// The CIDR's route went together with several others, whose devices are all there: neither pods that end nor a
/// device that goes take away the CIDR's route, and BIRD removes only what it has put there.
private func swept(_ path: JudgedPath, _ facts: NodeFacts) -> Finding? {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    guard let sweep = facts.history.sweep else { return nil }
    let removed = sweep.routes.filter { !$0.isOfBIRD }
    guard removed.count >= sweepCount, removed.contains(where: { $0.prefix == prefix }) else {
        return nil
    }
    let protocols = Set(removed.map { RouteProtocol.name($0.proto) }).sorted()
    let names = protocols.joined(separator: ", ")
    let words = "\(removed.count) routes (proto \(names)) were deleted at once"
    return Finding(
        .kernelRoutesSwept,
        node: node,
        prefix: prefix,
        severity: .critical,
        since: sweep.from,
        what: "\(words), and not by BIRD",
        evidence: [
            Evidence("agent \(node)", "kernel routes", words, at: sweep.from),
            Evidence("agent \(node)", "kernel route \(prefix)", "absent", at: facts.lastHeard),
        ],
        verify: [
            Verification(
                on: node,
                "ip \(family(prefix)) route show table all",
                shows: "no line for \(prefix)"
            ),
            Verification(
                on: node,
                "journalctl --no-pager -u systemd-networkd --since -2h",
                shows: "whether it was restarted at that time: it removes what it did not put there"
            ),
        ]
    )
}

/// Routes to several pods that run, of a CIDR whose own route stands, went together and are not back.
private func sweptPods(_ path: JudgedPath, _ facts: NodeFacts, in world: World) -> Finding? {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    guard let sweep = facts.history.podSweep else { return nil }
    let lost = sweep.routes.filter { route in
        !route.isOfBIRD && prefix.contains(route.prefix)
            && world.readyPods.contains(route.prefix.address)
    }
    guard lost.count >= sweepCount else { return nil }
    let examples = lost.prefix(3).map(\.prefix.description).joined(separator: ", ")
    var finding = Finding(
        .kernelRoutesSwept,
        node: node,
        prefix: prefix,
        severity: .critical,
        since: sweep.from,
        what: "the routes to \(lost.count) running pods in it were deleted at once",
        evidence: [
            Evidence("agent \(node)", "kernel routes", "\(examples) gone", at: sweep.from),
            Evidence("kubernetes", "endpoints", "\(lost.count) of those pods are ready", at: nil),
        ],
        verify: [
            Verification(
                on: node,
                "ip \(family(prefix)) route show table all root \(prefix)",
                shows:
                    "no line for \(lost.prefix(3).map(\.prefix.address.description).joined(separator: ", "))"
            )
        ]
    )
    finding.isPart = true
    return finding
}

private func ownBlackhole(_ found: String, _ path: JudgedPath, _ facts: NodeFacts) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    return Finding(
        .kernelBlackhole,
        node: node,
        prefix: prefix,
        severity: .critical,
        what: "its kernel has \(found) for its own pod CIDR \(prefix), and drops what comes for it",
        evidence: [
            Evidence("agent \(node)", "kernel route \(prefix)", found, at: facts.lastHeard)
        ],
        verify: [.route(prefix, on: node).showing(droppingWords)]
    )
}

/// It lists all tables, also those that no rule leads to.
private let noRoute = "nothing, or a route only in a table that no rule leads to (ip rule)"

/// How `ip` shows a route that drops.
let droppingWords = "blackhole, unreachable or prohibit before the CIDR"

private func routeMissing(_ found: String?, _ path: JudgedPath, _ facts: NodeFacts) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    return Finding(
        .kernelRouteMissing,
        node: node,
        prefix: prefix,
        what: found.map { "the kernel has only a \($0)" } ?? "the kernel has no route for it",
        evidence: [
            Evidence(
                "agent \(node)",
                "kernel route \(prefix)",
                found ?? "absent",
                at: facts.lastHeard
            )
        ],
        verify: [
            .route(prefix, on: node).showing(found == nil ? noRoute : "that route and no other")
        ]
    )
}

// MARK: - BIRD

private func judgeBIRD(
    _ path: inout JudgedPath,
    _ daemons: [(path: String, facts: BIRDFacts)],
    _ facts: NodeFacts,
    in world: World
) {
    let prefix = path.trace.prefix
    guard let daemon = daemon(for: prefix, daemons) else {
        path.add(StageResult(.bird, .unknown(reason: "the agent has not asked BIRD yet")))
        return
    }
    guard daemon.facts.condition == .readable else {
        judgeUnreadable(&path, daemon.path, daemon.facts, facts)
        return
    }
    let routes = facts.birdRoutes(prefix)
    if let best = routes.first(where: \.isBest),
        best.destination == .unicast || isBlock(best.destination, path, in: world)
    {
        let detail = "\(best.protocolName) \(text(best.nextHops))"
        path.add(StageResult(.bird, .ok, detail: detail, readAt: facts.lastHeard))
    } else if let route = routes.first(where: \.isBest) ?? routes.first {
        let found =
            route.isBest ? "\(withArticle(route.destination.name)) route" : "no best route"
        let state = StageState.wrong(expected: "a best unicast route", found: found)
        path.add(StageResult(.bird, state, readAt: facts.lastHeard))
        path.cut(birdFinding(.birdRouteUnreachable, path, facts, what: "BIRD has \(found) for it"))
    } else {
        path.add(StageResult(.bird, .missing, readAt: facts.lastHeard))
        judgeAbsent(&path, facts, in: world)
    }
}

/// The daemon that should hold the prefix: with bird and bird6 the one that speaks its family.
func daemon(
    for prefix: Prefix,
    _ daemons: [(path: String, facts: BIRDFacts)]
) -> (path: String, facts: BIRDFacts)? {
    guard daemons.count > 1 else { return daemons.first }
    let holding = daemons.first { $0.facts.routes[prefix]?.isEmpty == false }
    let six = daemons.first { $0.path.contains("bird6") }
    return holding ?? (prefix.family == .ipv6 ? six : nil) ?? daemons.first
}

private func judgeUnreadable(
    _ path: inout JudgedPath,
    _ socket: String,
    _ bird: BIRDFacts,
    _ facts: NodeFacts
) {
    let reason = bird.condition.words
    path.add(StageResult(.bird, .unknown(reason: reason), readAt: facts.lastHeard))
    guard bird.condition.isFault else { return }
    let node = path.trace.node
    path.cut(
        Finding(
            .birdUnreachable,
            node: node,
            prefix: path.trace.prefix,
            since: bird.conditionSince,
            what: "BIRD cannot be asked: \(reason)",
            evidence: [Evidence("agent \(node)", socket, reason, at: facts.lastHeard)],
            verify: [
                Verification(
                    on: node,
                    "timeout 5 birdc -r -s \(shellWord(socket)) show status",
                    shows: bird.condition.isAgents
                        ? "an answer: BIRD runs, only podpath's agent does not get at it"
                        : "an error, or nothing within 5 s"
                ),
                Verification(
                    on: node,
                    "pgrep -ax 'bird6?'",
                    shows: "nothing: it does not run; else it hangs, or has its socket elsewhere"
                ),
            ]
        )
    )
}

private func judgeAbsent(_ path: inout JudgedPath, _ facts: NodeFacts, in world: World) {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let configured = facts.birds.values.flatMap(\.statics)
    if let own = configured.first(where: { $0.prefix == prefix }), own.isDormant {
        let what = "BIRD's static route waits for device \(own.device ?? "of its own")"
        path.cut(birdFinding(.birdRouteUnreachable, path, facts, what: what))
        return
    }
    // Whether it is configured cannot be asked then: no drift is proved by another that is there.
    if facts.birds.values.contains(where: \.isStaticDown) {
        let what = "a static protocol of BIRD is disabled, so BIRD has no route for it"
        path.cut(birdFinding(.birdRouteMissing, path, facts, what: what))
        return
    }
    let strangers = configured.map(\.prefix).filter { stranger in
        world.isInsideSupernets(stranger) && world.owners[stranger] != node && !stranger.isHost
    }.sorted()
    if let named = strangers.first(where: { isNamed($0, for: node, in: world) }) {
        path.cut(disagreementInBIRD(named, path, facts, in: world))
    } else if let stranger = strangers.first {
        let owner = world.owners[stranger].map { ", which \($0) owns" } ?? ", which no node owns"
        let what = "BIRD holds \(stranger)\(owner), instead of it"
        path.cut(birdFinding(.birdConfigDrift, path, facts, what: what, held: stranger))
    } else {
        path.cut(birdFinding(.birdRouteMissing, path, facts, what: "BIRD has no route for it"))
    }
}

private func birdFinding(
    _ kind: Kind,
    _ path: JudgedPath,
    _ facts: NodeFacts,
    what: String,
    held: Prefix? = nil
) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    return Finding(
        kind,
        node: node,
        prefix: prefix,
        what: what,
        evidence: [
            Evidence(
                "agent \(node)",
                "kernel route \(prefix)",
                path.trace.states(.kernel).first?.state == .ok ? "present" : "not read yet",
                at: facts.lastHeard
            ),
            Evidence("agent \(node)", "BIRD route \(prefix)", what, at: facts.lastHeard),
        ],
        verify: [
            Verification(
                on: node,
                facts.birdc("show route \(prefix) all", prefix: prefix),
                shows: facts.birdRoutes(prefix).isEmpty
                    ? "Network not found (BIRD 1: Network not in table)"
                    : "unreachable, or no line with a *"
            ),
            Verification(
                on: node,
                facts.showStatic(held ?? prefix),
                shows: held.map { "\($0), and not \(prefix)" }
                    ?? (kind == .birdRouteUnreachable ? "(dormant), or what makes it so" : nil)
            ),
        ]
    )
}

extension BIRDCondition {
    /// BIRD may be well, and only the agent is kept out.
    fileprivate var isAgents: Bool {
        switch self {
        case .forbidden, .noDirectory, .unrestricted, .malformed: true
        default: false
        }
    }

    /// Whether it is a fault of the node; starting, reconfiguring and shutting down pass by
    /// themselves.
    var isFault: Bool {
        switch self {
        case .readable, .starting, .reconfiguring, .shuttingDown: false
        case .noSocket, .noDirectory, .refused, .forbidden, .backlogFull, .noGreeting, .noAnswer,
            .closed, .unrestricted, .malformed, .socketRemoved:
            true
        }
    }
}
