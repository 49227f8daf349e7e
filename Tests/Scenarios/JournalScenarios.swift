// SPDX-License-Identifier: Apache-2.0
import Facts
import Foundation
import Incidents
import Routing
import Support
import Synchronization
import Testing
import Verdicts

@testable import Journal

/// A collector's life in short: what enters is recorded, judged and told; then it is read back and replayed.
@Suite struct JournalScenarios {
    private let head = JournalHead(
        version: "t",
        startedAt: at(0),
        site: site,
        policy: AlertPolicy(holds: [.kernelRouteMissing: 1_000, .notExported: 0])
    )

    private static var site: WatchedSite {
        var site = WatchedSite(
            cluster: "lab",
            podSupernets: [prefix("10.16.0.0/16"), prefix("fd00:10::/48")],
            agentStaleAfter: 15_000,
            intentSource: .kubernetes,
            hasAgents: true,
            hasKubernetes: true,
            memberPatience: 2_000
        )
        for (name, neighbor) in [("a", "10.1.0.254"), ("b", "10.2.0.254")] {
            site.switches.append(
                WatchedSite.Switch(
                    name: name,
                    neighbors: [address(neighbor)],
                    vrf: "default",
                    dialect: .frr,
                    paths: .seen,
                    ways: [.polled: 45_000, .bmp: 60_000]
                )
            )
        }
        site.loadBalancers = [
            WatchedSite.LoadBalancer(
                name: "ltm-1",
                podsVia: .staticRoutes,
                hasGTM: true,
                units: ["u"],
                staleAfter: 45_000
            )
        ]
        return site
    }

    /// What a healthy site tells, and what breaks it and mends it; every kind of update is among it.
    private func story() -> [(updates: [(update: FactUpdate, at: Timestamp)], at: Timestamp)] {
        var story: [(updates: [(update: FactUpdate, at: Timestamp)], at: Timestamp)] = []
        let model = Site()
        for second in 0..<60 {
            let now = at(1_000_000 + Int64(second) * 1_000)
            var updates = second == 0 ? beginning() : []
            for index in 1...4 { updates.append(.agent(node: "n\(index)", .heartbeat)) }
            if second % 5 == 0 { updates += reads(model, second) }
            if second == 20 { updates.append(report(3) { kernel, _ in kernel.routes = [] }) }
            if second == 26 { updates.append(report(3)) }
            if second == 30 {
                updates.append(
                    report(2) { _, bird in
                        bird.exports[ExportKey(uplink: "uplink0", prefix: Site.cidr(2))] =
                            .unknown("reason")
                        bird.exports[ExportKey(uplink: "uplink1", prefix: Site.cidr(2))] =
                            .rejectedByFilter
                    }
                )
            }
            if second == 40 {
                updates.append(.agent(node: "n1", .clock(ahead: -7_000)))
                updates.append(.agent(node: "n4", .disconnected(.lost(reason: "reset"))))
            }
            story.append((updates.map { ($0, now) }, now + 3))
        }
        return story
    }

    private func report(
        _ index: Int,
        _ change: (inout KernelFacts, inout BIRDFacts) -> Void = { _, _ in }
    ) -> FactUpdate {
        var (kernel, bird) = (Site.healthyKernel(index), Site.healthyBIRD(index))
        kernel.rules = [
            RoutingRule(family: .ipv4, priority: 10, action: .lookup, table: 254)
        ]
        change(&kernel, &bird)
        return .agent(node: "n\(index)", .snapshot(kernel, ["bird.ctl": bird]))
    }

