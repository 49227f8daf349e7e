// SPDX-License-Identifier: Apache-2.0
import Facts
import Routing

/// The export and session stages of one path, per uplink, in this order:
/// 1. no believable agent or BIRD → unknown;
/// 2. session on its way up, without an error yet → unknown;
/// 3. session disabled by an operator → session-disabled, export not asked;
/// 4. session not Established → session-down, export unknown;
/// 5. CIDR in BIRD, session up, not sent: while BIRD recovers from a graceful restart unknown, past its time
///    restart-stuck; else not-exported;
/// 6. three transitions in ten minutes → session-flapping, and no session-down while it comes back soon.
/// The way is cut when no uplink carries the CIDR.
func judgeUplinks(_ path: inout JudgedPath, _ node: NodeSight, in world: World) {
    guard let facts = node.facts else {
        addUnknownUplinks(&path, node.doubt ?? "")
        return
    }
    let family = path.trace.prefix.family
    let serveAll = node.uplinks.allSatisfy { serves($0.session, family) }
    let uplinks = serveAll ? node.uplinks : node.uplinks.filter { serves($0.session, family) }
    guard !uplinks.isEmpty else {
        let unread = facts.birds.values.first { $0.condition != .readable }
        addUnknownUplinks(&path, unread?.condition.words ?? "BIRD has no BGP session")
        return
    }
    let downCount = uplinks.count { !$0.session.isEstablished }
    var broken: [Finding] = []
    var isHidden = false
    for uplink in uplinks {
        let flaps = flapping(path, uplink.session, facts, in: world)
        if let flaps { broken.append(flaps) }
        if let dropped = restartNotHonoured(path, uplink.session, facts, in: world) {
            broken.append(dropped)
        }
        let finding = judgeUplink(
            &path,
            uplink,
            facts,
            isLast: downCount == uplinks.count,
            beside: downCount == 0 ? [] : standing(uplinks, beside: uplink, of: node.name, facts),
            in: world
        )
        guard let finding else { continue }
        if flaps != nil, isShort(finding, at: world.now) {
            isHidden = true
        } else {
            broken.append(finding)
        }
    }
    guard !path.isCut else { return }
    path.findings += broken
    path.isCut = path.carrying.isEmpty && (isHidden || broken.contains { !isHarmless($0.kind) })
}

/// Whether there is a way left beside an uplink.
private func standing(
    _ uplinks: [Uplink],
    beside own: Uplink,
    of node: String,
    _ facts: NodeFacts
) -> [Evidence] {
    let others = uplinks.map(\.session).filter { $0 != own.session }
    guard !others.isEmpty else {
        return [Evidence("agent \(node)", "other uplinks", "none", at: facts.lastHeard)]
    }
    return others.prefix(2).map {
        let state = $0.isDisabled ? "disabled" : describe($0)
        return Evidence("agent \(node)", text($0), state, at: facts.lastHeard)
    }
}

private func isHarmless(_ kind: Kind) -> Bool {
    switch kind {
    case .sessionDisabled, .switchRestartNotHonoured, .sessionFlapping: true
    default: false
    }
}

/// A session that flaps is not also down for as long as it comes back.
private func isShort(_ finding: Finding, at now: Timestamp) -> Bool {
    finding.kind == .sessionDown && finding.since.map { now - $0 <= shortAbsence } ?? false
}

private func addUnknownUplinks(_ path: inout JudgedPath, _ reason: String) {
    path.add(StageResult(.export, .unknown(reason: reason)))
    path.add(StageResult(.session, .unknown(reason: reason)))
}

/// A session without channels says nothing of families: it counts.
private func serves(_ session: BGPSession, _ family: AddressFamily) -> Bool {
    session.channels.isEmpty
        || session.channels.contains { $0.name == (family == .ipv4 ? "ipv4" : "ipv6") }
}

private func judgeUplink(
    _ path: inout JudgedPath,
    _ uplink: Uplink,
    _ facts: NodeFacts,
    isLast: Bool,
    beside others: [Evidence],
    in world: World
) -> Finding? {
    let session = uplink.session
    guard session.isEstablished || !isStarting(session, facts, now: world.now) else {
        let reason = "the session has just started"
        path.add(StageResult(.export, at: session.name, .unknown(reason: reason)))
        path.add(StageResult(.session, at: session.name, .unknown(reason: reason)))
        return nil
    }
    guard session.isEstablished else {
        return judgeDown(&path, session, facts, isLast: isLast, beside: others, in: world)
    }
    let answer = facts.exportAnswer(path.trace.prefix, over: session.name)
    path.add(exportResult(answer, session, facts))
    path.add(
        StageResult(
            .session,
            at: session.name,
            .ok,
            detail: "Established",
            readAt: facts.lastHeard
        )
    )
    switch answer {
    case .sent, .accepted:
        let key = ExportKey(uplink: session.name, prefix: path.trace.prefix)
        let since = max(facts.exportsSince[key] ?? facts.connectionSince, session.since ?? .zero)
        path.carrying.append((session.name, uplink.switchName, since))
        return nil
    case .rejectedByFilter: return notExported(path, session, facts, "its export filter rejects it")
    case .notSent where facts.isRecovering(session),
        .channelDown where facts.isRecovering(session):
        return restartStuck(path, session, facts, in: world)
    case .notSent: return notExported(path, session, facts, notSentReason(session))
    case .notInTable, .channelDown, .unknown, nil: return nil
    }
}

