// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import Support
import TLS
import Testing
import Wire

/// What this module writes is read by Tests/Lab/report_format.py, which knows nothing but
/// Shared/FORMAT.md.
@Suite struct IndependentReader {
    private let now = at(100_000_000)

    @Test("a reader written from the format's page alone reads the same facts")
    func agreement() throws {
        var random = RandomReport(seed: 1, now: now)
        var stream: [UInt8] = []
        var expected: [NSDictionary] = []
        for generation in 1...60 {
            let (report, gone) = (random.next(), random.next())
            let frame: AgentFrame =
                generation % 2 == 0
                ? .snapshot(generation: UInt64(generation), report)
                : .changes(base: 7, generation: UInt64(generation), report, removed: gone)
            stream += frame.encoded(now: now)
            expected.append(ReportFacts(now: now).document(of: frame))
        }
        let token = try #require(BearerToken(Array("e30.e30.c2ln".utf8)))
        stream += AgentFrame.token(token).encoded(now: now)
        expected.append([
            "frame": "token", "sha256": SHA256Digest(of: token.reveal()).hexadecimal,
        ])
        let read = try documents(of: stream)
        #expect(read.count == expected.count)
        for (theirs, ours) in zip(read, expected) {
            for key in ours.allKeys { #expect(same(theirs, ours, "\(key)")) }
        }
    }

    /// Of facts that are gone only the keys cross the wire.
    private func same(_ theirs: NSDictionary, _ ours: NSDictionary, _ key: String) -> Bool {
        theirs[key] as? NSObject == ours[key] as? NSObject
    }

    @Test("it refuses what this module refuses: a frame cut off, a type nobody has")
    func refusal() throws {
        #expect(throws: ReaderFailure.self) { try documents(of: [0, 0, 0, 2, 4]) }
        #expect(throws: ReaderFailure.self) { try documents(of: [0, 0, 0, 1, 77]) }
        #expect(throws: ReaderFailure.self) { try documents(of: [0, 0, 0, 3, 6, 1, 10]) }
    }

    private struct ReaderFailure: Error { let text: String }

    private func documents(of stream: [UInt8]) throws -> [NSDictionary] {
        let file = URL(filePath: NSTemporaryDirectory())
            .appending(path: "podpath-frames-\(UUID().uuidString)")
        try Data(stream).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Lab/report_format.py")
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", script.path, file.path]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ReaderFailure(text: String(decoding: complaint, as: UTF8.self))
        }
        return try text.split(separator: 0x0a).map { line in
            try #require(try JSONSerialization.jsonObject(with: line) as? NSDictionary)
        }
    }
}

/// Facts as the other reader names them: the numbers of the page, prefixes and addresses as text.
private struct ReportFacts {
    let now: Timestamp

    func document(of frame: AgentFrame) -> NSDictionary {
        switch frame {
        case .snapshot(let generation, let report):
            ["frame": "snapshot", "generation": generation, "facts": facts(report)]
        case .changes(let base, let generation, let report, let removed):
            [
                "frame": "changes", "base": base, "generation": generation,
                "facts": facts(report), "gone": facts(removed.keysOnly),
            ]
        default: [:]
        }
    }

    private func facts(_ report: Report) -> NSDictionary {
        let all: [String: [Any]] = [
            "kernel": report.kernel.map { ["flags": bits($0.isComplete, $0.watchesConnections)] },
            "links": report.links.map(link), "routes": report.routes.map(route),
            "birds": report.birds.map(bird), "sessions": report.sessions.map(session),
            "statics": report.statics.map(staticRoute),
            "birdRoutes": report.birdRoutes.map(birdRoute), "exports": report.exports.map(export),
            "addresses": report.addresses.map {
                ["device": $0.device, "address": text($0.address), "length": $0.length]
            },
            "rules": report.rules.map(rule),
        ]
        return all.filter { !$0.value.isEmpty } as NSDictionary
    }

    private func link(_ link: Link) -> [String: Any] {
        [
            "name": link.name, "index": link.index,
            "flags": bits(link.isAdminUp, link.hasCarrier), "mtu": link.mtu,
            "rpFilter": orNull(link.reversePathFilter?.rawValue),
        ]
    }

    private func route(_ route: KernelRoute) -> [String: Any] {
        [
            "prefix": text(route.prefix), "table": route.table, "metric": route.metric,
            "destination": route.destination.rawValue, "protocol": route.proto,
            "hops": hops(route.nextHops),
        ]
    }

    private func bird(_ bird: OfDaemon<BIRDStatus>) -> [String: Any] {
        let reason: String =
            if case .malformed(let text) = bird.value.condition { text } else { "" }
        return [
            "daemon": bird.daemon, "condition": number(bird.value.condition), "reason": reason,
            "age": now - bird.value.since, "version": bird.value.version,
            "routerID": orNull(bird.value.routerID.map(text)),
            "lastReboot": bird.value.lastReboot,
            "lastReconfiguration": bird.value.lastReconfiguration,
            "flags": bits(
                bird.value.isReconfiguring,
                bird.value.isRecovering,
                bird.value.isStaticDown
            ),
        ]
    }

