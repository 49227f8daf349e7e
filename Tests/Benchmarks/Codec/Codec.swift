// SPDX-License-Identifier: Apache-2.0
import Foundation
import Routing
import SwiftProtobuf
import Wire

/// One report in three encodings: bytes, and nanoseconds of CPU time to encode and to decode it. The
/// three take turns, and the best of twenty rounds of each counts: what disturbs a run only adds.
@main
enum Codec {
    static func main() throws {
        let now = Timestamp(milliseconds: 100_000_000)
        let report = SampleReport.report(now: now)
        let contestants: [Contestant] = [
            .podpath(report, now: now), try .protobuf(report, now: now), try .json(report),
        ]
        var best = contestants.map { _ in (encode: Double.infinity, decode: Double.infinity) }
        for _ in 0..<20 {
            for (index, contestant) in contestants.enumerated() {
                best[index].encode = min(best[index].encode, try time(contestant, \.encode))
                best[index].decode = min(best[index].decode, try time(contestant, \.decode))
            }
        }
        for (contestant, times) in zip(contestants, best) {
            print(
                """
                {"codec":"\(contestant.name)","bytes":\(contestant.bytes),\
                "encode":\(Int(times.encode)),"decode":\(Int(times.decode))}
                """
            )
        }
    }

    private static func time(
        _ contestant: Contestant,
        _ work: KeyPath<Contestant, () throws -> Int>
    ) throws -> Double {
        let body = contestant[keyPath: work]
        var sum = 0
        let began = cpuNanoseconds()
        for _ in 0..<contestant.repetitions { sum &+= try body() }
        let spent = cpuNanoseconds() - began
        // A result that is used cannot be optimised away.
        precondition(sum != 0)
        return Double(spent) / Double(contestant.repetitions)
    }

    private static func cpuNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// An encoding of the report: each closure does all the work once.
struct Contestant {
    let name: String
    let bytes: Int
    let repetitions: Int
    let encode: () throws -> Int
    let decode: () throws -> Int

    static func podpath(_ report: Report, now: Timestamp) -> Contestant {
        let frame = AgentFrame.snapshot(generation: 1, report)
        let encoded = frame.encoded(now: now)
        return Contestant(
            name: "podpath",
            bytes: encoded.count,
            repetitions: 2_000,
            encode: { frame.encoded(now: now).count },
            decode: {
                var skipped = SkippedContent()
                let body = encoded[4...]
                let decoded = try AgentFrame(decoding: body, now: now, skipped: &skipped)
                guard case .snapshot(_, let facts) = decoded else { return 0 }
                return facts.routes.count
            }
        )
    }

    static func protobuf(_ report: Report, now: Timestamp) throws -> Contestant {
        let message = SampleReport.message(report, now: now)
        let encoded: [UInt8] = try message.serializedBytes()
        return Contestant(
            name: "protobuf",
            bytes: encoded.count,
            repetitions: 2_000,
            encode: {
                let bytes: [UInt8] = try message.serializedBytes()
                return bytes.count
            },
            decode: { try BenchmarkReport(serializedBytes: encoded).routes.count }
        )
    }

    static func json(_ report: Report) throws -> Contestant {
        let document = SampleReport.document(report)
        let encoder = JSONEncoder()
        let decoder = JSONDecoder()
        let encoded = try encoder.encode(document)
        return Contestant(
            name: "json",
            bytes: encoded.count,
            repetitions: 100,
            encode: { try encoder.encode(document).count },
            decode: { try decoder.decode(JSONReport.self, from: encoded).routes.count }
        )
    }
}