/// A session on its way up has no error yet: BIRD waits 5 s before it connects, and a switch that
/// still holds the old session takes its own hold time. Whatever is lost has an error at once.
let sessionStartGrace: Int64 = 20_000

private func isStarting(_ session: BGPSession, _ facts: NodeFacts, now: Timestamp) -> Bool {
    guard session.lastError.isEmpty, !session.isDisabled,
        let daemon = facts.birds.values.first(where: { $0.sessions[session.name] != nil })
    else { return false }
    let started = max(daemon.conditionSince, session.since ?? .zero)
    return now - started < sessionStartGrace
}

private func exportResult(
    _ answer: ExportAnswer?,
    _ session: BGPSession,
    _ facts: NodeFacts
) -> StageResult {
    let state: StageState
    switch answer {
    case .sent, .accepted: state = .ok
    case .rejectedByFilter: state = .wrong(expected: "sent", found: "rejected by export filter")
    case .notSent where facts.isRecovering(session),
        .channelDown where facts.isRecovering(session):
        state = .unknown(reason: "BIRD is in recovery from a graceful restart")
    case .notSent: state = .wrong(expected: "sent", found: notSentReason(session))
    case .notInTable: state = .missing
    case .channelDown: state = .unknown(reason: "the session's channel is not up")
    case .unknown(let reason): state = .unknown(reason: reason)
    case nil: state = .unknown(reason: "not asked yet")
    }
    return StageResult(.export, at: session.name, state, readAt: facts.lastHeard)
}

private func notSentReason(_ session: BGPSession) -> String {
    session.channels.contains(where: \.limitHit)
        ? "the export limit is hit" : "accepted by the filter, yet not sent"
}

private func notExported(
    _ path: JudgedPath,
    _ session: BGPSession,
    _ facts: NodeFacts,
    _ why: String
) -> Finding {
    let (node, prefix) = (path.trace.node, path.trace.prefix)
    let isRefused = facts.exportAnswer(prefix, over: session.name) == .rejectedByFilter
    return Finding(
        .notExported,
        node: node,
        prefix: prefix,
        uplink: session.name,
        what: why,
        evidence: [
            Evidence("agent \(node)", "BIRD route \(prefix)", "present", at: facts.lastHeard),
            Evidence(
                "agent \(node)",
                text(session),
                "Established",
                at: facts.lastHeard
            ),
            Evidence("agent \(node)", "export \(session.name)", why, at: facts.lastHeard),
        ],
        verify: [
            Verification(
                on: node,
                facts.showExport(prefix, over: session, isRefused: isRefused),
                shows: isRefused ? "\(prefix): the filter rejects it" : nil
            ),
            Verification(
                on: node,
                facts.birdc(showProtocol(session.name), session: session),
                shows: session.channels.contains(where: \.limitHit)
                    ? "[HIT] at Export limit" : "Established, and in Routes how many are exported"
            ),
        ]
    )
}

private func judgeDown(
    _ path: inout JudgedPath,
    _ session: BGPSession,
    _ facts: NodeFacts,
    isLast: Bool,
    beside others: [Evidence],
    in world: World
) -> Finding {
    let reason = session.isDisabled ? "disabled by an operator" : "session is not up"
    path.add(StageResult(.export, at: session.name, .unknown(reason: reason)))
    let found = session.isDisabled ? "disabled" : describe(session)
    path.add(
        StageResult(
            .session,
            at: session.name,
            .wrong(expected: "Established", found: found),
            readAt: facts.lastHeard
        )
    )
    if let taken = takenPort(path, session, facts, isLast: isLast) { return taken }
    let node = path.trace.node
    var finding = Finding(
        session.isDisabled ? .sessionDisabled : .sessionDown,
        node: node,
        prefix: path.trace.prefix,
        uplink: session.name,
        switchName: world.switchName(of: session),
        severity: session.isDisabled ? .info : isLast ? .critical : .warning,
        since: session.since,
        what: found,
        evidence: [
            Evidence("agent \(node)", text(session), found, at: facts.lastHeard)
        ] + others,
        verify: [
            Verification(
                on: node,
                facts.birdc(showProtocol(session.name), session: session),
                shows: session.isDisabled ? "down" : "BGP state, and in Last error why"
            )
        ]
    )
    blameEnd(&finding, session, facts)
    if !session.message.isEmpty, session.isDisabled { finding.what += ": \(session.message)" }
    if let sight = finding.switchName.flatMap(world.sight(ofSwitch:)), !session.isDisabled {
        blameSwitch(&finding, session, sight, world.addresses(of: node))
    }
    return finding
}

/// What ended the session, where BIRD's later attempts to come back have other errors.
private func blameEnd(_ finding: inout Finding, _ session: BGPSession, _ facts: NodeFacts) {
    guard !session.isDisabled else { return }
    let isOther = !session.firstError.isEmpty && session.firstError != session.lastError
    if isOther {
        finding.evidence.insert(
            Evidence(
                finding.evidence[0].source,
                text(session),
                "it ended with: \(session.firstError)",
                at: facts.lastHeard
            ),
            at: 1
        )
    }
    guard finding.switchName != nil, session.isShutByNeighbor else { return }
    finding.shutWords = isOther ? "\(session.firstError), now \(finding.what)" : finding.what
}

private func describe(_ session: BGPSession) -> String {
    let error = session.lastError.isEmpty ? "" : ", \(session.lastError)"
    let message = session.message.isEmpty ? "" : " (\"\(session.message)\")"
    return session.state.name + error + message
}