    private func number(_ condition: BIRDCondition) -> Int {
        switch condition {
        case .readable: 0
        case .noSocket: 1
        case .refused: 2
        case .forbidden: 3
        case .noAnswer: 4
        case .closed: 5
        case .shuttingDown: 6
        case .malformed: 7
        case .starting: 8
        case .noDirectory: 9
        case .backlogFull: 10
        case .noGreeting: 11
        case .reconfiguring: 12
        case .unrestricted: 13
        case .socketRemoved: 14
        }
    }

    private func session(_ session: OfDaemon<BGPSession>) -> [String: Any] {
        let value = session.value
        return [
            "daemon": session.daemon, "name": value.name,
            "protocolState": value.protocolState.rawValue, "state": value.state.rawValue,
            "flags": bits(value.isDisabled, value.isPeerRestarting),
            "neighbor": orNull(value.neighbor.map(text)), "neighborAS": orNull(value.neighborAS),
            "localAS": orNull(value.localAS), "age": orNull(value.since.map { now - $0 }),
            "lastError": value.lastError, "firstError": value.firstError,
            "message": value.message, "holdTime": orNull(value.holdTime),
            "silence": orNull(value.silentSince.map { now - $0 }), "bfd": value.bfdState,
            "restartTime": orNull(value.restartTime),
            "channels": value.channels.map(channel),
        ]
    }

    private func channel(_ channel: BGPChannel) -> [String: Any] {
        [
            "name": channel.name, "state": channel.state.rawValue,
            "flags": bits(channel.limitHit, channel.isRecovering),
            "imported": orNull(channel.imported), "filtered": orNull(channel.filtered),
            "exported": orNull(channel.exported), "preferred": orNull(channel.preferred),
        ]
    }

    private func staticRoute(_ route: OfDaemon<BIRDStatic>) -> [String: Any] {
        [
            "daemon": route.daemon, "protocol": route.value.protocolName,
            "prefix": text(route.value.prefix), "flags": bits(route.value.isDormant),
            "device": route.value.device ?? "",
        ]
    }

    private func birdRoute(_ route: OfDaemon<BIRDRoute>) -> [String: Any] {
        [
            "daemon": route.daemon, "table": route.value.table,
            "protocol": route.value.protocolName, "prefix": text(route.value.prefix),
            "destination": route.value.destination.rawValue, "flags": bits(route.value.isBest),
            "hops": hops(route.value.nextHops),
        ]
    }

    private func export(_ export: OfDaemon<Export>) -> [String: Any] {
        let (answer, reason): (Int, String) =
            switch export.value.answer {
            case .unknown(let reason): (0, reason)
            case .sent: (1, "")
            case .accepted: (2, "")
            case .rejectedByFilter: (3, "")
            case .notSent: (4, "")
            case .notInTable: (5, "")
            case .channelDown: (6, "")
            }
        return [
            "daemon": export.daemon, "uplink": export.value.key.uplink,
            "prefix": text(export.value.key.prefix), "answer": answer, "reason": reason,
        ]
    }

    private func rule(_ rule: RoutingRule) -> [String: Any] {
        [
            "family": rule.family.rawValue, "priority": rule.priority,
            "action": rule.action.rawValue, "table": rule.table,
            "from": orNull(rule.source.map(text)), "to": orNull(rule.destination.map(text)),
            "selectors": rule.selectors.rawValue,
        ]
    }

    // MARK: - Fields

    private func bits(_ flags: Bool...) -> Int {
        flags.enumerated().reduce(0) { $0 + ($1.element ? 1 << $1.offset : 0) }
    }

    private func orNull(_ value: Any?) -> Any { value ?? NSNull() }
    private func text(_ address: IPAddress) -> String { address.description }
    private func text(_ prefix: Prefix) -> String { prefix.description }
    private func hops(_ hops: [NextHop]) -> [Any] {
        hops.map { hop in
            [
                "dead": hop.isDead, "via": orNull(hop.gateway.map(text)),
                "dev": hop.device ?? "",
            ]
        }
    }
}

extension Report {
    /// With every field that is no key as if it had been left out.
    fileprivate var keysOnly: Report {
        var keys = Report()
        keys.kernel = kernel.map { _ in KernelStatus(isComplete: false) }
        keys.links = links.map {
            Link(name: $0.name, index: 0, isAdminUp: true, hasCarrier: true, mtu: 0)
        }
        keys.routes = routes.map {
            KernelRoute(prefix: $0.prefix, table: $0.table, metric: $0.metric)
        }
        let fresh = Timestamp(milliseconds: 100_000_000)
        keys.birds = birds.map {
            OfDaemon($0.daemon, BIRDStatus(condition: .readable, since: fresh))
        }
        keys.sessions = sessions.map {
            OfDaemon(
                $0.daemon,
                BGPSession(name: $0.value.name, protocolState: .up, state: .established)
            )
        }
        keys.statics = statics.map {
            OfDaemon(
                $0.daemon,
                BIRDStatic(
                    prefix: $0.value.prefix,
                    protocolName: $0.value.protocolName,
                    isDormant: false
                )
            )
        }
        keys.birdRoutes = birdRoutes.map {
            OfDaemon(
                $0.daemon,
                BIRDRoute(
                    prefix: $0.value.prefix,
                    table: $0.value.table,
                    protocolName: $0.value.protocolName,
                    destination: .unicast,
                    isBest: true
                )
            )
        }
        keys.exports = exports.map { OfDaemon($0.daemon, Export($0.value.key, .sent)) }
        keys.addresses = addresses
        keys.rules = rules
        return keys
    }
}