    private func beginning() -> [FactUpdate] {
        var nodes: [String: ClusterNode] = [:]
        for index in 1...4 {
            nodes["n\(index)"] = ClusterNode(
                podCIDRs: [Site.cidr(index)],
                addresses: [address("10.1.0.\(index)"), address("10.2.0.\(index)")],
                createdAt: at(0)
            )
        }
        var updates: [FactUpdate] = [
            .cluster(.nodes(.listed(nodes))), .cluster(.ciliumNodes(.notOffered)),
            .cluster(.blockAffinities(.listed([:]))), .cluster(.services(.listed([:]))),
            .cluster(.endpointSlices(.changed(["gone": nil]))),
            .cluster(.exposures(.failed("HTTP 503"))), .cluster(.controllers(.heard)),
            .cluster(.ciliumSettings(.listed(["kube-system/cilium-config": Masquerading()]))),
            .loadBalancerRead(name: "ltm-1", unit: "u", .failed("HTTP 502"), took: 5),
        ]
        for index in 1...4 {
            updates.append(.agent(node: "n\(index)", .connected(interval: 5_000, version: "t")))
            updates.append(report(index))
        }
        return updates
    }

    private func reads(_ model: Site, _ second: Int) -> [FactUpdate] {
        var table = model.loadBalancer()
        table.wideIPs = [
            WideIP(
                name: "/Common/w",
                type: "a",
                state: GlobalState(availability: "available"),
                members: []
            )
        ]
        return [
            .switchRead(name: "a", by: .polled, .read(model.table("a")), took: 40),
            .switchRead(name: "b", by: .polled, .read(model.table("b")), took: 40),
            .switchRead(name: "b", by: .bmp, .failed("the session ended"), took: 0),
            .loadBalancerRead(name: "ltm-1", unit: "u", .read(table), took: 40),
            .poolsRead(name: "ltm-1", unit: "u", ["/K8S/web": LoadBalancerPool()], took: 3),
        ]
    }

