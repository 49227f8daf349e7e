// SPDX-License-Identifier: Apache-2.0
import Routing
import Support
import Testing

@testable import BIRD

/// A daemon that answers a whole poll out of what a real one of that version and state answered.
private struct CapturedBIRD {
    let version: String
    let state: String
    private let prefixText = "10.217.3.0/24"

    /// Its answers in the order asked, each machine fed in pieces of `size` bytes.
    func reading(pieces size: Int) throws -> BIRDReading {
        var poll = BIRDPoll(
            prefixes: [prefix(prefixText)],
            supernets: [prefix(prefixText)],
            now: at(0)
        )
        var waiting = try bytes("hello")
        while !waiting.isEmpty {
            let piece = Array(waiting.prefix(size))
            waiting.removeFirst(piece.count)
            for action in poll.received(piece, now: at(1_000)) {
                switch action {
                case .finish(let reading): return reading
                case .send(let line):
                    waiting += try answer(String(decoding: line.dropLast(), as: UTF8.self))
                }
            }
        }
        throw ReplyError.notAReply("the machine waits for ever")
    }

    private func answer(_ line: String) throws -> [UInt8] {
        switch line {
        case "restrict": return try bytes("restrict", "healthy")
        case "timeformat \"%s.%6f\"": return Array("9001 syntax error\n".utf8)
        case "show status": return try bytes("show-status")
        case "show protocols all": return try bytes("show-protocols-all")
        case "show static 'static1'": return try bytes("show-static")
        case "show route \(prefixText)":
            return try holdsPrefix ? bytes("show-route-10.217.3.0-24", "healthy") : notFound()
        default: return try export(line)
        }
    }

    private var holdsPrefix: Bool {
        !["cidr-absent-from-static", "static-iface-down"].contains(state)
    }
    private func notFound() throws -> [UInt8] {
        try bytes("show-route-10.217.3.0-24-all", "cidr-absent-from-static")
    }

    private func export(_ line: String) throws -> [UInt8] {
        // Only the states named after uplink0 leave uplink1 as it is in a healthy node.
        let isHealthy = line.hasSuffix("'uplink1'") && state.hasPrefix("uplink0")
        let state = isHealthy ? "healthy" : self.state
        let knowsExported = !["1.6.8", "2.0.7"].contains(version)
        if line.contains(" exported "), !knowsExported {
            return try bytes("show-route-exported-uplink0")
        }
        if !holdsPrefix { return try notFound() }
        if line.contains(" noexport ") {
            return state == "export-filter-rejects-cidr"
                ? try bytes("show-route-10.217.3.0-24", "healthy")
                : try bytes("show-route-noexport-uplink0", "healthy")
        }
        let kind = line.contains(" exported ") ? "exported" : "export"
        return try bytes("show-route-\(kind)-uplink0", state)
    }

    private func bytes(_ command: String, _ state: String? = nil) throws -> [UInt8] {
        try #require(BIRDFixture.bytes(version, state ?? self.state, command))
    }
}

@Suite struct BIRDVersions {
    private static let states = [
        "healthy", "uplink0-peer-shutdown", "uplink0-hold-timer-expired", "uplink0-disabled",
        "static-iface-down", "cidr-absent-from-static", "export-filter-rejects-cidr",
        "export-limit-action-block",
    ]
    private static let limited = ExportAnswer.unknown(
        "the export limit is hit, and this BIRD does not tell for which routes"
    )

    private func expected(_ version: String, _ state: String) -> ExportAnswer {
        let isOld = version == "1.6.8" || version == "2.0.7"
        switch state {
        case "healthy": return isOld ? .accepted : .sent
        case "static-iface-down", "cidr-absent-from-static": return .notInTable
        case "export-filter-rejects-cidr": return .rejectedByFilter
        case "export-limit-action-block": return isOld ? Self.limited : .notSent
        default: return .channelDown
        }
    }

    @Test(
        "whatever the version, each way to lose a prefix has its own answer",
        arguments: BIRDFixture.versions,
        Self.states
    )
    func matrix(version: String, state: String) throws {
        let reading = try CapturedBIRD(version: version, state: state).reading(pieces: 4_096)
        let cidr = prefix("10.217.3.0/24")
        #expect(reading.condition == .readable)
        let other = state.hasPrefix("uplink0") ? "healthy" : state
        #expect(
            reading.exports == [
                ExportKey(uplink: "uplink0", prefix: cidr): expected(version, state),
                ExportKey(uplink: "uplink1", prefix: cidr): expected(version, other),
            ]
        )
        let holds = !["static-iface-down", "cidr-absent-from-static"].contains(state)
        #expect(reading.routes.contains { $0.prefix == cidr && $0.isBest } == holds)
        #expect(reading.statics.contains { $0.isDormant } == (state == "static-iface-down"))
    }

    @Test(
        "any split of a poll's bytes gives the same reading",
        arguments: ["1.6.8", "2.0.7", "3.3.2"]
    )
    func splits(version: String) throws {
        let bird = CapturedBIRD(version: version, state: "export-filter-rejects-cidr")
        let whole = try bird.reading(pieces: 1 << 20)
        for size in [1, 2, 3, 7, 64, 511] {
            #expect(try bird.reading(pieces: size) == whole)
        }
    }

    @Test("both families of a session are asked about", arguments: BIRDFixture.versions.dropFirst())
    func dualStack(version: String) throws {
        let bytes = try #require(BIRDFixture.bytes(version, "dual-stack", "show-protocols-all"))
        var reader = ReplyReader()
        for case .reply(let reply) in try reader.read(bytes) {
            let all = ProtocolReply.all(reply).protocols
            let session = try #require(all.first { $0.name == "uplink0" })
            #expect(session.serves(.ipv4) && session.serves(.ipv6))
            #expect(!session.isDown(.ipv4) && !session.isDown(.ipv6))
            #expect(session.channels.map(\.stateWord) == ["UP", "UP"])
        }
    }
}