    private func transcript(_ transitions: [IncidentTransition]) -> [String] {
        transitions.map {
            "\($0.at.milliseconds) \($0.change.rawValue) \($0.incident.id) \($0.incident.verdict.summary)"
        }
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appending(path: "journal").path)
    }

    private func read(_ paths: String...) throws -> (told: [String], replay: Replay) {
        var replay = Replay()
        var told: [String] = []
        for path in paths {
            var reader = try JournalReader(path: path)
            while let entry = try reader.next() { told += transcript(replay.take(entry)) }
        }
        return (told, replay)
    }

    /// What a collector tells that lives through the story.
    private func live() -> [String] {
        var (snapshot, ledger) = (
            Snapshot(head.site, startedAt: head.startedAt),
            IncidentLedger(cluster: "lab", policy: head.policy)
        )
        return story().flatMap { updates, now in
            snapshot.apply(updates)
            return transcript(ledger.step(judge(snapshot, now: now), now: now))
        }
    }

    @Test("what was recorded is judged as it was when it came, in one file or in several")
    func replayed() throws {
        let expected = live()
        #expect(expected.count >= 4)
        for limit in [JournalWriter.usualLimit, 60_000] {
            try inFolder { path in
                let writer = try JournalWriter(path: path, head: head, limit: limit) { _ in }
                for (updates, now) in story() {
                    writer.record(updates)
                    writer.judged(at: now)
                }
                writer.finish()
                let recorded = story().reduce(0) { $0 + $1.0.count }
                #expect(writer.counters == .init(recorded: recorded))
                let isRotated = FileManager.default.fileExists(atPath: path + ".1")
                #expect(isRotated == (limit < JournalWriter.usualLimit))
                let files =
                    (1...4).reversed().map { "\(path).\($0)" }
                    .filter { FileManager.default.fileExists(atPath: $0) } + [path]
                var replay = Replay()
                var told: [String] = []
                for file in files {
                    var reader = try JournalReader(path: file)
                    while let entry = try reader.next() { told += transcript(replay.take(entry)) }
                }
                #expect(told == expected)
                #expect(replay.lost == 0)
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
                #expect(mode as? Int == 0o600)
            }
        }
    }

    @Test("what was taken over from another collector is gone on with, recorded or live")
    func takenOver() throws {
        var (snapshot, first) = (
            Snapshot(head.site, startedAt: at(0)),
            IncidentLedger(cluster: "lab", policy: head.policy)
        )
        let story = story()
        // Until something is told that is not over.
        let half = try #require(
            story.indices.first { index in
                snapshot.apply(story[index].updates)
                let now = story[index].at
                _ = first.step(judge(snapshot, now: now), now: now)
                return !first.toldEntries.isEmpty
            }
        )
        let left = first.toldEntries.map(\.essence)
        // The other has seen the same, and told nothing of it.
        var (seen, second) = (
            Snapshot(head.site, startedAt: at(0)),
            IncidentLedger(cluster: "lab", policy: head.policy)
        )
        try inFolder { path in
            let writer = try JournalWriter(path: path, head: head) { _ in }
            var expected: [String] = []
            for (index, (updates, now)) in story.enumerated() {
                seen.apply(updates)
                writer.record(updates)
                guard index >= half else { continue }
                if index == half {
                    for entry in left { second.takeOver(entry) }
                    writer.tookOver(left)
                }
                writer.judged(at: now)
                expected += transcript(second.step(judge(seen, now: now), now: now))
            }
            writer.finish()
            #expect(try read(path).told == expected)
            let ids = Set(left.map(\.incident.id))
            #expect(!ids.isDisjoint(with: second.incidents.map(\.id)))
        }
    }

    @Test("every kind of update is the same when it is read back")
    func lossless() throws {
        let entries = story().flatMap { updates, now in
            updates.map { JournalEntry.fact($0.update, at: $0.at) } + [.judged(at: now)]
        }
        for entry in entries + [.begin(head), .lost(updates: 3)] {
            let line = try entry.line()
            #expect(!line.contains(UInt8(ascii: "\n")))
            #expect(try JournalEntry(line: line) == entry)
        }
    }

    @Test("a line that is cut off ends the journal, one that is none is named by its place")
    func damaged() throws {
        try inFolder { path in
            let writer = try JournalWriter(path: path, head: head) { _ in }
            writer.record([(.agent(node: "n1", .heartbeat), at(1))])
            writer.judged(at: at(2))
            writer.finish()
            let whole = try #require(FileManager.default.contents(atPath: path))
            try whole.dropLast(5).write(to: URL(fileURLWithPath: path))
            var reader = try JournalReader(path: path)
            var count = 0
            while try reader.next() != nil { count += 1 }
            #expect(count == 2)
            let isCut = reader.isCut
            #expect(isCut)
            for (text, reason) in [
                ("{\"judged\":{\"at\":\"x\"}}", "not an entry of a journal at judged.at"),
                ("{}", "not an entry of a journal"), ("", "not an entry of a journal"),
                ("{\"other\":{}}", "not an entry of a journal"),
                ("\u{0}", "not an entry of a journal"),
                (
                    String(decoding: whole, as: UTF8.self).split(separator: "\n")[0]
                        .replacing("\"format\":1", with: "\"format\":2").description,
                    "format 2, this version reads 1"
                ),
            ] {
                try (whole + Data((text + "\n").utf8)).write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: JournalError.self) { try read(path) }
                #expect(error?.line == 4)
                #expect(error?.reason == reason)
            }
        }
        #expect(throws: JournalError(file: "/nowhere/j", line: nil, reason: "cannot be read")) {
            try read("/nowhere/j")
        }
    }

    @Test("a disk that takes nothing costs the journal and nothing else, and is told once")
    func fullDisk() throws {
        #expect(throws: (any Error).self) {
            try JournalWriter(path: "/nowhere/j", head: head) { _ in }
        }
        try inFolder { path in
            let said = Mutex<[String]>([])
            // A file that may not grow: the head fits, nothing after it.
            let writer = try JournalWriter(path: path, head: head, limit: 1) { text in
                said.withLock { $0.append(text) }
            }
            let folder = (path as NSString).deletingLastPathComponent
            try FileManager.default.removeItem(atPath: folder)
            for second in 0..<5 {
                writer.record([(.agent(node: "n1", .heartbeat), at(Int64(second)))])
                writer.judged(at: at(Int64(second)))
            }
            writer.finish()
            #expect(said.withLock { $0.count } == 1)
            #expect(writer.counters == .init(lost: 5, isFailing: true))
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
        }
    }
}
